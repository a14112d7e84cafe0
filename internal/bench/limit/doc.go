// Package limit has hand-written sessions that do one application's work and
// nothing else: the practical floor of what a session costs.
//
// They keep what makes the work comparable: a token whose secret half is hashed
// and compared, a version that is checked before a write, an expiry, the commit
// before the first byte of the answer. They leave out what makes a library:
// rotation of keys, merging of concurrent changes, renewal, limits, events,
// errors that say what to do. Nobody should use them.
package limit
