package crashtest_test

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/internal/crashtest"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
)

var (
	seed = flag.Uint64("seed", 1, "seed of the workload")
	cuts = flag.Int("cuts", 1000, "syncs at which the file system is cut; -short or -race makes a tenth, both a thirtieth")
)

// shown is how many violations are worth reading.
const shown = 3

// reduced is how many times less a run does: one under the race detector is there for
// what its workers do beside each other, not for the number of cuts.
func reduced() int {
	switch {
	case testing.Short() && raceDetector:
		return 30
	case testing.Short() || raceDetector:
		return 10
	}
	return 1
}

func plan(cuts int) crashtest.Plan {
	return crashtest.Plan{
		Seed: *seed, Cuts: cuts / reduced(), Every: 2, Rounds: 3, Workers: 4, Racers: 3, Uploads: true, Verifiers: 2, Enough: shown,
	}
}

func run(t *testing.T, p crashtest.Plan) crashtest.Result {
	t.Helper()
	r, err := crashtest.Run(t.Context(), p)
	if err != nil {
		t.Fatalf("seed %d: %v", p.Seed, err)
	}
	return r
}

// TestNothingIsLost cuts a store that answers once a change is on disk.
func TestNothingIsLost(t *testing.T) {
	r := run(t, plan(*cuts))
	for _, v := range r.Violations {
		t.Errorf("seed %d: %s", *seed, v)
	}
	t.Logf("seed %d: %d cuts, %d operations", *seed, r.Cuts, r.Operations)
}

// TestNothingIsLostOnFailingEngine cuts a store whose engine reports conflicts, and
// outcomes that it does not know.
func TestNothingIsLostOnFailingEngine(t *testing.T) {
	p := plan(*cuts / 4)
	p.Racers, p.Uploads = 0, false // they do not look for what became of an unknown outcome
	p.Wrap = func(e engine.Engine) engine.Engine {
		return enginefault.New(e, enginefault.Options{Seed: p.Seed, Conflict: 0.1, Lost: 0.03, Applied: 0.03})
	}
	r := run(t, p)
	for _, v := range r.Violations {
		t.Errorf("seed %d: %s", *seed, v)
	}
	t.Logf("seed %d: %d cuts, %d operations", *seed, r.Cuts, r.Operations)
}

// TestRelaxedIsWhole cuts a store that answers before: what is left of it is clean,
// whatever is missing.
func TestRelaxedIsWhole(t *testing.T) {
	p := plan(*cuts / 4)
	p.Durability, p.Every = store.Relaxed, 1
	r := run(t, p)
	for _, v := range r.Violations {
		t.Errorf("seed %d: %s", *seed, v)
	}
	t.Logf("seed %d: %d cuts, %d operations", *seed, r.Cuts, r.Operations)
}

// sites are all places that syncs come from, with the reason why one may be left
// out without a loss, if it may.
var sites = map[string]string{
	". by blob.MakeDir":                        "",
	"data by blob.Open":                        "",
	"data by pebbledb":                         "synced again by blob.Open before anything is acknowledged",
	"data/blobs by blob.Open":                  "the entries of that folder are synced as they are made",
	"data/blobs by blob.(*Folder).Write":       "",
	"data/blobs by blob.(*Folder).Link":        "",
	"data/blobs by blob.(*Folder).Remove":      "takes two removals at once: TestRemoveBesideRemove of package blob",
	"data/blobs by blob.(*Folder).Discard":     "takes two removals at once: TestRemoveBesideRemove of package blob",
	"data/blobs/N by blob.(*Folder).Write":     "",
	"data/blobs/N by blob.(*Folder).Link":      "",
	"data/blobs/N by blob.(*Folder).Remove":    "",
	"data/blobs/N by blob.(*Folder).Discard":   "",
	"data/blobs/N/N by blob.(*Folder).Write":   "",
	"data/index by pebbledb":                   "",
	"data/index/MANIFEST-N by pebbledb":        "",
	"data/index/N.log by pebbledb":             "",
	"data/index/N.sst by pebbledb":             "",
	"data/index/temporary.N.dbtmp by pebbledb": "Pebble's note of its options, which it opens without",
}

// TestEverySyncIsNeeded leaves out the syncs of one place in the code after the
// other: each time something must get lost.
func TestEverySyncIsNeeded(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("half a minute of runs, which a short or a race run leaves out")
	}
	for site := range run(t, plan(*cuts/4)).Sites {
		if _, known := sites[site]; !known {
			t.Errorf("a sync of %s is new here", site)
		}
	}
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		t.Run(strings.ReplaceAll(site, "/", "_"), func(t *testing.T) {
			if why := sites[site]; why != "" {
				t.Skip(why)
			}
			p := plan(*cuts * 3)
			if strings.HasSuffix(site, "Discard") {
				// Writers share syncs of a folder: one alone shows what each is for.
				// What it leaves behind stays, so few cuts see it.
				p.Workers, p.Racers, p.Uploads, p.Every = 1, 0, false, 30
			}
			p.Drop = func(s crashfs.Sync) bool { return crashtest.Site(s) == site }
			loses(t, p)
		})
	}
}

// TestReclaimSyncsIndex leaves out what keeps reclaim, in a store that answers
// before a change is on disk, from removing a file whose version can come back.
func TestReclaimSyncsIndex(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("may need more cuts than are made then")
	}
	p := plan(*cuts * 3)
	p.Durability, p.Every = store.Relaxed, 1
	p.Wrap = func(e engine.Engine) engine.Engine { return unsynced{e} }
	loses(t, p)
}

// unsynced is an engine whose Sync does nothing.
type unsynced struct{ engine.Engine }

func (unsynced) Sync(context.Context) error { return nil }

// loses expects that cuts show a violation.
func loses(t *testing.T, p crashtest.Plan) {
	t.Helper()
	p.Enough = 1
	r := run(t, p)
	if len(r.Violations) == 0 {
		t.Fatalf("seed %d: nothing was lost in %d cuts", p.Seed, r.Cuts)
	}
	t.Logf("%d cuts, then: %.500s", r.Cuts, r.Violations[0])
}
