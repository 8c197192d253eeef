package blob

import (
	"errors"
	"fmt"
)

// Origin is what the header of a shared file says: whom its bytes were written
// for. The zero Origin means that a file is nobody else's.
type Origin struct {
	Ref    Ref
	Bucket uint64
	Key    string
}

// IsZero reports whether o names no origin.
func (o Origin) IsZero() bool { return o == Origin{} }

// LinkRequest asks for another name of a file.
type LinkRequest struct {
	Source Ref
	Number uint64 // of the new ref, unique in the whole store
}

// Link gives each source a new name and returns the new refs, which are unsettled
// and share the bytes: each has an owner of its own, and the bytes go with the
// last of them. The headers stay those of the sources ([Folder.OpenLinked]). The
// new names are durable when it returns; after an error none is left. The sources
// must not be removed meanwhile. A file system may refuse, for good reasons: the
// caller copies then.
func (f *Folder) Link(requests []LinkRequest) ([]Ref, error) {
	refs := make([]Ref, 0, len(requests))
	touched := make(map[uint32]struct{})
	fail := func(err error) ([]Ref, error) {
		errs := []error{fmt.Errorf("blob: link: %w", err)}
		for _, ref := range refs {
			errs = append(errs, f.Discard(ref))
		}
		return nil, errors.Join(errs...)
	}
	for _, r := range requests {
		ref, err := f.epochs.begin(r.Number)
		if err != nil {
			return fail(err)
		}
		refs = append(refs, ref)
		touched[ref.Epoch] = struct{}{}
		if err := f.fs.Link(f.path(r.Source), f.path(ref)); err != nil {
			return fail(err)
		}
	}
	for epoch := range touched {
		if err := f.syncer.Sync(f.epochPath(epoch)); err != nil {
			return fail(err)
		}
	}
	return refs, nil
}

// OpenLinked is OpenBlob of a file whose header names its origin.
func (f *Folder) OpenLinked(ref Ref, origin Origin, blockSize int, size int64) (*Blob, error) {
	return f.open(ref, Header{Ref: origin.Ref, Bucket: origin.Bucket, Key: origin.Key, BlockSize: blockSize}, size)
}
