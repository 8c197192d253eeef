package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// proofs are what VerifyLocks finds in bucket b. It may change nothing.
func proofs(t *testing.T, s *Store) (all []LockProof) {
	t.Helper()
	rows := keyRows(t, s)
	err := s.VerifyLocks(t.Context(), "b", func(p LockProof) error {
		all = append(all, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rows, keyRows(t, s)) {
		t.Error("rows changed")
	}
	return all
}

// freeing are the trials that end in the loss of the version.
func freeing(p LockProof) (paths []string) {
	for _, trial := range p.Trials {
		if !trial.Held {
			paths = append(paths, trial.Path)
		}
	}
	return paths
}

// TestVerifyLocks tries all ways of destroying versions of every kind.
//
// spec: OL1.2-1, OL1.4-2, OL1.4-3, OL1.4-5, OL1.4-6, OL1.4-9, OL1.4-11
func TestVerifyLocks(t *testing.T) {
	s, manual := locked(t)
	until := manual.Now().Add(time.Hour)
	bypasses := []string{
		"DELETE versionId with bypass", "DeleteObjects with bypass", "job that empties the bucket with bypass",
		"PutObjectRetention removing it with bypass",
	}
	deletes := []string{
		"DELETE versionId", "DELETE versionId with bypass", "DeleteObjects", "DeleteObjects with bypass", "lifecycle expiration",
		"job that empties the bucket", "job that empties the bucket with bypass",
	}
	for _, c := range []struct {
		name string
		lock versioning.Lock
		free []string
	}{
		{"governance", versioning.Lock{Mode: versioning.Governance, Until: until}, bypasses},
		{"compliance", versioning.Lock{Mode: versioning.Compliance, Until: until}, nil},
		{"hold", versioning.Lock{Hold: versioning.HoldOn}, nil},
		{"governance and hold", versioning.Lock{Mode: versioning.Governance, Until: until, Hold: versioning.HoldOn}, nil},
		{"expired", versioning.Lock{Mode: versioning.Compliance, Until: manual.Now()}, deletes},
		{"lifted", versioning.Lock{Hold: versioning.HoldOff}, deletes},
		{"none", versioning.Lock{}, nil},
	} {
		file := mustLock(t, s, "file", c.lock)
		inline, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "inline", Body: strings.NewReader("x"), Size: 1, Lock: c.lock})
		if err != nil {
			t.Fatal(err)
		}
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "parts", Lock: c.lock})
		parts := mustComplete(t, s, name, mustPart(t, s, name, 1, string(pattern(300))))
		mustPut(t, s, "b", "file", "over it")
		mustDelete(t, s, "b", "inline", versioning.ID{})
		found := proofs(t, s)
		for _, want := range []struct{ key, id string }{
			{"file", s.FormatVersionID(file)}, {"inline", inline.VersionHeader}, {"parts", parts.VersionHeader},
		} {
			n := slices.IndexFunc(found, func(p LockProof) bool { return p.Key == want.key && p.VersionID == want.id })
			if (n < 0) != c.lock.IsZero() {
				t.Fatalf("%s: proof %d of %s", c.name, n, want.key)
			}
			if n < 0 {
				continue
			}
			if p := found[n]; !p.Sound() || p.Lock != c.lock || !p.At.Equal(manual.Now()) || !slices.Equal(freeing(p), c.free) {
				t.Errorf("%s of %s: sound %v, %+v", c.name, want.key, p.Sound(), p)
			}
		}
	}
}

// Where versioning was suspended, null versions are held too: S3 has no such bucket.
func TestVerifyLocksOfNull(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Suspended)
	forceObjectLock(t, s)
	mustLock(t, s, "k", versioning.Lock{Hold: versioning.HoldOn})
	mustLock(t, s, "free", versioning.Lock{Hold: versioning.HoldOff})
	all := proofs(t, s)
	if len(all) != 2 || all[1].VersionID != "null" || len(freeing(all[1])) != 0 || !all[1].Sound() {
		t.Fatalf("%+v", all)
	}
	for _, path := range []string{"DELETE", "PutObject", "CopyObject", "CompleteMultipartUpload", "PutObject, if suspended"} {
		if !slices.Contains(freeing(all[0]), path) {
			t.Errorf("%s spares a null version without a lock: %v", path, freeing(all[0]))
		}
	}
}

// VerifyLocks goes through many pages and ends when it is told to.
func TestVerifyLocksPages(t *testing.T) {
	s, _ := locked(t)
	const n = verifyPage + 3
	for i := range n {
		_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: fmt.Sprint(i), Body: strings.NewReader(""), Lock: versioning.Lock{Hold: versioning.HoldOn}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := proofs(t, s); len(got) != n {
		t.Errorf("%d proofs, want %d", len(got), n)
	}
	calls := 0
	err := s.VerifyLocks(t.Context(), "b", func(LockProof) error { calls++; return errDenied })
	if !errors.Is(err, errDenied) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	if err := s.VerifyLocks(t.Context(), "none", nil); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
}

// What is damaged about locks is told, with the key where there is one.
func TestVerifyLocksFindsDamage(t *testing.T) {
	for what, c := range map[string]struct {
		damage func(x *specimen) engine.Mutation
		want   string
	}{
		"no row":            {func(x *specimen) engine.Mutation { return engine.Delete(lockRow(x)) }, `"locked": lock has no row`},
		"no version":        {func(x *specimen) engine.Mutation { return engine.Set(lockKey(x.bucket, 5, "k", 6), nil) }, `"k": lock row without a version`},
		"another lock":      {func(x *specimen) engine.Mutation { return engine.Set(lockKey(x.bucket, 5, "k", x.newest.order), nil) }, `"k": lock row of a lock that the version has not`},
		"malformed key":     {func(x *specimen) engine.Mutation { return engine.Set(within(lockTable, x.bucket, 0), nil) }, `"": lock row with a malformed key`},
		"malformed version": {func(x *specimen) engine.Mutation { return engine.Set(within(versionTable, x.bucket, 0), nil) }, `"": version row with a malformed key`},
		"record": {func(x *specimen) engine.Mutation {
			return engine.Set(versionKey(x.bucket, "k", x.newest.order), []byte{1})
		}, `"k": version record`},
		"reclaim": {func(x *specimen) engine.Mutation {
			rec := recordOf(x.t, x.s, "b", "locked", versioning.ID{})
			row := reclaimRow{order: rec.order, ref: blob.Ref{}, bucket: x.bucket}
			return engine.Set(reclaimKey(row.order, row.ref), row.encode())
		}, `"locked": reclaim`},
	} {
		x := newSpecimen(t)
		mustWrite(t, x.s, c.damage(x))
		var got []string
		for _, p := range proofs(t, x.s) {
			for _, d := range p.Damage {
				got = append(got, fmt.Sprintf("%q: %s", p.Key, d))
			}
			for _, trial := range p.Trials {
				if trial.Want && !trial.Held {
					got = append(got, fmt.Sprintf("%q: %s", p.Key, trial.Path))
				}
			}
			if p.Sound() != (len(p.Damage) == 0 && !slices.ContainsFunc(p.Trials, func(l LockTrial) bool { return l.Want && !l.Held })) {
				t.Errorf("%s: sound is %v", what, p.Sound())
			}
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s: %v, want %s", what, got, c.want)
		}
	}
}

// TestLockedVersionsPages lists what is in force, in the order of its end.
func TestLockedVersionsPages(t *testing.T) {
	s, manual := locked(t)
	hour := func(n int, hold versioning.Hold) versioning.Lock {
		return versioning.Lock{Mode: versioning.Governance, Until: manual.Now().Add(time.Duration(n) * time.Hour), Hold: hold}
	}
	for key, lock := range map[string]versioning.Lock{
		"free": {}, "lifted": {Hold: versioning.HoldOff}, "expired": hour(0, 0), "c": hour(1, 0), "b": hour(2, versioning.HoldOff),
		"a": hour(3, 0), "d": hour(1, versioning.HoldOn), "e": {Hold: versioning.HoldOn},
	} {
		mustLock(t, s, key, lock)
	}
	for limit, want := range map[int]string{0: "c b a d e", 1: "c b a d e", 2: "c b a d e", 3: "c b a d e", 100: "c b a d e"} {
		if got := lockedKeys(t, s, limit); got != want {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
	}
	manual.Advance(90 * time.Minute)
	if got, want := lockedKeys(t, s, 2), "b a d e"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, bad := range []string{"%", "!"} {
		if _, err := s.LockedVersions(t.Context(), LockedRequest{Bucket: "b", After: bad}); !errors.Is(err, errCursor) {
			t.Error(err)
		}
	}
}

func lockedKeys(t *testing.T, s *Store, limit int) string {
	t.Helper()
	var keys []string
	for r := (LockedRequest{Bucket: "b", Limit: limit}); ; {
		page, err := s.LockedVersions(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			if v.Lock != lockOf(t, s, v.Key, mustID(t, s, v.VersionID)) {
				t.Errorf("%+v", v)
			}
			keys = append(keys, v.Key)
		}
		if r.After = page.Next; r.After == "" {
			return strings.Join(keys, " ")
		}
	}
}
