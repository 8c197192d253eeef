package blob

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// originOf is what the header of s says.
func originOf(s Stored) Origin {
	h := headerOf(s)
	return Origin{Ref: h.Ref, Bucket: h.Bucket, Key: h.Key}
}

// linked verifies the bytes of s under another name.
func linked(t *testing.T, f *Folder, ref Ref, s Stored) {
	t.Helper()
	b, err := f.OpenLinked(ref, originOf(s), s.BlockSize, s.Size)
	if err == nil {
		err = errors.Join(b.Verify(t.Context(), s.CRC), b.Close())
	}
	if err != nil {
		t.Errorf("%v: %v", ref, err)
	}
}

// A link shares the bytes for as long as one name is left, is a file as any other
// in listings and epochs, and is refused to those who take it for something else.
func TestLink(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochFiles: 3})
	one, two := mustWrite(t, f, 1, payload(300)), mustWrite(t, f, 2, nil)
	refs, err := f.Link([]LinkRequest{{one.Ref, 3}, {one.Ref, 4}, {two.Ref, 5}})
	if err != nil || !slices.Equal(refs, []Ref{{1, 3}, {2, 4}, {2, 5}}) {
		t.Fatal(refs, err)
	}
	if none, err := f.Link(nil); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
	for i, s := range []Stored{one, one, two} {
		linked(t, f, refs[i], s)
	}
	if f.Settled() || f.Floor() != 1 {
		t.Errorf("settled %v, floor %d", f.Settled(), f.Floor())
	}
	if _, err := f.OpenBlob(Header{Ref: refs[0], Bucket: 7, Key: "key"}, one.Size); !errors.Is(err, ErrDamaged) {
		t.Errorf("a link is opened as its own origin: %v", err)
	}
	other := originOf(one)
	other.Key += "x"
	if _, err := f.OpenLinked(refs[0], other, one.BlockSize, one.Size); !errors.Is(err, ErrDamaged) {
		t.Errorf("a link is opened with another origin: %v", err)
	}
	if err := f.Remove(one.Ref, refs[0]); err != nil {
		t.Fatal(err)
	}
	again, err := f.Link([]LinkRequest{{refs[1], 6}})
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []Ref{refs[1], again[0]} {
		linked(t, f, ref, one)
	}
	if err := f.Discard(again[0]); err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, f), []Ref{two.Ref, refs[1], refs[2]}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if !(Origin{}).IsZero() || originOf(one).IsZero() {
		t.Error("IsZero")
	}
}

// Each operation fails in turn while files are linked: all links are made or none
// is left, and the sources stay.
func TestLinkFaults(t *testing.T) {
	reached := int64(0)
	for ; ; reached++ {
		inject := &faults{first: reached}
		inject.off.Store(true)
		f := newTestFolder(t, errorfs.Wrap(vfs.NewMem(), inject), Options{InlineLimit: -1, EpochFiles: 2})
		one, two := mustWrite(t, f, 1, payload(300)), mustWrite(t, f, 2, payload(10))
		inject.off.Store(false)
		refs, err := f.Link([]LinkRequest{{one.Ref, 3}, {two.Ref, 4}, {one.Ref, 5}})
		inject.off.Store(true)
		want := append([]Ref{one.Ref, two.Ref}, refs...)
		if got := files(t, f); !slices.Equal(got, want) || (err == nil) != (len(refs) == 3) {
			t.Errorf("operation %d failed: files %v, want %v, %v", reached, got, want, err)
		}
		if !inject.hit.Load() {
			break
		}
	}
	if reached < 6 {
		t.Errorf("only %d operations", reached)
	}
}

// A link is durable when Link returns.
func TestCrashAfterLink(t *testing.T) {
	all := ""
	f, mem := crashFolder(t, &all, Options{InlineLimit: -1, EpochFiles: 2})
	one := mustWrite(t, f, 1, payload(300))
	refs, err := f.Link([]LinkRequest{{one.Ref, 2}, {one.Ref, 3}})
	if err != nil {
		t.Fatal(err)
	}
	after := recovered(t, mem, 0, 1)
	for _, ref := range refs {
		linked(t, after, ref, one)
	}
	if err := f.Remove(one.Ref); err != nil {
		t.Fatal(err)
	}
	after = recovered(t, mem, 0, 1)
	for _, ref := range refs {
		linked(t, after, ref, one)
	}
}
