package blob

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func TestRemove(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochFiles: 2})
	var refs []Ref
	for n := range uint64(6) {
		refs = append(refs, mustWrite(t, f, n, nil).Ref)
		f.Settle(refs[n])
	}
	for i, step := range []struct {
		remove []Ref
		epochs []uint32
		files  int
	}{
		{nil, []uint32{1, 2, 3}, 6},
		{[]Ref{{Number: 1}}, []uint32{1, 2, 3}, 6},
		{[]Ref{{Epoch: 1, Number: 99}, {Epoch: 9, Number: 1}}, []uint32{1, 2, 3}, 6},
		{refs[0:1], []uint32{1, 2, 3}, 5},
		{refs[0:2], []uint32{2, 3}, 4},
		{refs[0:2], []uint32{2, 3}, 4},
		{refs[2:6], []uint32{3}, 0}, // the open epoch keeps its directory
	} {
		if err := f.Remove(step.remove...); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		epochs, err := f.Epochs(0)
		if err != nil || !slices.Equal(epochs, step.epochs) || len(files(t, f)) != step.files {
			t.Errorf("step %d: epochs %v, files %v, %v", i, epochs, files(t, f), err)
		}
	}
	mustWrite(t, f, 100, nil)
	if epochs, err := f.Epochs(0); err != nil || !slices.Equal(epochs, []uint32{4}) {
		t.Errorf("epochs %v, %v: the one closed empty should be gone", epochs, err)
	}
}

// TestRemoveUnsettled keeps the directory of an epoch that was followed by
// another while an upload to it still ran.
func TestRemoveUnsettled(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochFiles: 2})
	for n := range uint64(3) {
		mustWrite(t, f, n, nil)
	}
	f.Settle(Ref{1, 0})
	if err := f.Remove(Ref{1, 0}, Ref{1, 1}); err != nil {
		t.Fatal(err)
	}
	if epochs, err := f.Epochs(0); err != nil || !slices.Equal(epochs, []uint32{1, 2}) {
		t.Errorf("epochs %v, %v", epochs, err)
	}
}

func TestListing(t *testing.T) {
	mem := vfs.NewMem()
	var foreign []string
	f := newTestFolder(t, mem, Options{InlineLimit: -1, EpochFiles: 2,
		Foreign: func(path string) { foreign = append(foreign, path) }})
	for n := range uint64(5) {
		mustWrite(t, f, 100-n, nil)
	}
	for _, name := range []string{"note.txt", "0000000A", "00000002/0000000000000ABC", "00000002/tmp"} {
		overwrite(t, mem, testDir+"/"+name, nil)
	}
	if epochs, err := f.Epochs(2); err != nil || !slices.Equal(epochs, []uint32{2, 3}) {
		t.Errorf("epochs %v, %v", epochs, err)
	}
	want := []Ref{{1, 99}, {1, 100}, {2, 97}, {2, 98}, {3, 96}}
	foreign = nil
	if got := files(t, f); !slices.Equal(got, want) {
		t.Errorf("files %v", got)
	}
	slices.Sort(foreign)
	if want := []string{"00000002/0000000000000ABC", "00000002/tmp", "0000000A", "note.txt"}; !slices.Equal(foreign, want) {
		t.Errorf("foreign %q", foreign)
	}
	stop := errors.New("stop")
	calls := 0
	if err := f.List(1, func(Ref) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("List went on: %d calls, %v", calls, err)
	}
	if err := f.List(9, func(Ref) error { return stop }); err != nil {
		t.Errorf("epoch without directory: %v", err)
	}
	if err := f.Remove(want...); err != nil {
		t.Fatal(err)
	}
	if epochs, err := f.Epochs(0); err != nil || !slices.Contains(epochs, 2) {
		t.Errorf("epochs %v, %v: one with foreign files must stay", epochs, err)
	}
}

func TestListingFails(t *testing.T) {
	toggle := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(errorfs.Op) error { return errorfs.ErrInjected })}
	f := newTestFolder(t, errorfs.Wrap(vfs.NewMem(), toggle), Options{InlineLimit: -1})
	ref := mustWrite(t, f, 1, nil).Ref
	toggle.On()
	defer toggle.Off()
	if _, err := f.Epochs(0); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("Epochs: %v", err)
	}
	if err := f.List(1, nil); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("List: %v", err)
	}
	if err := f.Remove(ref); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("Remove: %v", err)
	}
	if err := f.Discard(ref); !errors.Is(err, errorfs.ErrInjected) || f.Floor() != 1 {
		t.Errorf("Discard: %v, floor %d", err, f.Floor())
	}
}
