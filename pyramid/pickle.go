package pyramid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/scarab-go/scarab"
)

// pickle encodes v in protocol 2, which every Python reads, or in protocol 3
// if there are bytes or dates, for which protocol 2 has no opcode.
func pickle(v any) ([]byte, error) {
	p := pickler{out: []byte{0x80, 2}, protocol: 2}
	err := p.add(v, maxDepth)
	if err == errNeeds3 {
		p = pickler{out: []byte{0x80, 3}, protocol: 3}
		err = p.add(v, maxDepth)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPickle, err)
	}
	return append(p.out, '.'), nil
}

var (
	errPickle  = errors.New("pyramid: cannot be pickled")
	errNeeds3  = errors.New("bytes need protocol 3")
	errTooMuch = fmt.Errorf("%w: a pickle has at most %d bytes", scarab.ErrTooLarge, maxPickle)
)

type pickler struct {
	out      []byte
	protocol int
}

func (p *pickler) op(b ...byte) { p.out = append(p.out, b...) }

// sized writes an opcode and the length of what follows in four bytes.
func (p *pickler) sized(op byte, n int) {
	p.op(op)
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(n))
}

func (p *pickler) add(v any, depth int) error {
	if depth == 0 {
		return errDepth
	}
	if len(p.out) > maxPickle {
		return errTooMuch
	}
	switch v := v.(type) {
	case nil:
		p.op('N')
	case bool:
		if v {
			p.op(0x88)
		} else {
			p.op(0x89)
		}
	case int64:
		p.int(v)
	case *big.Int:
		p.long(v)
	case float64:
		p.op('G')
		p.out = binary.BigEndian.AppendUint64(p.out, math.Float64bits(v))
	case string:
		p.sized('X', len(v))
		p.out = append(p.out, v...)
	case pyBytes:
		return p.bytes(v)
	case pyBytearray:
		return p.call("bytearray", []any{pyBytes(v)}, depth)
	case *pyList:
		p.op(']')
		return p.items(v.items, 'e', depth)
	case *pyTuple:
		return p.tuple(v.items, depth)
	case *pyDict:
		p.op('}')
		if len(v.keys) == 0 {
			return nil
		}
		p.op('(')
		for i := range v.keys {
			if err := p.add(v.keys[i], depth-1); err != nil {
				return err
			}
			if err := p.add(v.values[i], depth-1); err != nil {
				return err
			}
		}
		p.op('u')
	case *pySet:
		name := "set"
		if v.frozen {
			name = "frozenset"
		}
		return p.call(name, []any{&pyList{v.dict.keys}}, depth)
	case pyDatetime:
		args := []any{pyBytes(v.state[:])}
		if v.zone != nil {
			args = append(args, v.zone)
		}
		return p.call("datetime", args, depth)
	case pyDate:
		return p.call("date", []any{pyBytes(v[:])}, depth)
	case pyTimedelta:
		return p.call("timedelta", []any{v.days, v.seconds, v.microseconds}, depth)
	case pyTimezone:
		args := []any{v.offset}
		if v.name != "" {
			args = append(args, v.name)
		}
		return p.call("timezone", args, depth)
	default:
		return fmt.Errorf("a %T is no plain data", v)
	}
	return nil
}

func (p *pickler) int(n int64) {
	switch {
	case 0 <= n && n < 1<<8:
		p.op('K', byte(n))
	case 0 <= n && n < 1<<16:
		p.op('M', byte(n), byte(n>>8))
	case math.MinInt32 <= n && n <= math.MaxInt32:
		p.sized('J', int(n))
	default:
		p.long(big.NewInt(n))
	}
}

// long writes little-endian two's complement.
func (p *pickler) long(n *big.Int) {
	size := n.BitLen()/8 + 1 // one bit more, for the sign
	m := n
	if n.Sign() < 0 {
		m = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(size*8)))
	}
	b := m.FillBytes(make([]byte, size))
	slices.Reverse(b)
	if size < 256 {
		p.op(0x8a, byte(size))
	} else {
		p.sized(0x8b, size)
	}
	p.op(b...)
}

func (p *pickler) bytes(b pyBytes) error {
	if p.protocol < 3 {
		return errNeeds3
	}
	if len(b) < 256 {
		p.op('C', byte(len(b)))
	} else {
		p.sized('B', len(b))
	}
	p.out = append(p.out, b...)
	return nil
}

// items writes a mark, the items, and the opcode that takes them.
func (p *pickler) items(items []any, op byte, depth int) error {
	if len(items) == 0 && op == 'e' {
		return nil
	}
	p.op('(')
	for _, item := range items {
		if err := p.add(item, depth-1); err != nil {
			return err
		}
	}
	p.op(op)
	return nil
}

func (p *pickler) tuple(items []any, depth int) error {
	switch n := len(items); n {
	case 0:
		p.op(')')
	case 1, 2, 3:
		for _, item := range items {
			if err := p.add(item, depth-1); err != nil {
				return err
			}
		}
		p.op(0x84 + byte(n))
	default:
		return p.items(items, 't', depth)
	}
	return nil
}

// call writes a name and its arguments, for a type that has no opcode.
func (p *pickler) call(name string, args []any, depth int) error {
	module := "datetime"
	switch name {
	case "set", "frozenset", "bytearray":
		module = "builtins"
		if p.protocol < 3 {
			module = "__builtin__" // Python 2's name, which Python 3 translates up to here
		}
	}
	p.op('c')
	p.out = append(p.out, module+"\n"+name+"\n"...)
	if err := p.tuple(args, depth); err != nil {
		return err
	}
	p.op('R')
	return nil
}
