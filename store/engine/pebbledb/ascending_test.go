package pebbledb

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAscendingIsTheOrderOfBytes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		keys := make([][]byte, rnd.IntN(60))
		begin := bytes.Repeat([]byte{7}, rnd.IntN(12))
		for i := range keys {
			keys[i] = slices.Clone(begin[:max(0, len(begin)-rnd.IntN(2)*rnd.IntN(4))])
			for range rnd.IntN(12) {
				keys[i] = append(keys[i], byte(rnd.IntN(3)))
			}
		}
		want := make([]int, len(keys))
		for i := range want {
			want[i] = i
		}
		slices.SortFunc(want, func(a, b int) int { return cmp.Or(bytes.Compare(keys[a], keys[b]), a-b) })
		if got := ascending(len(keys), func(i int) []byte { return keys[i] }); !slices.Equal(got, want) {
			t.Fatalf("%x are in the order %v, not %v", keys, got, want)
		}
	}
}
