package pyramid

import (
	"math"
	"math/big"
	"time"
)

// toTime is the time that Python's float(v) seconds since 1970 are, for what
// sessions hold at the place of a time. NaN, the infinities and what is beyond
// the year 9999 are no time: a session would never expire with them.
func toTime(v any) (time.Time, bool) {
	var f float64
	switch v := v.(type) {
	case int64:
		f = float64(v)
	case float64:
		f = v
	case bool:
		if v {
			f = 1
		}
	case string:
		var err error
		if f, err = parseFloat(v); err != nil {
			return time.Time{}, false
		}
	case *big.Int:
		return time.Time{}, false
	default:
		return time.Time{}, false
	}
	if !(math.Abs(f) < 253402300800) {
		return time.Time{}, false
	}
	seconds, fraction := math.Modf(f)
	return time.Unix(int64(seconds), int64(math.Round(fraction*1e9))), true
}

// fromTime is the way back, as time.time() in Python gives it. Doubles near
// today have a quarter of a microsecond, so both ways together change nothing.
func fromTime(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}
