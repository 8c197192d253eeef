package blob

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestEpochsByNumber(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochFiles: 3})
	if f.Floor() != 0 {
		t.Errorf("floor %d before the first file", f.Floor())
	}
	for n := range uint64(10) {
		if got, want := mustWrite(t, f, n, nil).Ref.Epoch, uint32(n/3)+1; got != want {
			t.Errorf("file %d lies in epoch %d, want %d", n, got, want)
		}
	}
}

func TestEpochsByAge(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochAge: time.Minute, Now: func() time.Time { return now }})
	for i, step := range []struct {
		pass time.Duration
		want uint32
	}{{0, 1}, {59 * time.Second, 1}, {time.Second, 2}, {59 * time.Second, 2}, {time.Hour, 3}, {0, 3}} {
		now = now.Add(step.pass)
		if got := mustWrite(t, f, uint64(i), nil).Ref.Epoch; got != step.want {
			t.Errorf("step %d: epoch %d, want %d", i, got, step.want)
		}
	}
}

func TestFloor(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochFiles: 2})
	var refs []Ref
	for n := range uint64(6) {
		refs = append(refs, mustWrite(t, f, n, nil).Ref)
	}
	f.Settle(Ref{Number: 4})            // inline
	f.Settle(Ref{Epoch: 77, Number: 1}) // of no epoch of this run
	for i, step := range []struct {
		settle int
		floor  uint32
	}{{0, 1}, {0, 1}, {3, 1}, {1, 2}, {2, 3}, {4, 3}, {5, 3}} {
		f.Settle(refs[step.settle])
		if got := f.Floor(); got != step.floor {
			t.Errorf("step %d: floor %d, want %d", i, got, step.floor)
		}
	}
}

// TestDiscardLast takes the directory of a closed epoch away with its last file.
func TestDiscardLast(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochFiles: 1})
	first := mustWrite(t, f, 1, nil).Ref
	mustWrite(t, f, 2, nil)
	for range 2 { // again, when nothing is there
		if err := f.Discard(first); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Discard(Ref{Number: 1}); err != nil {
		t.Errorf("inline: %v", err)
	}
	if epochs, err := f.Epochs(0); err != nil || !slices.Equal(epochs, []uint32{2}) || f.Floor() != 2 {
		t.Errorf("epochs %v, floor %d, %v", epochs, f.Floor(), err)
	}
}

// TestFloorBesideWrites checks while files are made, settled and discarded that
// the floor never falls and never passes one that is unsettled.
func TestFloorBesideWrites(t *testing.T) {
	f := newTestFolder(t, nil, Options{InlineLimit: -1, EpochFiles: 3})
	var writers, watcher sync.WaitGroup
	stop := make(chan struct{})
	watcher.Go(func() {
		last := uint32(0)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if floor := f.Floor(); floor < last {
				t.Errorf("floor fell from %d to %d", last, floor)
			} else {
				last = floor
			}
		}
	})
	for writer := range uint64(4) {
		writers.Go(func() {
			for n := range uint64(50) {
				s, err := f.Write(context.Background(), testRequest(writer*1000+n, nil))
				if err != nil {
					t.Error(err)
					return
				}
				if floor := f.Floor(); floor > s.Ref.Epoch {
					t.Errorf("floor %d above %v", floor, s.Ref)
				}
				if n%2 == 0 {
					f.Settle(s.Ref)
				} else if err := f.Discard(s.Ref); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	watcher.Wait()
	if got := len(files(t, f)); got != 4*25 {
		t.Errorf("%d files", got)
	}
	if f.Floor() != f.epochs.openEpoch() {
		t.Errorf("floor %d, open epoch %d", f.Floor(), f.epochs.openEpoch())
	}
}

// TestNewEpochFirst wants the number durable before anything has its name.
func TestNewEpochFirst(t *testing.T) {
	mem := vfs.NewMem()
	var durable []string
	f := newTestFolder(t, mem, Options{InlineLimit: -1, EpochFiles: 1, NewEpoch: func() (uint32, error) {
		names, err := mem.List(testDir)
		next := uint32(len(durable) + 5)
		if slices.Contains(names, epochName(next)) {
			t.Errorf("epoch %d is there already", next)
		}
		durable = append(durable, epochName(next))
		return next, err
	}})
	for n := range uint64(3) {
		mustWrite(t, f, n, nil)
	}
	names, err := mem.List(testDir)
	slices.Sort(names)
	if err != nil || !slices.Equal(names, durable) {
		t.Errorf("directories %v, made durable %v: %v", names, durable, err)
	}
}

func TestNewEpochFails(t *testing.T) {
	broken := errors.New("no epoch")
	mem := vfs.NewMem()
	if err := mem.MkdirAll(testDir+"/00000002", 0o777); err != nil {
		t.Fatal(err)
	}
	next := func() (uint32, error) { return 0, broken }
	f := newTestFolder(t, mem, Options{InlineLimit: -1, EpochFiles: 1, NewEpoch: func() (uint32, error) { return next() }})
	write := func(n uint64) error {
		s, err := f.Write(context.Background(), testRequest(n, nil))
		f.Settle(s.Ref)
		return err
	}
	returning := func(epoch uint32) func() (uint32, error) {
		return func() (uint32, error) { return epoch, nil }
	}
	if err := write(1); !errors.Is(err, broken) {
		t.Errorf("broken source: %v", err)
	}
	next = returning(0)
	if err := write(2); err == nil {
		t.Error("epoch 0 was accepted")
	}
	next = returning(2)
	if err := write(3); !errors.Is(err, fs.ErrExist) {
		t.Errorf("directory of somebody else: %v", err)
	}
	next = returning(3)
	if err := write(4); err != nil {
		t.Error(err)
	}
	if err := write(5); err == nil {
		t.Error("the same epoch was accepted twice")
	}
	if f.Floor() != 3 {
		t.Errorf("floor %d", f.Floor())
	}
}

func TestNoSourceOfEpochs(t *testing.T) {
	mem := vfs.NewMem()
	if err := mem.MkdirAll("/data", 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := Open(testDir, Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, 1, nil)
	if _, err := f.Write(context.Background(), testRequest(2, payload(100_000))); err == nil {
		t.Error("wrote a file")
	}
}
