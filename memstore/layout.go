package memstore

import (
	"encoding/binary"
	"time"

	"github.com/scarab-go/scarab"
)

// A block is the bytes of one record, in an arena:
//
//	 0  size of the block, a multiple of 8; the lowest bit is set if it is dead
//	 4  lengths of data, principal and label
//	16  handle, secret, commit
//	80  version
//	88  created, authTime, renewed, seen, expires, deadline: microseconds since 1970
//	136 idle, in nanoseconds
//	144 the previous and the next block of the same principal
//	152 principal, label, data
type block []byte

const (
	atData      = 4
	atPrincipal = 8
	atLabel     = 12
	atHandle    = 16
	atSecret    = 32
	atCommit    = 64
	atVersion   = 80
	atCreated   = 88
	atAuthTime  = 96
	atRenewed   = 104
	atSeen      = 112
	atExpires   = 120
	atDeadline  = 128
	atIdle      = 136
	atPrev      = 144
	atNext      = 148
	headSize    = 152
)

// blockSize is what a record takes up.
func blockSize(r *scarab.Record) int {
	return (headSize + len(r.Principal) + len(r.Label) + len(r.Data) + 7) &^ 7
}

func (b block) u32(at int) uint32       { return binary.LittleEndian.Uint32(b[at:]) }
func (b block) putU32(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
func (b block) u64(at int) uint64       { return binary.LittleEndian.Uint64(b[at:]) }
func (b block) putU64(at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }

func (b block) size() int       { return int(b.u32(0) &^ 7) }
func (b block) dead() bool      { return b.u32(0)&1 != 0 }
func (b block) setDead()        { b.putU32(0, b.u32(0)|1) }
func (b block) version() uint64 { return b.u64(atVersion) }

func (b block) handle() scarab.Handle { return scarab.Handle(b[atHandle:]) }

func (b block) principal() []byte { return b[headSize : headSize+b.u32(atPrincipal)] }

// The zero time is a number like any other, far before 1970.
func (b block) time(at int) time.Time {
	us := int64(b.u64(at))
	if us == zeroTime {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func (b block) putTime(at int, t time.Time) { b.putU64(at, uint64(t.UnixMicro())) }

var zeroTime = time.Time{}.UnixMicro()

// expired is scarab.Record.Expired.
func (b block) expired(now time.Time) bool {
	expires := int64(b.u64(atExpires))
	return expires != zeroTime && now.UnixMicro() >= expires
}

// fields decodes what has a fixed size.
func (b block) fields() (r scarab.Record) {
	b.decodeFields(&r)
	return r
}

func (b block) decodeFields(r *scarab.Record) {
	b = b[:headSize]
	copy(r.Handle[:], b[atHandle:])
	copy(r.Secret[:], b[atSecret:])
	copy(r.Commit[:], b[atCommit:])
	r.Version = b.version()
	r.Created = b.time(atCreated)
	r.AuthTime = b.time(atAuthTime)
	r.Renewed = b.time(atRenewed)
	r.Seen = b.time(atSeen)
	r.Expires = b.time(atExpires)
	r.Deadline = b.time(atDeadline)
	r.Idle = time.Duration(b.u64(atIdle))
}

// decodeListed decodes all but the data.
func (b block) decodeListed(r *scarab.Record) {
	b.decodeFields(r)
	if p, l := b.u32(atPrincipal), b.u32(atLabel); p+l > 0 {
		texts := string(b[headSize : headSize+p+l]) // one allocation for both
		r.Principal, r.Label = texts[:p], texts[p:]
	}
}

// decode decodes everything. It copies: the block is used again.
func (b block) decode(r *scarab.Record) {
	b.decodeListed(r)
	if n := int(b.u32(atData)); n > 0 {
		start := headSize + len(r.Principal) + len(r.Label)
		r.Data = append([]byte(nil), b[start:start+n]...)
		r.Data = r.Data[:n:n]
	}
}

// put encodes r, but for the links and the size of the block.
func (b block) put(r *scarab.Record) {
	b.putU32(atData, uint32(len(r.Data)))
	b.putU32(atPrincipal, uint32(len(r.Principal)))
	b.putU32(atLabel, uint32(len(r.Label)))
	copy(b[atHandle:], r.Handle[:])
	copy(b[atSecret:], r.Secret[:])
	copy(b[atCommit:], r.Commit[:])
	b.putU64(atVersion, r.Version)
	b.putTime(atCreated, r.Created)
	b.putTime(atAuthTime, r.AuthTime)
	b.putTime(atRenewed, r.Renewed)
	b.putTime(atSeen, r.Seen)
	b.putTime(atExpires, r.Expires)
	b.putTime(atDeadline, r.Deadline)
	b.putU64(atIdle, uint64(r.Idle))
	n := headSize
	n += copy(b[n:], r.Principal)
	n += copy(b[n:], r.Label)
	copy(b[n:], r.Data)
}

// setTouched writes what Touch changes.
func (b block) setTouched(r *scarab.Record) {
	b.putTime(atSeen, r.Seen)
	b.putTime(atExpires, r.Expires)
}
