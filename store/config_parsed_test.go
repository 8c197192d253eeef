package store

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

func parseNumber(document []byte) (*int, error) {
	n, err := strconv.Atoi(string(document))
	return &n, err
}

// A document is parsed once until it changes; then what was set is seen, also in a
// bucket that takes the name of another.
func TestParsed(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	want := func(want int) {
		t.Helper()
		n, err := Parsed(t.Context(), s, "b", ConfigPolicy, parseNumber)
		if err != nil || (n == nil) != (want == 0) || n != nil && *n != want {
			t.Errorf("%v, %v, want %d", n, err, want)
		}
	}
	set := func(document []byte) {
		t.Helper()
		if err := s.SetConfig(t.Context(), "b", ConfigPolicy, document, Maker{}); err != nil {
			t.Fatal(err)
		}
	}
	want(0)
	set([]byte("1"))
	want(1)
	if cost := p.cost(func() { want(1) }); cost != (counts{}) {
		t.Errorf("a document that is known costs %v", cost)
	}
	if s.features.Load()&featureProtection == 0 {
		t.Error("a version that does not know policies may open the folder")
	}
	set([]byte("2"))
	want(2)
	set(nil)
	want(0)
	set([]byte("no number"))
	if _, err := Parsed(t.Context(), s, "b", ConfigPolicy, parseNumber); !errors.Is(err, strconv.ErrSyntax) {
		t.Errorf("%v", err)
	}
	set([]byte("3"))
	want(3)
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Parsed(t.Context(), s, "b", ConfigPolicy, parseNumber); !errors.Is(err, ErrNoSuchBucket) {
		t.Errorf("%v", err)
	}
	mustBucket(t, s, "b", versioning.Unversioned)
	want(0)
	if _, err := Parsed(t.Context(), s, "b", configKinds, parseNumber); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
}

// Whoever reads while documents change never sees an older one than was set when it
// began, nor an older one than it saw before.
func TestParsedBesideChanges(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	done := make(chan struct{})
	var reading sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			for last := 0; ; {
				n, err := Parsed(t.Context(), s, "b", ConfigPolicy, parseNumber)
				if err != nil || n != nil && *n < last {
					t.Errorf("%v, %v after %d", n, err, last)
					return
				}
				if n != nil {
					last = *n
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range 200 {
		if err := s.SetConfig(t.Context(), "b", ConfigPolicy, []byte(strconv.Itoa(n)), Maker{}); err != nil {
			t.Error(err)
		}
		if got, err := Parsed(t.Context(), s, "b", ConfigPolicy, parseNumber); err != nil || *got != n {
			t.Errorf("%v, %v after %d was set", got, err, n)
		}
	}
	close(done)
	reading.Wait()
}

// What is looked at in every request costs no allocation.
func TestParsedAllocatesNothing(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	for _, kind := range []ConfigKind{ConfigPolicy, ConfigCORS} {
		if err := s.SetConfig(t.Context(), "b", ConfigPolicy, []byte("1"), Maker{}); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		read := func() {
			if _, err := Parsed(ctx, s, "b", kind, parseNumber); err != nil {
				t.Error(err)
			}
		}
		read()
		if n := testing.AllocsPerRun(1000, read); n != 0 {
			t.Errorf("kind %d allocates %v times", kind, n)
		}
	}
}
