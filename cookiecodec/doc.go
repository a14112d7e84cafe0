// Package cookiecodec turns bytes into cookie values and back.
//
// There are two codecs for scarab.InCookie:
//
//   - [Sealed] is encrypted: the browser can neither read nor change what it
//     holds. It is the one to take, and costs no more than Pyramid's signature.
//   - [Signed] is Pyramid's format, byte for byte: the browser can read it.
//     It is for applications that share a cookie with Pyramid.
//
// [SealStore] encrypts what a store keeps, under the same [Keyring].
//
// # The sealed format
//
// A sealed value is base64url without padding (RFC 4648, section 5) of
//
//	offset  bytes  what
//	0       1      version, 0xe1
//	1       8      id of the key
//	9       24     salt, random, new for every value
//	33      16     commitment
//	49      64·n   AES-256-GCM ciphertext of the padded payload
//	49+64·n 16     GCM tag
//
// Padding is one byte 0x80 and then as few zeros as make a multiple of 64.
// With key for the bytes of the [Key], however many it has:
//
//	prk          = HKDF-Extract(SHA-256, key, no salt)
//	id           = HKDF-Expand(SHA-256, prk, "scarab key id 1", 8)
//	k ‖ commitment = HKDF-Expand(SHA-256, prk, "scarab sealed 1" ‖ salt, 32+16)
//	ciphertext ‖ tag = AES-256-GCM(k, nonce: 12 zeros, padded payload, associated data)
//
// The associated data is a list of fields, each with its length in front as 4
// bytes, big-endian: the version, the id, the audience, the purpose, and what
// the value belongs to. For a cookie the purpose is "cookie" and the last field
// its name. For a record of a store the purpose is "record", and three fields
// follow: handle, hash of the secret, principal. A record's data is not in
// base64.
//
// The reasons:
//
//   - A key for each value makes the nonce trivial: no counter, no limit of 2³²
//     values a key, which random 96-bit nonces reach in five days at 10 000 a
//     second. Two of 2⁸⁰ values have the same salt with a chance below 2⁻³².
//   - The salt is the info of HKDF-Expand, not the salt of HKDF-Extract: it
//     comes from the browser, and RFC 5869, section 3.4, wants the latter out
//     of an attacker's reach. This also leaves the extraction to the start.
//   - The id picks one key, so that no value is tried under several, and GCM
//     alone lets a value be made that opens under two keys. The commitment,
//     compared first and in constant time, rules that out.
//   - The id is in every cookie and reveals nothing: it is an output of HKDF of
//     its own, and the only way from there to a key of 256 random bits is to
//     try them all.
//   - Each bound field has its length, so that no two lists of fields look the
//     same. A value copied to a cookie of another name, to an application of
//     another audience, or from a record to a cookie does not open.
//   - Padding hides the length of what is inside but for its multiple of 64.
//     Nothing is compressed: the size would tell what is inside (CRIME, BREACH).
//   - Every refusal is [ErrInvalid], and nothing else is tried afterwards.
//
// Nothing here knows the time: how long a value is good for is in the payload,
// and scarab.InCookie sees to it. A value that was copied works until then.
//
// # Rotation
//
// The first key of a [Keyring] writes, all read. To replace a key without
// logging anyone out: put the new one last on every server; when all have it,
// put it first; when the longest lifetime has passed, drop the old one. To cut
// off a key that leaked, drop it at once: its cookies and records are then no
// sessions.
//
// # Compatibility
//
// Values made by a released version are read by every later one with the same
// major version. The vectors in testdata/vectors hold it to that, and those in
// testdata/signed_cookie_json.json, made by Pyramid, hold [Signed] to Pyramid.
//
// With GODEBUG=fips140=only, [NewSealed] and [SealStore] report that this mode
// lets nobody choose a nonce; plain fips140=on works.
package cookiecodec
