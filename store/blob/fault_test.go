package blob

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/seed61737384/tombstone/internal/checksum"
)

// faults fails the operation with number first, and, if lasting, all that follow.
type faults struct {
	first   int64
	lasting bool
	off     atomic.Bool
	seen    atomic.Int64
	hit     atomic.Bool
	matters atomic.Bool // hit something other than the removal of an empty directory
}

func (f *faults) String() string { return "faults" }

func (f *faults) MaybeError(op errorfs.Op) error {
	if f.off.Load() || op.Kind == errorfs.OpFileClose {
		return nil
	}
	n := f.seen.Add(1) - 1
	if n == f.first || f.lasting && n > f.first {
		f.hit.Store(true)
		if op.Kind != errorfs.OpRemove {
			f.matters.Store(true)
		}
		return errorfs.ErrInjected
	}
	return nil
}

// TestWriteFaults fails each operation of two uploads in turn, once and from
// then on. What was acknowledged is whole; what was not is gone or, when it could
// not be removed, lies at or above the floor.
func TestWriteFaults(t *testing.T) {
	for _, lasting := range []bool{false, true} {
		reached := int64(0)
		for ; ; reached++ {
			inject := &faults{first: reached, lasting: lasting}
			writeWithFaults(t, inject)
			if !inject.hit.Load() {
				break
			}
		}
		t.Logf("%d operations, lasting %v", reached, lasting)
		if reached < 20 {
			t.Errorf("only %d operations", reached)
		}
	}
}

func writeWithFaults(t *testing.T, inject *faults) {
	mem := vfs.NewCrashableMem()
	inject.off.Store(true)
	f, err := openTestFolder(errorfs.Wrap(mem, inject), Options{EpochFiles: 1, BlockSize: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	f.flushStep = 1 << 20
	inject.off.Store(false)
	var rows []Stored
	for n, size := range []int{100_000, 5 * f.chunks.size} {
		r := testRequest(uint64(n+1), payload(size))
		r.Algorithms = []checksum.Algorithm{checksum.SHA256, checksum.CRC32}
		s, err := f.Write(context.Background(), r)
		if err == nil {
			rows = append(rows, s)
			f.Settle(s.Ref)
		} else if !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("fault %d: %v", inject.first, err)
		}
	}
	inject.off.Store(true)
	if inject.matters.Load() == (len(rows) == 2) {
		t.Errorf("fault %d, matters %v: %d rows", inject.first, inject.matters.Load(), len(rows))
	}
	for _, s := range rows {
		if err := f.Verify(context.Background(), headerOf(s), s.Size, s.CRC); err != nil {
			t.Errorf("fault %d: %v", inject.first, err)
		}
	}
	orphans := 0
	for _, ref := range files(t, f) {
		if len(rows) > 0 && rows[0].Ref == ref || len(rows) > 1 && rows[1].Ref == ref {
			continue
		}
		orphans++
		if ref.Epoch < f.Floor() {
			t.Errorf("fault %d: %v left below the floor %d", inject.first, ref, f.Floor())
		}
	}
	if orphans > 0 && !inject.lasting {
		t.Errorf("fault %d: %d files left", inject.first, orphans)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestWriteGivesUp fails the disk under a body that never ends.
func TestWriteGivesUp(t *testing.T) {
	f := newTestFolder(t, errorfs.Wrap(vfs.NewMem(), &faults{first: 30, lasting: true}), Options{})
	r := testRequest(1, nil)
	r.Body, r.Size = neverEnding('x'), -1
	if _, err := f.Write(context.Background(), r); !errors.Is(err, errorfs.ErrInjected) {
		t.Errorf("Write: %v", err)
	}
}

// TestOpenFaults fails each operation of Open.
func TestOpenFaults(t *testing.T) {
	for n := int64(0); ; n++ {
		inject := &faults{first: n}
		_, err := openTestFolder(errorfs.Wrap(vfs.NewMem(), inject), Options{})
		if !inject.hit.Load() {
			if err != nil || n < 5 {
				t.Errorf("%d operations, then %v", n, err)
			}
			return
		}
		if !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("operation %d: %v", n, err)
		}
	}
}
