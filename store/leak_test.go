package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/versioning"
)

// TestLeakRepair cuts the power while one upload is on disk without its version
// and another waits for reclaim. The next start removes the file of the former,
// and nothing else that it finds.
func TestLeakRepair(t *testing.T) {
	for _, keep := range []int{0, 100} {
		fs := vfs.NewCrashableMem()
		p := &probe{}
		s := openTest(t, fs, p.under)
		mustBucket(t, s, "b", versioning.Enabled)
		body := string(pattern(500))
		mustPut(t, s, "b", "kept", body)
		doomed := mustID(t, s, mustPut(t, s, "b", "doomed", body).VersionHeader)
		o := mustGet(t, s, "doomed")
		mustDelete(t, s, "b", "doomed", doomed) // waits for its reader, and so for the next start
		mustReclaimed(t, s)

		var crashed *vfs.MemFS
		_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "lost", Body: strings.NewReader(body), Size: 500,
			Verify: func(Digests) error {
				crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: rand.New(rand.NewPCG(1, 2))})
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		if got := len(blobFiles(t, crashed)); got != 3 {
			t.Fatalf("%d files after the crash", got)
		}
		foreign := "/data/" + blobsName + "/00000001/notes.txt"
		writeFile(t, crashed, foreign, []byte("mine"))

		s = openTest(t, crashed, nil)
		mustReclaimed(t, s)
		if got, want := blobFiles(t, crashed), []string{recordOf(t, s, "b", "kept", versioning.ID{}).ref.String(), "00000001/notes.txt"}; !slices.Equal(got, want) {
			t.Errorf("keeping %d %%: files %v, want %v", keep, got, want)
		}
		if got, want := historyText(t, s, "b"), "kept[v]"; got != want {
			t.Errorf("keeping %d %%: %q, want %q", keep, got, want)
		}
		mustRead(t, s, "b", "kept", versioning.ID{}, body)
		mustClean(t, s)
	}
}

// A start looks for leaks only where a run may have left some: a clean stop leaves
// none.
func TestLeakRepairLooksAboveTheFloor(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", string(pattern(500)))
	stray := "/data/" + blobsName + "/%08x/" + fmt.Sprintf("%016x", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, fs, fmt.Sprintf(stray, 1), nil)
	s = openTest(t, fs, nil)
	if got := len(blobFiles(t, fs)); got != 2 {
		t.Errorf("%d files after a clean stop", got)
	}
	mustPut(t, s, "b", "k", string(pattern(500))) // opens epoch 2
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	writeFile(t, crashed, fmt.Sprintf(stray, 1), nil)
	writeFile(t, crashed, fmt.Sprintf(stray, 2), nil)
	s = openTest(t, crashed, nil)
	if got := len(blobFiles(t, crashed)); got != 3 {
		t.Errorf("%d files after a crash, want two of versions and the one below the floor", got)
	}
	mustClean(t, s)
}
