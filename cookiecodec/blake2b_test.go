package cookiecodec

import (
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math/bits"
	"testing"
)

// blake2b is RFC 7693 without a key: the one hash of Pyramid's vectors that the
// standard library lacks, and so a hash for HashFunc. It keeps what it is given
// and hashes at the end.
type blake2b struct{ data []byte }

func newBLAKE2b() hash.Hash { return new(blake2b) }

func (b *blake2b) Write(p []byte) (int, error) { b.data = append(b.data, p...); return len(p), nil }
func (b *blake2b) Reset()                      { b.data = nil }
func (b *blake2b) Size() int                   { return 64 }
func (b *blake2b) BlockSize() int              { return 128 }

var blake2bIV = [8]uint64{
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
}

var blake2bSigma = [10][16]byte{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}

func (b *blake2b) Sum(in []byte) []byte {
	h := blake2bIV
	h[0] ^= 0x01010000 | 64
	for rest, done := b.data, uint64(0); ; rest = rest[128:] {
		var chunk [128]byte
		n := copy(chunk[:], rest)
		done += uint64(n)
		last := len(rest) <= 128
		blake2bCompress(&h, &chunk, done, last)
		if last {
			break
		}
	}
	for _, word := range h {
		in = binary.LittleEndian.AppendUint64(in, word)
	}
	return in
}

func blake2bCompress(h *[8]uint64, chunk *[128]byte, done uint64, last bool) {
	var m, v [16]uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(chunk[8*i:])
	}
	copy(v[:8], h[:])
	copy(v[8:], blake2bIV[:])
	v[12] ^= done
	if last {
		v[14] = ^v[14]
	}
	g := func(a, b, c, d int, x, y uint64) {
		v[a] += v[b] + x
		v[d] = bits.RotateLeft64(v[d]^v[a], -32)
		v[c] += v[d]
		v[b] = bits.RotateLeft64(v[b]^v[c], -24)
		v[a] += v[b] + y
		v[d] = bits.RotateLeft64(v[d]^v[a], -16)
		v[c] += v[d]
		v[b] = bits.RotateLeft64(v[b]^v[c], -63)
	}
	for round := range 12 {
		s := &blake2bSigma[round%10]
		for i := range 4 {
			g(i, 4+i, 8+i, 12+i, m[s[2*i]], m[s[2*i+1]])
		}
		for i := range 4 {
			g(i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4, m[s[8+2*i]], m[s[9+2*i]])
		}
	}
	for i := range h {
		h[i] ^= v[i] ^ v[8+i]
	}
}

// RFC 7693, appendix A.
func TestBLAKE2b(t *testing.T) {
	b := newBLAKE2b()
	b.Write([]byte("abc"))
	const want = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1" +
		"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
	if got := hex.EncodeToString(b.Sum(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
