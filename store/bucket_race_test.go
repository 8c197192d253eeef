package store

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// While a bucket is being deleted its changes are refused, and reads go on. The
// mark that says so does not outlive the process.
func TestBucketBeingDeleted(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", "body")
	// What DeleteBucket does first, and a crash then leaves.
	err := s.changeBucket(t.Context(), "b", Maker{}, func(row *bucketRow) error { row.deleting = true; return nil })
	if err != nil {
		t.Fatal(err)
	}
	_, put := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(""), Size: 0})
	_, remove := s.Delete(t.Context(), "b", DeleteRequest{Key: "k"})
	for name, err := range map[string]error{
		"put": put, "delete": remove,
		"versioning": s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Suspended}),
	} {
		if !errors.Is(err, ErrBucketBusy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b"}); !errors.Is(err, ErrBucketExists) {
		t.Error(err)
	}
	mustRead(t, s, "b", "k", versioning.ID{}, "body")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openTest(t, fs, nil)
	mustPut(t, s, "b", "k", "after the restart")
	if got, want := historyText(t, s, "b"), "k[v] kv"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil) // the mark was cleared for good
	mustPut(t, s, "b", "k", "")
}

// An entry that comes after the first look of DeleteBucket is seen by the second.
func TestDeleteBucketLooksTwice(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	hook := func() {
		mustPut(t, s, "b", "k", "late")
	}
	p.afterView.Store(&hook)
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); !errors.Is(err, ErrBucketNotEmpty) {
		t.Fatal(err)
	}
	mustRead(t, s, "b", "k", versioning.ID{}, "late")
	mustPut(t, s, "b", "k", "the bucket is as before")
}

// duringBody is a body that does something when it is read.
type duringBody struct {
	io.Reader
	once sync.Once
	do   func()
}

func (b *duringBody) Read(p []byte) (int, error) {
	b.once.Do(b.do)
	return b.Reader.Read(p)
}

// A PUT whose bucket goes while its body is read is refused, though there is a
// bucket of that name again, and leaves no file.
func TestPutMeetsDeletedBucket(t *testing.T) {
	for _, again := range []bool{false, true} {
		for _, size := range []int{10, 1000} {
			fs := blob.MemFS()
			s := openTest(t, fs, nil)
			mustBucket(t, s, "b", versioning.Unversioned)
			body := &duringBody{Reader: strings.NewReader(strings.Repeat("x", size)), do: func() {
				if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
					t.Error(err)
				}
				if again {
					mustBucket(t, s, "b", versioning.Unversioned)
				}
			}}
			_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: body, Size: int64(size)})
			if !errors.Is(err, ErrNoSuchBucket) {
				t.Errorf("%d bytes, made again %v: %v", size, again, err)
			}
			if files := blobFiles(t, fs); len(files) != 0 {
				t.Errorf("%d bytes, made again %v: left %v", size, again, files)
			}
			mustClean(t, s)
		}
	}
}

// A PUT that read Unversioned has committed before Enabled is answered: the null
// version that is there then is never destroyed by a PUT.
//
// spec: VD3-1, VD3.1-3
func TestStateWaitsForCommits(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	mustPut(t, s, "b", "k", "one")
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	blocked, release := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	hook := func(mutations []engine.Mutation, apply func() error) error {
		switch {
		case inTable(versionTable, mutations):
			close(blocked)
			<-release
			defer note("put")
		case inTable(bucketTable, mutations):
			defer note("state")
		}
		return apply()
	}
	p.onCommit.Store(&hook)
	var both sync.WaitGroup
	both.Go(func() { mustPut(t, s, "b", "k", "two") })
	<-blocked
	both.Go(func() { mustState(t, s, "b", versioning.Enabled) })
	for b.hold.TryRLock() { // fails once the change of state waits for the hold
		b.hold.RUnlock()
		runtime.Gosched()
	}
	close(release)
	both.Wait()
	p.onCommit.Store(nil)
	if !slices.Equal(order, []string{"put", "state"}) {
		t.Errorf("commits in the order %v", order)
	}
	mustPut(t, s, "b", "k", "three")
	mustRead(t, s, "b", "k", versioning.Null, "two")
	if got, want := historyText(t, s, "b"), "k[v] kv0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	mustClean(t, s)
}

// TestDeleteBucketAgainstPuts holds that a bucket is never deleted with an entry
// that was acknowledged, and that a PUT into a deleted one is never acknowledged.
func TestDeleteBucketAgainstPuts(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	const rounds, puts = 100, 4
	for range rounds {
		mustBucket(t, s, "b", versioning.Enabled)
		var all sync.WaitGroup
		errs := make([]error, puts)
		for i := range errs {
			all.Go(func() {
				body := strings.Repeat("x", 90+10*i) // inline and in files
				_, errs[i] = s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader(body), Size: int64(len(body))})
			})
		}
		deleted := s.DeleteBucket(t.Context(), "b", Maker{})
		all.Wait()
		stored := slices.ContainsFunc(errs, func(err error) bool { return err == nil })
		for _, err := range errs {
			if err != nil && !errors.Is(err, ErrNoSuchBucket) && !errors.Is(err, ErrBucketBusy) {
				t.Fatal(err)
			}
		}
		if deleted == nil && stored || deleted != nil && !errors.Is(deleted, ErrBucketNotEmpty) {
			t.Fatalf("deleted: %v; puts: %v", deleted, errs)
		}
		if deleted != nil {
			emptyBucket(t, s, "b")
		}
	}
	if err := s.WaitReclaimed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files := blobFiles(t, fs); len(files) != 0 {
		t.Error("left:", files)
	}
	mustClean(t, s)
}

// emptyBucket deletes a bucket with all that is in it.
func emptyBucket(t *testing.T, s *Store, bucket string) {
	t.Helper()
	for _, e := range mustVersions(t, s, VersionsRequest{Bucket: bucket, Limit: maxPage}).Entries {
		mustDelete(t, s, bucket, e.Key, mustID(t, s, e.VersionID))
	}
	if err := s.DeleteBucket(t.Context(), bucket, Maker{}); err != nil {
		t.Fatal(err)
	}
}
