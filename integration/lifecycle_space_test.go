package integration

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"github.com/seed61737384/tombstone/integration/launch"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
)

var spaceMiB = flag.Int64("space", 512, "MiB of 32 KiB objects, and as much of 8 MiB objects, that TestHeavySpace removes")

const (
	// spaceIdle is how long a server may take to give space back when nothing is asked
	// of it any more.
	spaceIdle = 60 * time.Second
	// spaceSlack is what a folder may hold besides a tenth more than what is live.
	spaceSlack = 200 << 20
)

// spaceSizes are the sizes of the objects, by the word in their keys: bytes that lie
// in the index, and bytes that lie in files.
var spaceSizes = map[string]int64{"small": 32 << 10, "large": 8 << 20}

// fillSpace makes a folder with objects of ten days ago. Every second one is tagged,
// and is under odd/.
func fillSpace(t *testing.T, data string) {
	t.Helper()
	st, err := store.Open(data, store.Options{Durability: store.Relaxed, Clock: clock.NewManual(time.Now().AddDate(0, 0, -10))})
	must(t, err)
	_, err = st.CreateBucket(t.Context(), store.BucketSpec{Name: agedBucket, Owner: store.Owner{Account: protectedAccount}})
	must(t, err)
	body := content(1, 8<<20+1<<16) // no two objects have the same bytes
	for word, size := range spaceSizes {
		const hands = 4
		var wait sync.WaitGroup
		faults := make([]error, hands)
		for hand := range hands {
			wait.Go(func() {
				for i := int64(hand); i < *spaceMiB<<20/size && faults[hand] == nil; i += hands {
					r := store.PutRequest{Bucket: agedBucket, Key: fmt.Sprintf("even/%s/%07d", word, i), Size: size, Body: bytes.NewReader(body[i%(1<<16):][:size])}
					if i%2 == 1 {
						r.Key, r.Tags = "odd"+strings.TrimPrefix(r.Key, "even"), []store.Tag{{Key: "every", Value: "second"}}
					}
					_, faults[hand] = st.Put(t.Context(), r)
				}
			})
		}
		wait.Wait()
		for _, err := range faults {
			must(t, err)
		}
	}
	must(t, st.Close())
}

var objectBytes = regexp.MustCompile(`(?m)^tombstone_bucket_object_bytes\{bucket="` + agedBucket + `"\} (\S+)$`)

// liveBytes returns the bytes of the objects that are there.
func liveBytes(t *testing.T, server *launch.Process) int64 {
	t.Helper()
	_, page := fetch(t, server.Endpoint+"/_/metrics")
	found := objectBytes.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("no count of bytes")
	}
	n, err := strconv.ParseFloat(found[1], 64)
	must(t, err)
	return int64(n)
}

// diskUsage returns what a folder takes on its disk, bytes.
func diskUsage(t *testing.T, folder string) int64 {
	t.Helper()
	// A file may go while it is counted, which du tells of.
	out, _ := exec.Command("du", "-sk", folder).Output()
	words := strings.Fields(string(out))
	if len(words) == 0 {
		t.Fatal("du says nothing")
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	must(t, err)
	return n << 10
}

// removes are the ways to remove objects: those under odd/ or tagged, or all.
var removes = map[string]func(t *testing.T, server *launch.Process, all bool){
	"expired": func(t *testing.T, server *launch.Process, all bool) {
		rule := lifecycle.Rule{ID: "all", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 1}}
		if !all {
			rule.RuleFilter = lifecycle.Filter{Tag: lifecycle.Tag{Key: "every", Value: "second"}}
		}
		rules := lifecycle.NewConfiguration()
		rules.Rules = []lifecycle.Rule{rule}
		must(t, newMinio(t, server.Endpoint, minio.Options{}).core.SetBucketLifecycle(t.Context(), agedBucket, rules))
	},
	"emptied": func(t *testing.T, server *launch.Process, all bool) {
		in := map[string]any{"prefix": "odd/"}
		if all {
			in = map[string]any{}
		}
		var j shownJob
		must(t, json.Unmarshal(administer(t, server, http.MethodPost, "/buckets/"+agedBucket+"/empty", in), &j))
	},
}

// Space comes back by itself: of every second object, with a kill in the middle, and
// then of all.
func TestHeavySpace(t *testing.T) {
	heavy(t)
	for name, remove := range removes {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			fillSpace(t, data)
			server := startFor(t, "--data", data, "--min-free", "0")
			whole := liveBytes(t, server)
			t.Logf("%d MiB are live and take %d MiB", whole>>20, diskUsage(t, data)>>20)
			remove(t, server, false)
			await(t, "a quarter is gone", func() bool { return liveBytes(t, server) < whole*3/4 })
			server.Kill()
			server = startFor(t, "--data", data, "--min-free", "0")
			await(t, "every second one is gone", func() bool { return liveBytes(t, server) == whole/2 })
			wantSpace(t, server, data)
			remove(t, server, true)
			await(t, "all is gone", func() bool { return liveBytes(t, server) == 0 })
			wantSpace(t, server, data)
			must(t, server.Stop())
			must(t, check(data))
		})
	}
}

// wantSpace waits until the folder holds little more than what is live, as long as an
// idle server may take for that.
func wantSpace(t *testing.T, server *launch.Process, data string) {
	t.Helper()
	live := liveBytes(t, server)
	limit := live + live/10 + spaceSlack
	begun := time.Now()
	pause := time.NewTicker(time.Second)
	defer pause.Stop()
	used := diskUsage(t, data)
	for ; used > limit && time.Since(begun) < spaceIdle; <-pause.C {
		used = diskUsage(t, data)
	}
	t.Logf("%d MiB are live and take %d MiB after %s", live>>20, used>>20, time.Since(begun).Round(time.Second))
	if used > limit {
		t.Errorf("%d MiB are live, and %d MiB are taken after %s", live>>20, used>>20, spaceIdle)
	}
}
