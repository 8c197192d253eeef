package store

import (
	"context"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
)

// repairLeaks removes the files that a crash left without a row: those of an
// upload that did not get as far as its version. Only epochs from the floor on
// can hold any.
func (s *Store) repairLeaks(ctx context.Context, floor uint32) error {
	epochs, err := s.blobs.Epochs(floor)
	if err != nil {
		return err
	}
	for _, epoch := range epochs {
		leaks, err := s.leaks(ctx, epoch)
		if err != nil {
			return err
		}
		if len(leaks) == 0 {
			continue
		}
		s.options.Logger.Info("removing files that a crash left over", "epoch", epoch, "files", len(leaks))
		if err := s.blobs.Remove(leaks...); err != nil {
			return err
		}
	}
	return nil
}

// leaks returns the files of an epoch that have neither a blob nor a reclaim row.
func (s *Store) leaks(ctx context.Context, epoch uint32) (leaks []blob.Ref, err error) {
	waiting := make(map[blob.Ref]struct{})
	for start := []byte{byte(reclaimTable)}; start != nil; {
		rows, next, err := s.reclaimRows(ctx, start)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.ref.Epoch == epoch {
				waiting[row.ref] = struct{}{}
			}
		}
		start = next
	}
	err = s.view(ctx, func(rd engine.Reader) error {
		return s.blobs.List(epoch, func(ref blob.Ref) error {
			left, err := leftOver(rd, ref)
			if _, waits := waiting[ref]; err == nil && left && !waits {
				leaks = append(leaks, ref)
			}
			return err
		})
	})
	return leaks, err
}

// leftOver reports whether a file belongs to nothing. What owns one has a row of it
// for as long as it does, also while it is locked.
func leftOver(rd engine.Reader, ref blob.Ref) (bool, error) {
	_, found, err := rd.Get(blobKey(ref))
	return err == nil && !found, err
}
