package pyramid

import (
	"bytes"
	"encoding/binary"
)

// push puts v on the stack; it costs its place there and what it holds.
func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	cost := 2 * costAny // append grows in steps
	switch v := v.(type) {
	case string:
		cost += len(v)
	case pyBytes:
		cost += len(v)
	case pyBytearray:
		cost += len(v)
	case nil, bool, callable:
	default:
		cost += costObject
	}
	return u.charge(cost)
}

func (u *unpickler) pushOr(v any, err error) error {
	if err != nil {
		return err
	}
	return u.push(v)
}

// floor is where the stack ends for opcodes that do not take a mark.
func (u *unpickler) floor() int {
	if n := len(u.marks); n > 0 {
		return u.marks[n-1]
	}
	return 0
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, errPickleStack
	}
	return u.stack[len(u.stack)-1], nil
}

func (u *unpickler) pop() (any, error) {
	v, err := u.top()
	if err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v, err
}

// popN takes the n topmost items.
func (u *unpickler) popN(n int) ([]any, error) {
	if len(u.stack)-n < u.floor() {
		return nil, errPickleStack
	}
	return u.cut(len(u.stack) - n)
}

// popMark takes the items above the topmost mark, and the mark.
func (u *unpickler) popMark() ([]any, error) {
	n := len(u.marks)
	if n == 0 {
		return nil, errPickleStack
	}
	at := u.marks[n-1]
	u.marks = u.marks[:n-1]
	return u.cut(at)
}

func (u *unpickler) cut(at int) ([]any, error) {
	if err := u.charge(costAny * (len(u.stack) - at)); err != nil {
		return nil, err
	}
	items := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}

func (u *unpickler) charge(n int) error {
	if u.budget -= n; u.budget < 0 {
		return errPickleMemory
	}
	return nil
}

func (u *unpickler) byte() (byte, error) {
	b, err := u.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// take returns the next n bytes of the input, uncopied.
func (u *unpickler) take(n uint64) ([]byte, error) {
	if n > uint64(len(u.in)-u.at) {
		return nil, errPickleEnd
	}
	b := u.in[u.at : u.at+int(n)]
	u.at += int(n)
	return b, nil
}

// counted returns bytes whose number, little-endian in size bytes, comes first.
func (u *unpickler) counted(size uint64) ([]byte, error) {
	n, err := u.uint(size)
	if err != nil {
		return nil, err
	}
	return u.take(n)
}

func (u *unpickler) uint(size uint64) (uint64, error) {
	b, err := u.take(size)
	if err != nil {
		return 0, err
	}
	var n [8]byte
	copy(n[:], b)
	return binary.LittleEndian.Uint64(n[:]), nil
}

func (u *unpickler) line() ([]byte, error) {
	n := bytes.IndexByte(u.in[u.at:], '\n')
	if n < 0 {
		return nil, errPickleEnd
	}
	line := u.in[u.at : u.at+n]
	u.at += n + 1
	return line, nil
}

func orError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
