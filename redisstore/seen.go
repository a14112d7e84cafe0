package redisstore

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/scarab-go/scarab"
)

// seen are sessions that this process knows to have been seen a moment ago, by
// which LoadTouch tells that no touch is due, and that a GET will do, which
// costs Redis a third of the script. It is a guess: one session may overwrite
// another, and the record itself has the last word.
//
// A slot has 32 bits of the handle, and the time in seconds.
type seen [1 << 16]atomic.Uint64

// Handles are random, so that any of their bits will do.
func (s *seen) slot(h scarab.Handle) (slot *atomic.Uint64, tag uint64) {
	return &s[binary.LittleEndian.Uint16(h[:])], uint64(binary.LittleEndian.Uint32(h[2:])) << 32
}

// note notes that h was last seen at t.
func (s *seen) note(h scarab.Handle, t time.Time) {
	slot, tag := s.slot(h)
	slot.Store(tag | uint64(uint32(t.Unix())))
}

// since reports whether h was seen at t or after it, as far as is known.
func (s *seen) since(h scarab.Handle, t time.Time) bool {
	slot, tag := s.slot(h)
	known := slot.Load() ^ tag
	return known>>32 == 0 && int64(known) > t.Unix()
}
