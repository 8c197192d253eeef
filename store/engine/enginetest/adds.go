package enginetest

import (
	"context"
	"math"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

func addSums(t *testing.T, e engine.Engine) {
	for _, c := range []struct {
		deltas []int64
		want   string
	}{
		{[]int64{1}, "[1]"},
		{[]int64{0, 5}, "[1 5]"},
		{[]int64{-3, 1, math.MaxInt64}, "[-2 6 9223372036854775807]"},
		{[]int64{2, -6, -math.MaxInt64}, "[0 0 0]"},
		{nil, "[0 0 0]"},
	} {
		commit(t, e, add("n", c.deltas...))
		if got := counters(t, e, "n"); got != c.want {
			t.Errorf("after adding %v n holds %s, want %s", c.deltas, got, c.want)
		}
	}
	view(t, e, func(r engine.Reader) {
		seen := 0
		_, err := r.Scan(engine.Range{Start: []byte("n")}, func(_, value []byte) bool {
			seen++
			c, err := engine.DecodeCounters(value)
			if err != nil || len(c) != 3 {
				t.Errorf("a scan gives %v, %v", c, err)
			}
			return true
		})
		if err != nil || seen != 1 {
			t.Errorf("a scan sees %d counters, %v", seen, err)
		}
	})
}

func addAfterDelete(t *testing.T, e engine.Engine) {
	commit(t, e, add("n", 7, 7))
	commit(t, e, del("n"))
	expect(t, e, map[string]string{"n": "absent"})
	commit(t, e, add("n", 1))
	if got := counters(t, e, "n"); got != "[1]" {
		t.Errorf("n holds %s", got)
	}
}

func addNeverConflicts(t *testing.T, e engine.Engine) {
	commit(t, e, add("n", 1))
	err := e.Update(context.Background(), func(tx engine.Txn) error {
		if _, _, err := tx.Get([]byte("other")); err != nil {
			return err
		}
		commit(t, e, add("n", 10))
		tx.Write(add("n", 100), set("result", "after"))
		commit(t, e, add("n", 1000))
		return nil
	})
	if err != nil {
		t.Errorf("an add conflicted: %v", err)
	}
	if got := counters(t, e, "n"); got != "[1111]" {
		t.Errorf("n holds %s", got)
	}
	expect(t, e, map[string]string{"result": "after"})
}
