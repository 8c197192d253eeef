package integration

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/seed61737384/tombstone/integration/launch"
)

var killSeed = flag.Uint64("kill.seed", 0, "seed of TestKill, 0 for a new one")

// A server that is killed under load, again and again, loses nothing that it has
// answered, and what was in flight happened as a whole or not at all.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d; -kill.seed repeats its choices, not the moments of the kills", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	data := t.TempDir()
	server := startFor(t, "--data", data, "--min-free", "0")
	status := map[string]string{"kill-never": "", "kill-enabled": "Enabled", "kill-suspended": "Suspended"}
	workers := makeWorkers(random, status)
	makeKillBuckets(t, newAWS(t, server.Endpoint), workers, status)
	total := 0
	for round := range rounds {
		n := playUntilKilled(t, server, workers, 1+random.Int64N(400))
		server = startFor(t, "--data", data, "--min-free", "0")
		entries := settleAll(t, server, workers, status)
		total += n
		t.Logf("round %d: killed after %d answered calls, %d entries are right, server back in %v", round+1, n, entries, server.Ready.Round(time.Millisecond))
	}
	must(t, server.Stop())
	must(t, check(data))
	t.Logf("%d answered calls in %d rounds", total, rounds)
}

// makeKillBuckets makes the buckets. The suspended one gets a version with an id
// below each key first.
func makeKillBuckets(t *testing.T, c awsClient, workers []*worker, status map[string]string) {
	t.Helper()
	for bucket, s := range status {
		must(t, c.createBucket(bucket))
		if s == "" {
			continue
		}
		must(t, c.setVersioning(bucket, "Enabled"))
		for _, w := range workers {
			must(t, w.writeOnce(c, bucket))
		}
		must(t, c.setVersioning(bucket, s))
	}
}

func makeWorkers(random *rand.Rand, status map[string]string) []*worker {
	var workers []*worker
	for i := range killWorkers {
		w := &worker{random: rand.New(rand.NewPCG(random.Uint64(), uint64(i))), status: status, known: make(map[place]past)}
		for bucket := range status {
			for k := range killKeys {
				w.places = append(w.places, place{bucket, fmt.Sprintf("w%d/k%d", i, k)})
			}
		}
		slices.SortFunc(w.places, func(a, b place) int { return compare(a.bucket+a.key, b.bucket+b.key) })
		workers = append(workers, w)
	}
	return workers
}

// playUntilKilled lets all workers play and kills the server after limit answered
// calls. It returns how many calls were answered.
func playUntilKilled(t *testing.T, server *launch.Process, workers []*worker, limit int64) int {
	t.Helper()
	var answered atomic.Int64
	acknowledged := func() {
		if answered.Add(1) == limit {
			server.Kill()
		}
	}
	faults := make(chan error, len(workers))
	for _, w := range workers {
		w.client = newAWS(t, server.Endpoint)
		go func() { faults <- w.play(acknowledged) }()
	}
	var all []error
	for range workers {
		err := <-faults
		if err != nil {
			server.Kill() // lets the others end
		}
		all = append(all, err)
	}
	must(t, errors.Join(all...))
	return int(answered.Load())
}

// settleAll reads back everything, through listings of versions and of keys and
// every body, and has the workers judge it. It returns the number of entries.
func settleAll(t *testing.T, server *launch.Process, workers []*worker, status map[string]string) int {
	t.Helper()
	c := newMinio(t, server.Endpoint, minio.Options{})
	actual := make(map[place]past)
	entries := 0
	for bucket := range status {
		listed, _, err := c.versions(bucket, listing{})
		must(t, err)
		sums := readAll(t, c, bucket, listed)
		entries += len(listed)
		var live []string
		for i, e := range listed {
			p := place{bucket, e.key}
			if e.latest != (len(actual[p]) == 0) {
				t.Errorf("%s/%s: entry %d has latest %v", bucket, e.key, len(actual[p]), e.latest)
			}
			if e.latest && !e.marker {
				live = append(live, e.key)
			}
			actual[p] = append(actual[p], stored{id: e.id, marker: e.marker, sum: sums[i]})
		}
		keys, _, err := c.keys(bucket, listing{})
		if err != nil || !slices.Equal(keys, live) {
			t.Errorf("%s: listed keys %q, %v, those with a current object are %q", bucket, keys, err, live)
		}
	}
	for _, w := range workers {
		if err := w.settle(actual); err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return entries
}

// readAll returns the sums of the bodies of entries, zero for markers.
func readAll(t *testing.T, c client, bucket string, entries []entry) [][sha256.Size]byte {
	t.Helper()
	sums := make([][sha256.Size]byte, len(entries))
	inParallel(t, len(entries), func(i int) error {
		if entries[i].marker {
			return nil
		}
		body, err := c.get(bucket, entries[i].key, entries[i].id)
		if err != nil {
			return fmt.Errorf("%s/%s version %s: %w", bucket, entries[i].key, entries[i].id, err)
		}
		sums[i] = sha256.Sum256(body)
		return nil
	})
	return sums
}
