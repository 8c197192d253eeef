package pebbledb

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

// TestMergerAssociative sums lists of counters with random brackets, in both
// directions, and compares with the sum from left to right.
func TestMergerAssociative(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		operands := make([][]byte, 1+rng.IntN(8))
		var want engine.Counters
		for i := range operands {
			c := make(engine.Counters, rng.IntN(4))
			for j := range c {
				c[j] = int64(rng.Uint64() >> rng.IntN(64))
			}
			operands[i] = c.Append(nil)
			want = append(want, make(engine.Counters, max(0, len(c)-len(want)))...)
			for j, n := range c {
				want[j] += n
			}
		}
		got, err := engine.DecodeCounters(bracketed(t, rng, operands))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("merged %x to %v, %v; want %v", operands, got, err, want)
		}
	}
}

// bracketed merges operands, oldest first: it splits them at random places,
// merges the parts, and merges the results.
func bracketed(t *testing.T, rng *rand.Rand, operands [][]byte) []byte {
	t.Helper()
	var parts [][]byte
	for rest := operands; len(rest) > 0; {
		n := 1 + rng.IntN(len(rest))
		if n > 1 && n < len(operands) {
			parts = append(parts, bracketed(t, rng, rest[:n]))
		} else {
			parts = append(parts, rest[:n]...)
		}
		rest = rest[n:]
	}
	older := rng.IntN(2) == 0
	if older {
		slices.Reverse(parts)
	}
	m, err := sumMerger().Merge(nil, parts[0])
	for _, part := range parts[1:] {
		if err == nil && older {
			err = m.MergeOlder(part)
		} else if err == nil {
			err = m.MergeNewer(part)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	result, _, err := m.Finish(rng.IntN(2) == 0)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestMergerDamaged(t *testing.T) {
	if _, err := sumMerger().Merge(nil, []byte{0x80}); err == nil {
		t.Error("a damaged first operand was taken")
	}
	m, err := sumMerger().Merge(nil, []byte{2})
	if err != nil {
		t.Fatal(err)
	}
	if m.MergeNewer([]byte{0x80}) == nil || m.MergeOlder([]byte{0x80}) == nil {
		t.Error("a damaged operand was taken")
	}
}
