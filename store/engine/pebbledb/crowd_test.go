package pebbledb

import "testing"

// Who comes alone, or with another one, never waits; after a crowd nobody does for long.
func TestCrowd(t *testing.T) {
	var c crowd
	sync := func(commits int64) bool {
		c.commits.Add(commits)
		return c.pause() > 0
	}
	for _, alone := range []int64{0, 1, 2, 1} {
		for range 100 {
			if sync(alone) {
				t.Fatalf("a sync with %d commits makes the next one wait", alone)
			}
		}
	}
	syncs := 0
	for ; !sync(16); syncs++ {
		if syncs == crowdSyncs {
			t.Fatalf("after %d syncs with 16 commits none waits", syncs)
		}
	}
	for syncs = 0; sync(1); syncs++ {
		if syncs == 3*crowdSyncs {
			t.Fatalf("after %d syncs with one commit they still wait", syncs)
		}
	}
}
