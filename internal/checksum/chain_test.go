package checksum

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// The sum that is chained of those of parts is the sum of the whole, however it
// was cut.
//
// spec: WI4-1, WI4-2
func TestChain(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, a := range []Algorithm{CRC32, CRC32C, CRC64NVME} {
		for range 200 {
			whole := make([]byte, rng.IntN(1<<14))
			for i := range whole {
				whole[i] = byte(rng.Uint32())
			}
			c, ok := NewChain(a)
			if !ok {
				t.Fatalf("%v is not chained", a)
			}
			step := 1 + rng.IntN(3000)
			for rest := whole; len(rest) > 0; {
				n := min(len(rest), step)
				if rng.IntN(4) == 0 {
					n = rng.IntN(n + 1)
				}
				if !c.Add(Of(a, rest[:n]), int64(n)) {
					t.Fatal("refused")
				}
				rest = rest[n:]
			}
			if got, want := c.Value(), Of(a, whole); !got.Equal(want) {
				t.Fatalf("seed %d: %v of %d bytes is %v, want %v", seed, a, len(whole), got, want)
			}
		}
	}
}

// Sizes beyond what fits into memory work as well: a gigabyte of zeros, doubled.
func TestChainOfLargeParts(t *testing.T) {
	zeros := bytes.Repeat([]byte{0}, 1<<20)
	for _, a := range []Algorithm{CRC32, CRC32C, CRC64NVME} {
		part, size := Of(a, zeros), int64(len(zeros))
		for range 12 { // up to 4 GiB
			c, _ := NewChain(a)
			c.Add(part, size)
			c.Add(part, size)
			part, size = c.Value(), 2*size
		}
		c, _ := NewChain(a)
		for range 1 << 12 {
			c.Add(Of(a, zeros), int64(len(zeros)))
		}
		if !c.Value().Equal(part) {
			t.Errorf("%v of 4 GiB is %v one way and %v the other", a, part, c.Value())
		}
	}
}

func TestChainRefuses(t *testing.T) {
	for _, a := range []Algorithm{None, SHA1, SHA256, 99} {
		if _, ok := NewChain(a); ok {
			t.Errorf("%v is chained", a)
		}
	}
	c, _ := NewChain(CRC32)
	if c.Add(Of(CRC32C, nil), 0) || c.Add(Value{}, 0) || c.Add(Value{Algorithm: CRC32, Sum: []byte{1}}, 1) {
		t.Error("took the value of another algorithm")
	}
	if got := c.Value(); !got.Equal(Of(CRC32, nil)) {
		t.Errorf("the sum of nothing is %v", got)
	}
}

func FuzzChain(f *testing.F) {
	f.Add(uint8(CRC32), []byte("123456789"), 4)
	f.Add(uint8(CRC64NVME), []byte{}, 0)
	f.Fuzz(func(t *testing.T, number uint8, whole []byte, cut int) {
		c, ok := NewChain(Algorithm(number))
		if !ok || cut < 0 || cut > len(whole) {
			return
		}
		a := Algorithm(number)
		c.Add(Of(a, whole[:cut]), int64(cut))
		c.Add(Of(a, whole[cut:]), int64(len(whole)-cut))
		if !c.Value().Equal(Of(a, whole)) {
			t.Fatalf("%v of %x cut at %d is %v", a, whole, cut, c.Value())
		}
	})
}
