package store

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// document makes a document of n bytes that begins with what.
func document(what byte, n int) []byte { return bytes.Repeat([]byte{what}, n) }

func mustConfig(t *testing.T, s *Store, bucket string, kind ConfigKind) []byte {
	t.Helper()
	got, err := s.Config(t.Context(), bucket, kind)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A document comes back as it was set, whatever its length and that of the one
// before, and after the store is opened again; kinds and buckets are apart.
func TestConfigRoundTrip(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	mustBucket(t, s, "other", versioning.Unversioned)
	lengths := []int{0, 1, documentChunk - 1, documentChunk, documentChunk + 1, 3*documentChunk + 5, 2 * documentChunk, documentChunk, 7, 0}
	for n, length := range lengths {
		want := document(byte('a'+n), length)
		if err := s.SetConfig(t.Context(), "b", ConfigCORS, want, Maker{}); err != nil {
			t.Fatal(err)
		}
		if got := mustConfig(t, s, "b", ConfigCORS); got == nil || !bytes.Equal(got, want) {
			t.Errorf("document %d of %d bytes came back with %d", n, length, len(got))
		}
		if rows := countTable(t, s, configTable); rows != max(1, (length+documentChunk-1)/documentChunk) {
			t.Errorf("document of %d bytes has %d rows", length, rows)
		}
	}
	long := document('z', 2*documentChunk+1)
	if err := s.SetConfig(t.Context(), "b", ConfigTagging, long, Maker{}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigCORS, nil, Maker{}); err != nil {
		t.Fatal(err)
	}
	if got := mustConfig(t, s, "other", ConfigTagging); got != nil {
		t.Errorf("the other bucket has %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	if got := mustConfig(t, s, "b", ConfigCORS); got != nil {
		t.Errorf("removed, and there is %q", got)
	}
	if got := mustConfig(t, s, "b", ConfigTagging); !bytes.Equal(got, long) {
		t.Errorf("%d bytes after opening again", len(got))
	}
	mustClean(t, s)
}

func TestConfigRefusals(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	if _, err := s.Config(t.Context(), "none", ConfigCORS); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	if err := s.SetConfig(t.Context(), "none", ConfigCORS, nil, Maker{}); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigCORS, document('a', maxConfigBytes+1), Maker{}); !errors.Is(err, ErrConfigTooLarge) {
		t.Error(err)
	}
	if err := s.SetConfig(t.Context(), "b", ConfigCORS, document('a', maxConfigBytes), Maker{}); err != nil {
		t.Error(err)
	}
}

// The documents of a bucket go with it, and a bucket that takes its name has none.
//
// spec: VD9-1
func TestConfigGoesWithBucket(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	for kind := ConfigTagging; kind <= ConfigAccelerate; kind++ {
		if err := s.SetConfig(t.Context(), "b", kind, document('a', 2*documentChunk), Maker{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
	if n := countTable(t, s, configTable); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	mustBucket(t, s, "b", versioning.Unversioned)
	if got := mustConfig(t, s, "b", ConfigTagging); got != nil {
		t.Errorf("the new bucket has %d bytes", len(got))
	}
}

// A reader sees one document or the other, never parts of both.
func TestConfigIsNeverHalf(t *testing.T) {
	const seed, rounds = 1, 200
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := s.Config(t.Context(), "b", ConfigCORS)
				if err != nil || len(got) > 0 && (len(got)%int(got[0]) != 0 || bytes.Count(got, got[:1]) != len(got)) {
					t.Errorf("%d bytes: %v", len(got), err)
					return
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		what := 1 + rng.IntN(250)
		if err := s.SetConfig(t.Context(), "b", ConfigCORS, document(byte(what), what*rng.IntN(500)), Maker{}); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

// A commit of unknown outcome is cleared up, whichever way it went, and a failed
// one leaves the document that was.
func TestConfigFaults(t *testing.T) {
	for name, c := range map[string]struct {
		applied bool
		fault   error
	}{
		"unknown and applied":     {true, engine.ErrCommitUnknown},
		"unknown and not applied": {false, engine.ErrCommitUnknown},
		"conflict":                {false, engine.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := openProbed(t, nil)
			mustBucket(t, s, "b", versioning.Unversioned)
			if err := s.SetConfig(t.Context(), "b", ConfigCORS, document('a', 3*documentChunk), Maker{}); err != nil {
				t.Fatal(err)
			}
			hook := func(_ []engine.Mutation, apply func() error) error {
				p.onCommit.Store(nil)
				if c.applied {
					return errors.Join(c.fault, apply())
				}
				return c.fault
			}
			p.onCommit.Store(&hook)
			want := append(document('a', documentChunk), 'b') // its first row does not change
			if err := s.SetConfig(t.Context(), "b", ConfigCORS, want, Maker{}); err != nil {
				t.Fatal(err)
			}
			if got := mustConfig(t, s, "b", ConfigCORS); !bytes.Equal(got, want) {
				t.Errorf("%d bytes", len(got))
			}
		})
	}
}
