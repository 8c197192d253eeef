package attack_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/attack"
)

var (
	firstSeed  = flag.Uint64("seed", 1, "first seed")
	episodes   = flag.Int("episodes", 24, "play the episodes of this many seeds; with -short, an eighth of them")
	operations = flag.Int("ops", 300, "operations of each episode")
	lasting    = flag.Duration("for", 0, "go on with further seeds for so long")
	shrinkFor  = flag.Duration("shrink", 20*time.Second, "how long to look for a shorter episode that fails")
)

// TestAttack plays random attacks. Nothing is destroyed, unlocked or changed but what the
// oracle says the sender may, and what it says they may succeeds.
//
// spec: AP1-7, AP1-9, AP1-10, AP1-29, AP1-30, AP3-3, AP3-4, AP3-5
// spec: OL1.3-1, OL1.3-2, OL1.3-3, OL1.3-4, OL1.3-5, OL1.3-6, OL1.3-7, OL1.4-3, OL1.4-4, OL1.4-5, OL1.4-6, OL1.4-8, OL1.4-9, OL1.4-11
// spec: OL2-4, OL2-5, OL2-7, OL2-8, OL2-10, OL2-17
func TestAttack(t *testing.T) {
	counts := attack.Counts{}
	until := time.Now().Add(*lasting)
	least := *episodes
	if testing.Short() {
		least /= 8
	}
	played := 0
	for ; played < least || time.Now().Before(until); played++ {
		e := attack.Episode{Seed: *firstSeed + uint64(played), Operations: *operations}
		err := e.Run(t.Context(), counts)
		if err != nil {
			report(t, e, err)
			break
		}
	}
	t.Logf("seeds %d to %d, replay one with: go test ./internal/attack -seed SEED -episodes 1 -ops %d", *firstSeed, *firstSeed+uint64(played)-1, *operations)
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%7d %s", counts[what], what)
	}
	if played >= 24 && !t.Failed() {
		checkWorth(t, counts)
	}
}

// report shows a failure as it came and as short as it can be made.
func report(t *testing.T, e attack.Episode, err error) {
	t.Helper()
	var f *attack.Failure
	if !errors.As(err, &f) {
		t.Errorf("seed %d: %v", e.Seed, err)
		return
	}
	t.Errorf("%v\nthe last operations:\n%s", f, last(f.Trace, 10))
	ctx, cancel := context.WithTimeout(t.Context(), *shrinkFor)
	defer cancel()
	short := attack.Shrink(ctx, e, f)
	t.Logf("shrunk: %v\n%s", short, last(short.Trace, 60))
}

func last(lines []string, n int) string { return strings.Join(lines[max(0, len(lines)-n):], "\n") }

// checkWorth fails if the episodes did too little of what they are for.
func checkWorth(t *testing.T, counts attack.Counts) {
	t.Helper()
	for what, least := range map[string]int{
		"done": 2000, "refused": 1000, "gone: version": 100, "gone: key": 1, "gone: bucket": 1,
		"refused: a legal hold": 10, "refused: GOVERNANCE": 10, "refused: COMPLIANCE": 10, "refused: a token is needed": 10,
		"done: PutObjectRetention": 10, "done: DeleteObjects": 50, "done: CompleteMultipartUpload": 2, "done: AcceptClockStep": 1,
	} {
		if counts[what] < least {
			t.Errorf("%s: %d times, which is too little", what, counts[what])
		}
	}
	if open := counts["left open"]; open*5 > counts["operations"] {
		t.Errorf("%d outcomes of %d are left open", open, counts["operations"])
	}
}
