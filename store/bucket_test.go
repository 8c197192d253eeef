package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

func mustBucketRow(t *testing.T, s *Store, name string) Bucket {
	t.Helper()
	b, err := s.Bucket(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBucketStates goes through the states of a bucket, each of which outlives a
// restart.
//
// spec: VD1-1, VD1-3, VD1-4, VD1-6
func TestBucketStates(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	created, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", Region: "eu-west-1", Owner: testOwner})
	if err != nil {
		t.Fatal(err)
	}
	want := Bucket{Name: "b", ID: created.ID, Region: "eu-west-1", Owner: testOwner, Created: s.now()}
	if created != want || created.ID == 0 {
		t.Errorf("created %+v, want %+v", created, want)
	}
	for _, step := range []struct {
		change VersioningChange
		mfa    MFADelete
	}{
		{VersioningChange{State: versioning.Suspended}, MFADeleteNever},
		{VersioningChange{State: versioning.Suspended}, MFADeleteNever},
		{VersioningChange{State: versioning.Enabled, MFADelete: MFADeleteDisabled}, MFADeleteDisabled},
		{VersioningChange{State: versioning.Enabled}, MFADeleteDisabled},
		{VersioningChange{State: versioning.Suspended, MFADelete: MFADeleteEnabled}, MFADeleteEnabled},
	} {
		if err := s.SetVersioning(t.Context(), "b", step.change); err != nil {
			t.Fatal(step.change, err)
		}
		want.Versioning, want.MFADelete = step.change.State, step.mfa
		if got := mustBucketRow(t, s, "b"); got != want {
			t.Errorf("after %+v: %+v, want %+v", step.change, got, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, fs, nil)
		if got := mustBucketRow(t, s, "b"); got != want {
			t.Errorf("restarted after %+v: %+v, want %+v", step.change, got, want)
		}
	}
	err = s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Unversioned, MFA: true})
	if !errors.Is(err, versioning.InvalidBucketState) {
		t.Error("back to Unversioned:", err)
	}
}

// While MFA Delete is Enabled no change passes without a token, not the one that is a
// repetition either; the one that ends it does with a token, and then none is needed.
//
// spec: OL2-4, OL2-10
func TestVersioningNeedsToken(t *testing.T) {
	s := openTest(t, nil, nil)
	if _, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b"}); err != nil {
		t.Fatal(err)
	}
	enabled := VersioningChange{State: versioning.Enabled, MFADelete: MFADeleteEnabled, MFA: true}
	if err := s.SetVersioning(t.Context(), "b", enabled); err != nil {
		t.Fatal(err)
	}
	for _, c := range []VersioningChange{
		{State: versioning.Enabled}, {State: versioning.Suspended}, {State: versioning.Enabled, MFADelete: MFADeleteEnabled},
		{State: versioning.Enabled, MFADelete: MFADeleteDisabled},
	} {
		if err := s.SetVersioning(t.Context(), "b", c); !errors.Is(err, ErrMFARequired) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	disabled := VersioningChange{State: versioning.Enabled, MFADelete: MFADeleteDisabled, MFA: true}
	if err := s.SetVersioning(t.Context(), "b", disabled); err != nil {
		t.Error(err)
	}
	if err := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Suspended}); err != nil {
		t.Error(err)
	}
}

// spec: VD1-2, VD1-18, OL1.1-1, OL1.1-9
func TestLockedBucketStaysEnabled(t *testing.T) {
	s := openTest(t, nil, nil)
	b, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", ObjectLock: true})
	if err != nil || b.Versioning != versioning.Enabled || !b.ObjectLock {
		t.Fatal(b, err)
	}
	err = s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Suspended, MFADelete: MFADeleteEnabled})
	if !errors.Is(err, versioning.InvalidBucketState) {
		t.Error(err)
	}
	if got := mustBucketRow(t, s, "b"); got != b {
		t.Errorf("%+v after a refused change of %+v", got, b)
	}
	mustState(t, s, "b", versioning.Enabled)
}

// spec: VD1-20, VD9-5
func TestMissingBucket(t *testing.T) {
	s := openTest(t, nil, nil)
	_, create := s.CreateBucket(t.Context(), BucketSpec{})
	_, bucket := s.Bucket(t.Context(), "none")
	_, put := s.Put(t.Context(), PutRequest{Bucket: "none", Key: "k"})
	_, get := s.Get(t.Context(), ReadRequest{Bucket: "none", Key: "k", ID: versioning.IDOf(1)})
	_, remove := s.Delete(t.Context(), "none", DeleteRequest{Key: "", ID: versioning.IDOf(1)})
	_, removeAll := s.DeleteObjects(t.Context(), "none", []DeleteRequest{{Key: "k"}})
	_, versions := s.ListObjectVersions(t.Context(), VersionsRequest{Bucket: "none"})
	_, statistics := s.Statistics(t.Context(), "none")
	for name, err := range map[string]error{
		"create without a name": create, "bucket": bucket, "put": put, "get": get, "delete": remove, "delete all": removeAll,
		"versions": versions, "statistics": statistics, "delete bucket": s.DeleteBucket(t.Context(), "none", Maker{}),
		"versioning": s.SetVersioning(t.Context(), "none", VersioningChange{State: versioning.Enabled}),
	} {
		if !errors.Is(err, ErrNoSuchBucket) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCreateBucketThatExists(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Suspended)
	got, err := s.CreateBucket(t.Context(), BucketSpec{Name: "b", Region: "elsewhere", ObjectLock: true})
	if !errors.Is(err, ErrBucketExists) || got.Owner != testOwner || got.Region != "" || got.ObjectLock {
		t.Errorf("%+v %v", got, err)
	}
	var wrapped *Error
	if !errors.As(err, &wrapped) || wrapped.Bucket != "b" {
		t.Errorf("%v is no *Error about the bucket", err)
	}
}

// TestBuckets pages through buckets.
func TestBuckets(t *testing.T) {
	s := openTest(t, nil, nil)
	for _, name := range []string{"b2", "a", "b1", "c", "b10"} {
		mustBucket(t, s, name, versioning.Unversioned)
	}
	for _, c := range []struct {
		q    BucketQuery
		want string
	}{
		{BucketQuery{}, "[a b1 b10 b2 c] false"},
		{BucketQuery{Limit: 5}, "[a b1 b10 b2 c] false"},
		{BucketQuery{Limit: 2}, "[a b1] true"},
		{BucketQuery{Limit: 2, After: "b1"}, "[b10 b2] true"},
		{BucketQuery{Limit: 2, After: "b10"}, "[b2 c] false"},
		{BucketQuery{After: "c"}, "[] false"},
		{BucketQuery{Prefix: "b"}, "[b1 b10 b2] false"},
		{BucketQuery{Prefix: "b", After: "a"}, "[b1 b10 b2] false"},
		{BucketQuery{Prefix: "b", After: "b1", Limit: 1}, "[b10] true"},
		{BucketQuery{Prefix: "b", After: "c"}, "[] false"},
		{BucketQuery{Prefix: "d"}, "[] false"},
	} {
		buckets, more, err := s.Buckets(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, b := range buckets {
			names = append(names, b.Name)
		}
		if got := fmt.Sprint(names, more); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
}

// TestDeleteBucket holds that any entry keeps a bucket, and that nothing of a
// bucket is left once it is gone.
//
// spec: VD9-1, VD9-2, VD9-3, VD9-6
func TestDeleteBucket(t *testing.T) {
	s := openTest(t, nil, nil)
	refused := func(what string) {
		t.Helper()
		if err := s.DeleteBucket(t.Context(), "b", Maker{}); !errors.Is(err, ErrBucketNotEmpty) {
			t.Errorf("%s: %v", what, err)
		}
	}
	mustBucket(t, s, "b", versioning.Unversioned)
	mustPut(t, s, "b", "k", "null")
	refused("an object in Unversioned")
	mustState(t, s, "b", versioning.Enabled)
	marker := mustDelete(t, s, "b", "k", versioning.ID{})
	refused("a marker and a hidden object")
	mustDelete(t, s, "b", "k", versioning.Null)
	refused("a lone marker")
	mustDelete(t, s, "b", "k", mustID(t, s, marker.VersionHeader))
	mustState(t, s, "b", versioning.Suspended)
	mustDelete(t, s, "b", "never written", versioning.ID{})
	refused("a lone null marker")
	mustDelete(t, s, "b", "never written", versioning.Null)
	if err := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Suspended, MFADelete: MFADeleteEnabled}); err != nil {
		t.Fatal(err)
	}

	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	config := engine.Set(append(within(configTable, b.id, 0), "lifecycle"...), []byte("document"))
	if err := s.commit(t.Context(), nil, []engine.Mutation{config}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
	for _, row := range allRows(t, s) {
		if row[0] != byte(metaTable) {
			t.Errorf("the row %q is left", row)
		}
	}
}

// allRows returns the keys of all rows of the index but the ledger.
func allRows(t *testing.T, s *Store) (keys []string) {
	t.Helper()
	err := s.view(t.Context(), func(r engine.Reader) error {
		_, err := r.Scan(engine.Range{}, func(k, _ []byte) bool {
			// The ledger outlives what it tells of.
			if k[0] != byte(ledgerTable) && k[0] != byte(sealTable) {
				keys = append(keys, string(k))
			}
			return true
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A bucket that takes the name of a deleted one meets nothing of it: no entry, no
// id, no file that still waits for reclaim.
func TestNameIsUsedAgain(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	old := mustID(t, s, mustPut(t, s, "b", "k", string(make([]byte, 500))).VersionHeader)
	o, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	mustDelete(t, s, "b", "k", old)
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
	mustBucket(t, s, "b", versioning.Unversioned)
	if _, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "k", ID: old}); !errors.Is(err, versioning.NoSuchVersion) {
		t.Error(err)
	}
	if got := mustStatistics(t, s, "b"); got != (Statistics{}) {
		t.Errorf("%+v", got)
	}
	// The file of the old bucket goes now that nobody reads it.
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitReclaimed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files := blobFiles(t, fs); len(files) != 0 {
		t.Error("left:", files)
	}
	if got := mustStatistics(t, s, "b"); got != (Statistics{}) {
		t.Errorf("%+v", got)
	}
	mustClean(t, s)
}

// blobFiles lists the files of blobs on fs.
func blobFiles(t *testing.T, fs blob.FS) (files []string) {
	t.Helper()
	epochs, err := fs.List("/data/" + blobsName)
	if err != nil {
		t.Fatal(err)
	}
	for _, epoch := range epochs {
		names, err := fs.List("/data/" + blobsName + "/" + epoch)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			files = append(files, epoch+"/"+name)
		}
	}
	slices.Sort(files)
	return files
}

// A deletion that comes late, when its bucket is gone and another one has the name, leaves
// that one alone.
func TestDeleteBucketThatIsAnotherOne(t *testing.T) {
	s := openTest(t, blob.MemFS(), nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	late, err := s.bucket("b")
	if err == nil {
		err = s.DeleteBucket(t.Context(), "b", Maker{})
	}
	if err != nil {
		t.Fatal(err)
	}
	mustBucket(t, s, "b", versioning.Unversioned)
	if err := s.deleteBucket(t.Context(), late, Maker{}); !errors.Is(err, ErrNoSuchBucket) {
		t.Errorf("deleting it late: %v", err)
	}
	if err := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Enabled}); err != nil {
		t.Errorf("the other one: %v", err)
	}
}
