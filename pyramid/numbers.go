package pyramid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

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

// reprFloat is Python's repr of f, which is also its JSON but for the words.
func reprFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if f == math.Trunc(f) {
		text += ".0"
	}
	return text
}

// jsonFloat is how Python's json.dumps writes f.
func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return reprFloat(f)
}

// appendInt appends a whole number; v is an int64 or a *big.Int.
func appendInt(b []byte, v any) []byte {
	if n, ok := v.(int64); ok {
		return strconv.AppendInt(b, n, 10)
	}
	return v.(*big.Int).Append(b, 10)
}
