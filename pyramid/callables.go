package pyramid

import (
	"errors"
	"fmt"
)

// A callable is a name that a pickle pushed. It makes plain data of the
// arguments that REDUCE gives it.
type callable func(u *unpickler, args []any) (any, error)

// callables are the names that a pickle may use: what Python writes for bytes
// and sets in old protocols, and for dates. Nothing is looked up anywhere else.
var callables = map[string]callable{
	"_codecs.encode":     encodeLatin1,
	"builtins.bytes":     newBytes,
	"builtins.bytearray": newBytearray,
	"builtins.set":       func(u *unpickler, args []any) (any, error) { return u.setOf(args, false) },
	"builtins.frozenset": func(u *unpickler, args []any) (any, error) { return u.setOf(args, true) },
	"datetime.datetime":  newDatetime,
	"datetime.date":      newDate,
	"datetime.timedelta": newTimedelta,
	"datetime.timezone":  newTimezone,
}

var errArgs = errors.New("pickle calls a name of plain data with other arguments than Python does")

func (u *unpickler) global(module, name string) error {
	if module == "__builtin__" { // Python 2's name, which protocols below 3 write
		module = "builtins"
	}
	c, ok := callables[module+"."+name]
	if !ok {
		return fmt.Errorf("pickle names %.40q of %.40q, which is no plain data", name, module)
	}
	return u.push(c)
}

func (u *unpickler) reduce() error {
	args, err := u.pop()
	if err != nil {
		return err
	}
	name, err := u.pop()
	if err != nil {
		return err
	}
	call, ok := name.(callable)
	tuple, ok2 := args.(*pyTuple)
	if !ok || !ok2 {
		return errors.New("pickle calls something that is no name")
	}
	v, err := call(u, tuple.items)
	return u.pushOr(v, err)
}

// encodeLatin1 is how protocols below 3 write bytes.
func encodeLatin1(_ *unpickler, args []any) (any, error) {
	if len(args) != 2 || args[1] != "latin1" && args[1] != "latin-1" {
		return nil, errArgs
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, errArgs
	}
	b, ok := latin1(text)
	if !ok {
		return nil, errArgs
	}
	return pyBytes(b), nil
}

// newBytes is how protocols below 3 write empty bytes.
func newBytes(_ *unpickler, args []any) (any, error) {
	if len(args) != 0 {
		return nil, errArgs
	}
	return pyBytes(""), nil
}

// newBytearray takes bytes, or text with its encoding, or nothing.
func newBytearray(u *unpickler, args []any) (any, error) {
	switch len(args) {
	case 0:
		return pyBytearray(""), nil
	case 1:
		if b, ok := args[0].(pyBytes); ok {
			return pyBytearray(b), nil
		}
	case 2:
		b, err := encodeLatin1(u, args)
		if err != nil {
			return nil, err
		}
		return pyBytearray(b.(pyBytes)), nil
	}
	return nil, errArgs
}

func (u *unpickler) setOf(args []any, frozen bool) (any, error) {
	switch len(args) {
	case 0:
		return &pySet{frozen: frozen}, nil
	case 1:
		if list, ok := args[0].(*pyList); ok {
			return u.newSet(list.items, frozen)
		}
	}
	return nil, errArgs
}
