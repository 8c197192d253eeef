package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"github.com/seed61737384/tombstone/integration/launch"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// agedBucket is the bucket that age makes.
const agedBucket = "aged"

// aging says what a folder is made with. What is in it was written ten days ago.
type aging struct {
	old, hide, lone int // keys: with versions, with one version, with nothing but a delete marker
	versions        int // of each key of old
	size            int
}

// age makes a folder by the store itself. Keys of old/ have versions, those of hide/
// one, and those of lone/ a delete marker, and all of it again under keep/.
func age(t *testing.T, data string, a aging) {
	t.Helper()
	st, err := store.Open(data, store.Options{Durability: store.Relaxed, Clock: clock.NewManual(time.Now().AddDate(0, 0, -10))})
	must(t, err)
	ctx := t.Context()
	_, err = st.CreateBucket(ctx, store.BucketSpec{Name: agedBucket, Owner: store.Owner{Account: protectedAccount}})
	must(t, err)
	must(t, st.SetVersioning(ctx, agedBucket, store.VersioningChange{State: versioning.Enabled}))
	const hands = 4
	var wait sync.WaitGroup
	faults := make([]error, hands)
	for hand := range hands {
		wait.Go(func() {
			for _, in := range []string{"", "keep/"} {
				for i := hand; i < max(a.old, a.hide, a.lone) && faults[hand] == nil; i += hands {
					faults[hand] = a.write(ctx, st, in, i)
				}
			}
		})
	}
	wait.Wait()
	for _, err := range faults {
		must(t, err)
	}
	must(t, st.Close())
}

// write writes the keys of one number.
func (a aging) write(ctx context.Context, st *store.Store, in string, i int) error {
	put := func(kind string, n int) error {
		for v := range n {
			body := strings.NewReader(string(content(i*100+v, a.size)))
			r := store.PutRequest{Bucket: agedBucket, Key: fmt.Sprintf("%s%s/%05d", in, kind, i), Body: body, Size: body.Size()}
			if _, err := st.Put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
	if i < a.old {
		if err := put("old", a.versions); err != nil {
			return err
		}
	}
	if i < a.hide {
		if err := put("hide", 1); err != nil {
			return err
		}
	}
	if i < a.lone {
		_, err := st.Delete(ctx, agedBucket, store.DeleteRequest{Key: fmt.Sprintf("%slone/%05d", in, i)})
		return err
	}
	return nil
}

// setAgedRules sets rules that find all of old/, hide/ and lone/ due.
func setAgedRules(t *testing.T, server *launch.Process) {
	t.Helper()
	rules := lifecycle.NewConfiguration()
	rules.Rules = []lifecycle.Rule{
		{ID: "old", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "old/"}, NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1}},
		{ID: "hide", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "hide/"}, Expiration: lifecycle.Expiration{Days: 1}},
		{ID: "lone", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "lone/"}, Expiration: lifecycle.Expiration{DeleteMarker: true}},
	}
	must(t, newMinio(t, server.Endpoint, minio.Options{}).core.SetBucketLifecycle(t.Context(), agedBucket, rules))
}

// awaitPatience is how long a server may take to do what is due.
const awaitPatience = 60 * time.Second

// await asks until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for begun := time.Now(); !so(); <-pause.C {
		if time.Since(begun) > awaitPatience {
			t.Fatalf("%s: not after %s", what, awaitPatience)
		}
	}
}

// nothingDue tells whether a preview has nothing to do.
func nothingDue(t *testing.T, server *launch.Process) bool {
	t.Helper()
	answer := administer(t, server, http.MethodGet, "/buckets/"+agedBucket+"/lifecycle/preview", nil)
	return strings.Count(strings.TrimSpace(string(answer)), "\n") == 0
}

// holdings are the entries of the bucket that were there before, by id, and how many
// others there are.
func holdings(t *testing.T, server *launch.Process, before []entry) []string {
	t.Helper()
	entries, _, err := newMinio(t, server.Endpoint, minio.Options{}).versions(agedBucket, listing{})
	must(t, err)
	known := make(map[string]bool)
	for _, e := range before {
		known[e.key+e.id] = true
	}
	var lines []string
	for _, e := range entries {
		id := e.id
		if before != nil && !known[e.key+e.id] {
			id = "new"
		}
		lines = append(lines, fmt.Sprintf("%s %s marker=%v latest=%v", e.key, id, e.marker, e.latest))
	}
	return lines
}

// removalsIn counts what the ledger says was done by a cause, by change and its id,
// and how often one version was removed more than once.
func removalsIn(t *testing.T, server *launch.Process, cause string) (counts map[string]int, twice int) {
	t.Helper()
	counts, seen := make(map[string]int), make(map[string]bool)
	for text := range strings.Lines(mustRunQuietly(t, server, "ledger", "show", "--json")) {
		var l struct{ Change, Cause, CauseID, Key, VersionID string }
		must(t, json.Unmarshal([]byte(text), &l))
		if l.Cause != cause {
			continue
		}
		if cause == "job" {
			l.CauseID = "" // a new one each time
		}
		counts[strings.TrimSpace(l.Change+" "+l.CauseID)]++
		name := l.Change + l.Key + l.VersionID
		if seen[name] {
			twice++
		}
		seen[name] = true
	}
	return counts, twice
}

// mustRunQuietly runs a command of this server whose output is long.
func mustRunQuietly(t *testing.T, server *launch.Process, args ...string) string {
	t.Helper()
	out, err := run(t, []string{"TOMBSTONE_ENDPOINT=" + server.Endpoint}, binary, args...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, tailOf(out))
	}
	return out
}

// killed is a folder whose server is killed while it works, and one just like it whose
// server is left alone.
type killed struct {
	data, calm string
	before     []entry
	random     *rand.Rand
	args       []string
}

func newKilled(t *testing.T, args ...string) *killed {
	t.Helper()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d; -kill.seed repeats its choices, not the moments of the kills", seed)
	k := &killed{data: filepath.Join(t.TempDir(), "data"), calm: filepath.Join(t.TempDir(), "calm"), random: rand.New(rand.NewPCG(seed, 1)), args: args}
	a := aging{old: 600, hide: 300, lone: 300, versions: 6, size: 100}
	if testing.Short() {
		a = aging{old: 150, hide: 50, lone: 50, versions: 6, size: 100}
	}
	age(t, k.data, a)
	must(t, os.CopyFS(k.calm, os.DirFS(k.data)))
	return k
}

func (k *killed) start(t *testing.T, data string) *launch.Process {
	t.Helper()
	return startFor(t, append([]string{"--data", data, "--min-free", "0"}, k.args...)...)
}

// kill kills a server in the middle of its work, some times, and returns the one that
// goes on with it. ended says that it is done, after which killing is of no use.
func (k *killed) kill(t *testing.T, server *launch.Process, ended func(*launch.Process) bool) *launch.Process {
	t.Helper()
	kills := 0
	for range 4 {
		if ended(server) {
			break
		}
		<-time.After(time.Duration(k.random.Int64N(int64(60 * time.Millisecond))))
		server.Kill()
		kills++
		server = k.start(t, k.data)
	}
	if kills == 0 {
		t.Error("it was done before it could be killed")
	}
	t.Logf("killed %d times", kills)
	return server
}

// wantSame compares the two folders by what they hold and what the ledgers tell.
func (k *killed) wantSame(t *testing.T, server, calm *launch.Process, cause string) {
	t.Helper()
	got, want := holdings(t, server, k.before), holdings(t, calm, k.before)
	if !slices.Equal(got, want) {
		t.Errorf("%d entries are there, %d in the folder that nobody disturbed; the first that differ: %s", len(got), len(want), firstDifference(got, want))
	}
	told, twice := removalsIn(t, server, cause)
	wantTold, _ := removalsIn(t, calm, cause)
	if fmt.Sprint(told) != fmt.Sprint(wantTold) || twice > 0 {
		t.Errorf("the ledger tells of %v, %d twice, want %v", told, twice, wantTold)
	}
	t.Logf("%d entries are left; %v", len(got), told)
	must(t, server.Stop())
	must(t, check(k.data))
}

func firstDifference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + " and " + b[i]
		}
	}
	return "the longer one goes on"
}

// A server that is killed while rules remove what is due, again and again, ends with
// what one ends with that nobody disturbed.
//
// spec: LC4-7, LC4-10, LC4-11, LC4-22
func TestLifecycleKilled(t *testing.T) {
	k := newKilled(t, "--lifecycle-rate", "20000")
	calm := k.start(t, k.calm)
	var err error
	k.before, _, err = newMinio(t, calm.Endpoint, minio.Options{}).versions(agedBucket, listing{})
	must(t, err)
	setAgedRules(t, calm)
	await(t, "undisturbed", func() bool { return nothingDue(t, calm) })

	server := k.start(t, k.data)
	setAgedRules(t, server)
	server = k.kill(t, server, func(p *launch.Process) bool { return nothingDue(t, p) })
	await(t, "killed", func() bool { return nothingDue(t, server) })
	k.wantSame(t, server, calm, "rule")
}

// shownJob is a job as the server shows it.
type shownJob struct{ ID, State string }

// emptyBucket starts a job that empties the bucket.
func emptyBucket(t *testing.T, server *launch.Process) (j shownJob) {
	t.Helper()
	must(t, json.Unmarshal(administer(t, server, http.MethodPost, "/buckets/"+agedBucket+"/empty", map[string]any{"prefix": "old/", "rate": 20_000}), &j))
	return j
}

// jobEnded tells whether a job has come to its end.
func jobEnded(t *testing.T, server *launch.Process, id string) bool {
	t.Helper()
	var j shownJob
	must(t, json.Unmarshal(administer(t, server, http.MethodGet, "/jobs/"+id, nil), &j))
	if j.State == "failed" || j.State == "cancelled" {
		t.Fatalf("the job is %s", j.State)
	}
	return j.State == "done"
}

// So does one that is killed while a job empties a bucket.
func TestEmptyKilled(t *testing.T) {
	k := newKilled(t)
	calm := k.start(t, k.calm)
	var err error
	k.before, _, err = newMinio(t, calm.Endpoint, minio.Options{}).versions(agedBucket, listing{})
	must(t, err)
	job := emptyBucket(t, calm)
	await(t, "undisturbed", func() bool { return jobEnded(t, calm, job.ID) })

	server := k.start(t, k.data)
	job = emptyBucket(t, server)
	server = k.kill(t, server, func(p *launch.Process) bool { return jobEnded(t, p, job.ID) })
	await(t, "killed", func() bool { return jobEnded(t, server, job.ID) })
	k.wantSame(t, server, calm, "job")
}
