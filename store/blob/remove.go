package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
)

// Remove removes the files of refs and returns when that is durable, so that
// the caller may forget them: one sync for each epoch among refs. A file that is
// not there, and an inline ref, are no errors. The directory of an epoch that
// is empty then and gets no more files is removed too.
func (f *Folder) Remove(refs ...Ref) error {
	var errs []error
	touched := make(map[uint32]struct{})
	for _, ref := range refs {
		if ref.Inline() {
			continue
		}
		touched[ref.Epoch] = struct{}{}
		if err := f.unlink(ref); err != nil {
			errs = append(errs, fmt.Errorf("blob: remove: %w", err))
		}
	}
	for epoch := range touched {
		if err := errors.Join(f.syncRemoval(epoch), f.tidy(epoch)); err != nil {
			errs = append(errs, fmt.Errorf("blob: remove from epoch %s: %w", epochName(epoch), err))
		}
	}
	return errors.Join(errs...)
}

// syncRemoval makes removals from epoch durable. Another Remove may have taken
// the empty directory away, unsynced; then it is that which has to last.
func (f *Folder) syncRemoval(epoch uint32) error {
	err := f.syncer.Sync(f.epochPath(epoch))
	if errors.Is(err, fs.ErrNotExist) {
		return f.syncer.Sync(f.dir)
	}
	return err
}

// Epochs returns the numbers of the epochs at or above from that have a
// directory, in ascending order.
func (f *Folder) Epochs(from uint32) ([]uint32, error) {
	names, err := f.fs.List(f.dir)
	if err != nil {
		return nil, fmt.Errorf("blob: list epochs: %w", err)
	}
	var epochs []uint32
	for _, name := range names {
		epoch, ok := parseEpochName(name)
		if !ok {
			f.options.Foreign(name)
		} else if epoch >= from {
			epochs = append(epochs, epoch)
		}
	}
	slices.Sort(epochs)
	return epochs, nil
}

// List calls fn with the ref of each file in epoch, in ascending order, until
// fn fails. An epoch without a directory has no files.
func (f *Folder) List(epoch uint32, fn func(Ref) error) error {
	names, err := f.fs.List(f.epochPath(epoch))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("blob: list epoch %s: %w", epochName(epoch), err)
	}
	var refs []Ref
	for _, name := range names {
		if number, ok := parseFileName(name); ok {
			refs = append(refs, Ref{Epoch: epoch, Number: number})
		} else {
			f.options.Foreign(f.fs.PathJoin(epochName(epoch), name))
		}
	}
	slices.SortFunc(refs, func(a, b Ref) int { return cmp.Compare(a.Number, b.Number) })
	for _, ref := range refs {
		if err := fn(ref); err != nil {
			return err
		}
	}
	return nil
}

// Verify reads the whole file of want.Ref and compares it with its block sums
// and with crc, the Stored.CRC of its payload.
func (f *Folder) Verify(ctx context.Context, want Header, size int64, crc uint32) error {
	b, err := f.OpenBlob(want, size)
	if err != nil {
		return err
	}
	return errors.Join(b.Verify(ctx, crc), b.Close())
}

// Verify reads the whole blob and compares it with its block sums and with crc,
// the Stored.CRC of its payload. It returns a DamageError where they differ.
func (b *Blob) Verify(ctx context.Context, crc uint32) error {
	r, err := b.Range(ctx, 0, b.Size())
	if err != nil {
		return err
	}
	defer r.Close()
	whole := crc32.New(castagnoli)
	if _, err := io.Copy(whole, r); err != nil {
		return err
	}
	if got := whole.Sum32(); got != crc {
		return damagedHeader(b.header.Ref, "sum of the whole is %08x, not %08x", got, crc)
	}
	return nil
}
