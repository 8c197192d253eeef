package store

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// enableMFA enables MFA Delete, which needs no token where it is not enabled.
func enableMFA(ctx context.Context, s *Store, bucket string) error {
	return s.SetVersioning(ctx, bucket, VersioningChange{State: versioning.Enabled, MFADelete: MFADeleteEnabled})
}

// A bucket has MFA Delete or a lifecycle configuration, not both, and whichever it has
// can be given up for the other.
//
// spec: LC6-2, OL2-13, OL2-18
func TestLifecycleOrMFADelete(t *testing.T) {
	s := openTest(t, blob.MemFS(), nil)
	mustBucket(t, s, "b", versioning.Enabled)
	rules := []byte("rules")
	if err := s.SetConfig(t.Context(), "b", ConfigLifecycle, rules, Maker{}); err != nil {
		t.Fatal(err)
	}
	if err := enableMFA(t.Context(), s, "b"); !errors.Is(err, ErrLifecycle) {
		t.Errorf("enabling MFA Delete: %v", err)
	}
	off := VersioningChange{State: versioning.Suspended, MFADelete: MFADeleteDisabled, MFA: true}
	if err := s.SetVersioning(t.Context(), "b", off); err != nil {
		t.Errorf("disabling it: %v", err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigLifecycle, nil, Maker{}); err != nil {
		t.Fatal(err)
	}
	if err := enableMFA(t.Context(), s, "b"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigLifecycle, rules, Maker{}); !errors.Is(err, ErrMFADelete) {
		t.Errorf("rules: %v", err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigLifecycle, nil, Maker{}); err != nil {
		t.Errorf("no rules: %v", err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigCORS, rules, Maker{}); err != nil {
		t.Errorf("another configuration: %v", err)
	}
	if err := s.SetVersioning(t.Context(), "b", off); err != nil {
		t.Fatal(err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigLifecycle, rules, Maker{}); err != nil {
		t.Errorf("rules once MFA Delete is disabled: %v", err)
	}
}

// Of two that come at once one is refused: within a process by the hold of the bucket,
// between processes on one engine by what their commits guard.
//
// spec: LC6-2
func TestLifecycleRacesMFADelete(t *testing.T) {
	const rounds = 200
	for _, processes := range []int{1, 2} {
		s := openTest(t, blob.MemFS(), nil)
		for range rounds {
			other := s
			mustBucket(t, s, "b", versioning.Enabled)
			if processes == 2 {
				other = twin(s)
				row := *s.buckets["b"].row.Load()
				other.buckets = map[string]*bucketState{"b": newBucketState(&row)}
			}
			var rules, mfa error
			var both sync.WaitGroup
			both.Go(func() { rules = s.SetConfig(t.Context(), "b", ConfigLifecycle, []byte("rules"), Maker{}) })
			both.Go(func() { mfa = enableMFA(t.Context(), other, "b") })
			both.Wait()
			if (rules == nil) == (mfa == nil) {
				t.Fatalf("%d processes: rules: %v; MFA Delete: %v", processes, rules, mfa)
			}
			if mfa == nil && processes == 2 {
				s.buckets["b"].row.Store(other.buckets["b"].row.Load())
			}
			if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
