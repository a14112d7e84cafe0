package pyramid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An unpickler is pickle's stack machine without the opcodes that import,
// build or call. GLOBAL and REDUCE are there because protocols below 4 write
// bytes and sets with them; they take the names in callables and no others.
//
// Nothing in it recurses, so depth costs memory only, and memory is counted
// before it is taken. Who goes over the result has to mind depth: containers
// may hold themselves.
type unpickler struct {
	in     []byte
	at     int
	stack  []any
	marks  []int // for each MARK the height of the stack
	memo   map[uint64]any
	budget int
}

const (
	// maxPickle bounds what is read, in bytes.
	maxPickle = 4 << 20

	// maxMemory is about how many bytes a pickle may take when it is decoded.
	maxMemory = 32 << 20

	// maxIntBits bounds numbers, since the time to print one grows with the
	// square of its length. Python prints none over 4300 digits.
	maxIntBits = 1 << 16
)

// About what things cost in memory.
const (
	costAny    = 16
	costObject = 64
	costDict   = 400 // its first entry
	costEntry  = 120
	costMemo   = 80
)

var (
	errPickleEnd    = errors.New("pickle ends too early")
	errPickleMemory = errors.New("pickle needs too much memory")
	errPickleStack  = errors.New("pickle takes from an empty stack")
)

// unpickle decodes a pickle of any protocol up to 5. Bytes after its end are
// ignored, as Python does.
func unpickle(data []byte) (any, error) {
	if len(data) > maxPickle {
		return nil, fmt.Errorf("pickle of %d bytes; at most %d are read", len(data), maxPickle)
	}
	u := unpickler{in: data, budget: maxMemory}
	v, err := u.run()
	if err != nil {
		return nil, fmt.Errorf("%w, near byte %d", err, u.at)
	}
	return v, nil
}

func (u *unpickler) run() (any, error) {
	for {
		op, err := u.byte()
		if err != nil {
			return nil, err
		}
		if op == '.' { // STOP
			return u.pop()
		}
		if err := u.step(op); err != nil {
			return nil, err
		}
	}
}

// step carries out one opcode. The names are those of Python's pickletools.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		if v, err := u.byte(); err != nil || v > 5 {
			return orError(err, fmt.Errorf("pickle protocol %d is unknown", v))
		}
		return nil
	case 0x95: // FRAME
		n, err := u.uint(8)
		if err == nil && n > uint64(len(u.in)-u.at) {
			err = errPickleEnd
		}
		return err
	case '(': // MARK
		u.marks = append(u.marks, len(u.stack))
		return u.charge(8)
	case '0': // POP
		if n := len(u.marks); n > 0 && u.marks[n-1] == len(u.stack) {
			u.marks = u.marks[:n-1]
			return nil
		}
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.popMark()
		return err
	case '2': // DUP
		v, err := u.top()
		return u.pushOr(v, err)
	case 'N': // NONE
		return u.push(nil)
	case 0x88: // NEWTRUE
		return u.push(true)
	case 0x89: // NEWFALSE
		return u.push(false)
	case 'I', 'L', 'F', 'J', 'K', 'M', 0x8a, 0x8b, 'G':
		v, err := u.number(op)
		return u.pushOr(v, err)
	case 'S', 'T', 'U', 'V', 'X', 0x8c, 0x8d:
		v, err := u.text(op)
		return u.pushOr(v, err)
	case 'C': // SHORT_BINBYTES
		b, err := u.counted(1)
		return u.pushOr(pyBytes(b), err)
	case 'B': // BINBYTES
		b, err := u.counted(4)
		return u.pushOr(pyBytes(b), err)
	case 0x8e: // BINBYTES8
		b, err := u.counted(8)
		return u.pushOr(pyBytes(b), err)
	case 0x96: // BYTEARRAY8
		b, err := u.counted(8)
		return u.pushOr(pyBytearray(b), err)
	case 'p', 'q', 'r', 0x94: // PUT, BINPUT, LONG_BINPUT, MEMOIZE
		return u.put(op)
	case 'g', 'h', 'j': // GET, BINGET, LONG_BINGET
		return u.get(op)
	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.global(string(module), string(name))
	case 0x93: // STACK_GLOBAL
		name, err := u.pop()
		if err != nil {
			return err
		}
		module, err := u.pop()
		if err != nil {
			return err
		}
		m, ok1 := module.(string)
		n, ok2 := name.(string)
		if !ok1 || !ok2 {
			return errors.New("pickle names something that is no text")
		}
		return u.global(m, n)
	case 'R': // REDUCE
		return u.reduce()
	}
	return u.container(op)
}

// container carries out the opcodes that make and fill containers.
func (u *unpickler) container(op byte) error {
	switch op {
	case ']': // EMPTY_LIST
		return u.push(&pyList{})
	case '}': // EMPTY_DICT
		return u.push(&pyDict{})
	case ')': // EMPTY_TUPLE
		return u.push(&pyTuple{})
	case 0x8f: // EMPTY_SET
		return u.push(&pySet{})
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		items, err := u.popN(int(op) - 0x84)
		return u.pushOr(&pyTuple{items}, err)
	case 't', 'l', 'd', 0x91, 'e', 'u', 0x90: // those that take all items since the mark
		items, err := u.popMark()
		if err != nil {
			return err
		}
		switch op {
		case 't': // TUPLE
			return u.push(&pyTuple{items})
		case 'l': // LIST
			return u.push(&pyList{items})
		case 0x91: // FROZENSET
			s, err := u.newSet(items, true)
			return u.pushOr(s, err)
		case 'd': // DICT
			d := new(pyDict)
			if err := u.fill(d, items); err != nil {
				return err
			}
			return u.push(d)
		}
		target, err := u.top()
		if err != nil {
			return err
		}
		return u.extend(op, target, items)
	case 'a': // APPEND
		items, err := u.popN(1)
		if err != nil {
			return err
		}
		target, err := u.top()
		return orError(err, u.extend('e', target, items))
	case 's': // SETITEM
		items, err := u.popN(2)
		if err != nil {
			return err
		}
		target, err := u.top()
		return orError(err, u.extend('u', target, items))
	}
	return fmt.Errorf("pickle has opcode %#02x, which plain data does not need: it would call or build something", op)
}

// extend is APPENDS, SETITEMS or ADDITEMS.
func (u *unpickler) extend(op byte, target any, items []any) error {
	switch t := target.(type) {
	case *pyList:
		if op == 'e' {
			t.items = append(t.items, items...)
			return u.charge(2 * costAny * len(items))
		}
	case *pyDict:
		if op == 'u' {
			return u.fill(t, items)
		}
	case *pySet:
		if op == 0x90 && !t.frozen {
			return u.add(t, items)
		}
	}
	return errors.New("pickle adds items to something that does not take them")
}

func (u *unpickler) fill(d *pyDict, items []any) error {
	if len(items)%2 != 0 {
		return errors.New("pickle has a dict key without a value")
	}
	for i := 0; i < len(items); i += 2 {
		if err := u.entry(d, items[i], items[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpickler) add(s *pySet, items []any) error {
	for _, item := range items {
		if err := u.entry(&s.dict, item, nil); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpickler) newSet(items []any, frozen bool) (*pySet, error) {
	s := &pySet{frozen: frozen}
	return s, u.add(s, items)
}

func (u *unpickler) put(op byte) error {
	key := uint64(len(u.memo))
	if op != 0x94 {
		var err error
		if key, err = u.memoKey(op); err != nil {
			return err
		}
	}
	v, err := u.top()
	if err != nil {
		return err
	}
	if u.memo == nil {
		u.memo = make(map[uint64]any)
	}
	u.memo[key] = v
	return u.charge(costMemo)
}

func (u *unpickler) get(op byte) error {
	key, err := u.memoKey(op)
	if err != nil {
		return err
	}
	v, ok := u.memo[key]
	if !ok {
		return errors.New("pickle refers to something that it does not hold")
	}
	return u.push(v)
}

func (u *unpickler) memoKey(op byte) (uint64, error) {
	switch op {
	case 'q', 'h':
		return u.uint(1)
	case 'r', 'j':
		return u.uint(4)
	}
	line, err := u.line()
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(string(line), 10, 32)
}

func (u *unpickler) number(op byte) (any, error) {
	switch op {
	case 'K': // BININT1
		n, err := u.uint(1)
		return int64(n), err
	case 'M': // BININT2
		n, err := u.uint(2)
		return int64(n), err
	case 'J': // BININT
		n, err := u.uint(4)
		return int64(int32(n)), err
	case 'G': // BINFLOAT
		b, err := u.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case 0x8a: // LONG1
		return u.long(u.counted(1))
	case 0x8b: // LONG4
		return u.long(u.counted(4))
	}
	line, err := u.line()
	if err != nil {
		return nil, err
	}
	text := string(line)
	switch op {
	case 'F': // FLOAT
		return parseFloat(text)
	case 'I': // INT
		if text == "00" || text == "01" { // how protocols 0 and 1 write False and True
			return text == "01", nil
		}
	case 'L': // LONG
		text = strings.TrimSuffix(text, "L")
	}
	return parseInt(text)
}

// long decodes little-endian two's complement.
func (u *unpickler) long(b []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if len(b)*8 > maxIntBits {
		return nil, fmt.Errorf("a number has more than %d bits", maxIntBits)
	}
	reversed := make([]byte, len(b))
	for i, c := range b {
		reversed[len(b)-1-i] = c
	}
	n := new(big.Int).SetBytes(reversed)
	if len(b) > 0 && b[len(b)-1] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b)*8)))
	}
	return smallInt(n), u.charge(costObject + len(b))
}

func smallInt(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// parseInt reads a whole number in decimal digits.
func parseInt(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if len(text) > maxIntBits*3/10 {
		return nil, fmt.Errorf("a number has more than %d bits", maxIntBits)
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || strings.Contains(text, "_") {
		return nil, fmt.Errorf("%.20q is no whole number", text)
	}
	return smallInt(n), nil
}

// parseFloat reads what Python's float() does: out of range is infinite.
func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	if err != nil || strings.ContainsAny(text, "xX_") {
		return 0, fmt.Errorf("%.20q is no number", text)
	}
	return f, nil
}

func (u *unpickler) text(op byte) (any, error) {
	var b []byte
	var err error
	switch op {
	case 'S': // STRING, of Python 2
		if b, err = u.line(); err == nil {
			b, err = unquotePython2(b)
		}
	case 'V': // UNICODE
		if b, err = u.line(); err == nil {
			return rawUnicode(b)
		}
	case 'U', 0x8c: // SHORT_BINSTRING, SHORT_BINUNICODE
		b, err = u.counted(1)
	case 'T', 'X': // BINSTRING, BINUNICODE
		b, err = u.counted(4)
	case 0x8d: // BINUNICODE8
		b, err = u.counted(8)
	}
	if err != nil {
		return nil, err
	}
	if op == 'S' || op == 'T' || op == 'U' {
		// Python 3 refuses them as well: nobody knows their encoding.
		if bytes.ContainsFunc(b, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return nil, errors.New("pickle has a string of Python 2 that is not ASCII")
		}
	} else if !validText(b) {
		return nil, errors.New("pickle has text that is not UTF-8")
	}
	return string(b), nil
}

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

// entry is d[key] = value. Long keys cost time each time they are looked up,
// so they are charged each time.
func (u *unpickler) entry(d *pyDict, key, value any) error {
	k, err := hashOf(key, maxHashDepth)
	if err != nil {
		return err
	}
	cost := costEntry
	if d.index == nil {
		cost = costDict
	}
	if err := u.charge(cost + len(k.s)); err != nil {
		return err
	}
	d.setHashed(k, key, value)
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
