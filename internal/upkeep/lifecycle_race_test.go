package upkeep

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// lateRules are rules under which something happens between the last look at them and
// what is done by them.
type lateRules struct {
	*rules
	happens func()
}

func (l *lateRules) Remove(ctx context.Context, bucket string, c *lifecycle.Config, rs []lifecycle.Removal) ([]error, error) {
	l.happens()
	return l.rules.Remove(ctx, bucket, c, rs)
}

func (l *lateRules) Abort(ctx context.Context, bucket string, c *lifecycle.Config, rule string, us []lifecycle.Upload) ([]error, error) {
	l.happens()
	return l.rules.Abort(ctx, bucket, c, rule, us)
}

// Once a request that removes or replaces rules is answered nothing goes by the old ones,
// not even what was judged before.
//
// spec: LC1-1, LC1-3
func TestRulesGoWhileTheyAct(t *testing.T) {
	for name, change := range map[string]func(*aged){
		"removed": func(a *aged) {
			a.must(a.SetConfig(context.Background(), "bucket", store.ConfigLifecycle, nil, store.Maker{}))
		},
		"replaced": func(a *aged) { a.rules("bucket", "<Expiration><Days>30</Days></Expiration>") },
	} {
		for _, upload := range []bool{false, true} {
			a := newAged(t, nil)
			a.bucket("bucket", versioning.Unversioned, false, expire3, abort)
			if upload {
				_, err := a.CreateUpload(t.Context(), store.UploadRequest{Bucket: "bucket", Key: "key"})
				a.must(err)
			} else {
				a.put("bucket", "key")
			}
			a.days(5)
			late := &lateRules{&rules{store: a.Store}, func() { change(a) }}
			x := lifecycle.NewExpirer(lifecycle.ExpirerOptions{
				Store: late, Buckets: late, Progress: late, Now: a.ObjectTime, LockTime: a.LockTime,
			})
			report, err := x.Run(t.Context(), lifecycle.RunRequest{Bucket: "bucket"})
			x.Close()
			left, failed := a.Statistics(t.Context(), "bucket")
			a.must(failed)
			if !errors.Is(err, lifecycle.ErrRulesChanged) || left.Objects+left.Uploads != 1 || len(report.Rules) != 0 {
				t.Errorf("%s, upload %v: %+v, %v, %+v is left", name, upload, report, err, left)
			}
		}
	}
}

// What rules did in a bucket is not told of another one that has its name by now.
func TestStatusOfAnotherBucket(t *testing.T) {
	a := newAged(t, nil)
	a.bucket("bucket", versioning.Unversioned, false, expire3)
	a.put("bucket", "key")
	a.days(5)
	a.run(lifecycle.RunRequest{Bucket: "bucket"})
	if s := a.expirer.Status("bucket"); len(s.Last.Rules) != 1 || s.Finished.IsZero() {
		t.Fatalf("%+v", s)
	}
	a.must(a.DeleteBucket(t.Context(), "bucket", store.Maker{}))
	a.bucket("bucket", versioning.Unversioned, false, expire3)
	if s := a.expirer.Status("bucket"); len(s.Last.Rules) != 0 || !s.Finished.IsZero() {
		t.Errorf("%+v", s)
	}
}

// A wall clock that leaps ahead makes nothing due that is not, until somebody accepts it.
func TestRulesDoNotLeap(t *testing.T) {
	wall := clock.NewManual(time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC))
	a := newAged(t, func(o *store.Options) { o.TestFolder, o.Clock = false, wall })
	a.bucket("bucket", versioning.Unversioned, false, "<Expiration><Days>365</Days></Expiration>")
	a.put("bucket", "key")
	wall.Set(wall.Now().AddDate(10, 0, 0))
	if report := a.run(lifecycle.RunRequest{Bucket: "bucket"}); len(report.Rules) != 0 || a.entries("bucket") != 1 {
		t.Errorf("%+v", report)
	}
	_, err := a.AcceptClockStep(t.Context(), store.Maker{})
	a.must(err)
	if report := a.run(lifecycle.RunRequest{Bucket: "bucket"}); len(report.Rules) != 1 || a.entries("bucket") != 0 {
		t.Errorf("accepted: %+v", report)
	}
}

// Whoever is slow to take what a run tells keeps no other bucket from its rules.
func TestSlowReaderHindersNobody(t *testing.T) {
	a := newAged(t, nil)
	for _, name := range []string{"one", "two"} {
		a.bucket(name, versioning.Unversioned, false, expire3, abort)
		a.put(name, "key")
		_, err := a.CreateUpload(t.Context(), store.UploadRequest{Bucket: name, Key: "key"})
		a.must(err)
	}
	a.days(5)
	told := 0
	report := a.run(lifecycle.RunRequest{Bucket: "one", Each: func(*lifecycle.Action) error {
		told++
		a.run(lifecycle.RunRequest{Bucket: "two"})
		return nil
	}})
	if told != 2 || len(report.Rules) != 2 || a.entries("one")+a.entries("two") != 0 {
		t.Errorf("told %d, %+v", told, report)
	}
}
