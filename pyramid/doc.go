// Package pyramid reads and writes the sessions of Pyramid, the Python web
// framework, so that a Go application and a Pyramid application behind one
// proxy share one visitor: the login, the cart, flash messages, CSRF tokens.
//
// Each session factory that Pyramid's documentation names has a function here
// that makes a [github.com/scarab-go/scarab.Backend]:
//
//	SignedCookie        SignedCookieSessionFactory, JSON (2.x) or pickle (1.5 to 1.10)
//	UnencryptedCookie   UnencryptedCookieSessionFactoryConfig (1.x)
//	NaCl                pyramid_nacl_session
//	RedisSessions       pyramid_redis_sessions
//	RedisSessionsFork   pyramid_session_redis
//	Beaker              Beaker and pyramid_beaker, all storages
//
// [CheckToken], [CheckOrigin] and [CSRFCookie] are its CSRF protection as it
// is, and [Inspect] takes a cookie apart.
//
// # Pickles
//
// Pickle is data here, never code. A pickle may hold dicts, lists, tuples,
// sets, text, bytes, numbers, None, and datetime, date, timedelta and timezone;
// one that names anything else is refused, and so is one that is too large or
// nested too deeply: its session is a new one, and an event has the reason. What is written is protocol 2, which every Python reads,
// and protocol 3 if there are bytes.
//
// # Notation
//
// A value of Python's that JSON cannot carry is shown to Go as an object with
// one key that starts with a dollar sign, and set by writing such an object:
//
//	{"$tuple": [1, "a"]}
//	{"$set": [1, 2]}  {"$frozenset": [1, 2]}
//	{"$bytes": "AAH+/w=="}  {"$bytearray": "AAH+/w=="}    base64
//	{"$dict": [[1, "one"], [{"$tuple": [1, 2]}, null]]}   keys that are no text, or start with $
//	{"$obj": "datetime.date", "repr": "datetime.date(2024, 2, 29)"}
//
// Whole numbers of any size and floats are plain JSON, and 1.0 stays 1.0; NaN
// and the infinities are the words that Python writes. A key of the session
// itself that is no text is shown as "$key:" and its JSON, such as "$key:1".
//
// Values that the application does not change are written back as they were.
//
// # Compatibility
//
// What Python wrote, every version of this package reads; what this package
// writes, every Python reads that could read the format. The vectors in
// testdata/vectors, which the originals made, hold it to that.
package pyramid
