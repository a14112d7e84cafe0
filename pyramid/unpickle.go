package pyramid

import (
	"errors"
	"fmt"
	"strconv"
)

// An unpickler is pickle's stack machine without the opcodes that import,
// build or call. GLOBAL and REDUCE are there because protocols below 4 write
// bytes and sets with them; they take the names in callables and no others.
//
// github.com/kisielk/og-rek with an allow-list behind it would not do, as of
// 1.3.0: it has no opcodes for the sets that Python 3 writes nor for long
// numbers; a list that is in two places is empty in one of them; dicts lose
// their order; and 120 bytes of tuples in tuples, as a key, keep it busy for
// ever. TestOgrek shows each of these, and fails when one is no longer so.
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
	errPickleSize   = fmt.Errorf("pickle has more than %d bytes", maxPickle)
	errPickleMemory = errors.New("pickle needs too much memory")
	errPickleStack  = errors.New("pickle takes from an empty stack")
)

// unpickle decodes a pickle of any protocol up to 5. Bytes after its end are
// ignored, as Python does.
func unpickle(data []byte) (any, error) {
	if len(data) > maxPickle {
		return nil, &pickleError{errPickleSize, maxPickle}
	}
	u := unpickler{in: data, budget: maxMemory}
	v, err := u.run()
	if err != nil {
		return nil, &pickleError{err, u.at}
	}
	return v, nil
}

// A pickleError says what is wrong with a pickle, and where.
type pickleError struct {
	what error // one of few texts, or a name of at most 40 characters in one
	at   int   // in bytes
}

func (e *pickleError) Error() string { return fmt.Sprintf("%v, near byte %d", e.what, e.at) }

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
