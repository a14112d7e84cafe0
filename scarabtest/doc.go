// Package scarabtest checks implementations of scarab's interfaces, and helps
// to test applications that use them.
//
// For those who write a [scarab.Store] or a [scarab.Backend], [TestStore] and
// [TestBackend] hold it to the contract, one sentence at a time: a failure
// quotes the sentence that is broken. [TestHTTP] tries any backend as a browser
// meets it.
//
// For those who write an application: a [Clock] that stands still until it is
// told to advance, a [FailingStore] that fails where it is told to, and a
// [Client] that treats cookies as a browser does.
//
// # Compatibility
//
// A later release may add clauses, when a contract turns out to be looser than
// meant. A store that keeps the contract's sentences passes them too.
package scarabtest
