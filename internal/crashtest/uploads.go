package crashtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// uploadBucket holds the keys that are uploaded in parts.
const uploadBucket = "uploads"

// uploadParts is how many parts an upload has at most: two that are written and one
// that is copied.
const uploadParts = 3

// verifiedUploads is how many of the last uploads a cut looks at one by one.
const verifiedUploads = 20

// uploads is a client that uploads one key after the other in parts, and ends its
// uploads in every way.
type uploads struct {
	run   *run
	facts []uploadFacts // guarded by run.mu
}

// uploadFacts is what the client was told of one upload.
type uploadFacts struct {
	id      string
	parts   [uploadParts]partFacts
	ending  ending // that was asked for
	ended   bool   // and acknowledged
	want    string // the object's bytes, if it is completed
	version string
	deleted bool // the version's delete was asked for
	gone    bool // and acknowledged
}

type partFacts struct {
	etag    string
	writing bool // it may be another one by now
}

type ending uint8

const (
	inProgress ending = iota
	completed
	aborted
)

func uploadKey(n int) string { return fmt.Sprintf("key-%06d", n) }

func (u *uploads) name(n int) store.UploadName {
	return store.UploadName{Bucket: uploadBucket, Key: uploadKey(n), ID: u.facts[n].id}
}

func (u *uploads) setUp(ctx context.Context) error {
	if _, err := u.run.store.CreateBucket(ctx, store.BucketSpec{Name: uploadBucket}); err != nil {
		return err
	}
	return u.run.store.SetVersioning(ctx, uploadBucket, store.VersioningChange{State: versioning.Enabled})
}

// note changes what is known of upload n.
func (u *uploads) note(n int, change func(*uploadFacts)) {
	u.run.locked(func() { change(&u.facts[n]) })
}

func (u *uploads) play(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := u.one(context.WithoutCancel(ctx), len(u.facts)); err != nil {
			return fmt.Errorf("upload %d: %w", len(u.facts)-1, err)
		}
		u.run.played()
	}
	return nil
}

// one plays the life of upload n.
func (u *uploads) one(ctx context.Context, n int) error {
	up, err := u.run.store.CreateUpload(ctx, store.UploadRequest{Bucket: uploadBucket, Key: uploadKey(n)})
	if err != nil {
		return err
	}
	u.run.locked(func() { u.facts = append(u.facts, uploadFacts{id: up.ID}) })
	bodies := make([]string, uploadParts)
	for try := range 1 + n%3 { // the second time in place of the first
		for i := range uploadParts - 1 {
			bodies[i] = strings.Repeat(fmt.Sprintf("%d.%d.%d ", n, i, try), 1+(n*7+i*31)%60)
			if err := u.part(ctx, n, i, bodies[i]); err != nil {
				return err
			}
		}
	}
	if bodies[uploadParts-1], err = u.copy(ctx, n); err != nil {
		return err
	}
	switch n % 4 {
	case 0, 1:
		err = u.complete(ctx, n, bodies)
	case 2:
		err = u.abort(ctx, n)
	}
	if err == nil && n%8 == 5 {
		err = u.destroy(ctx, n-n%4)
	}
	return err
}

func (u *uploads) part(ctx context.Context, n, i int, body string) error {
	u.note(n, func(f *uploadFacts) { f.parts[i].writing = true })
	p, err := u.run.store.PutPart(ctx, store.PartRequest{
		Upload: u.name(n), Number: i + 1, Body: strings.NewReader(body), Size: int64(len(body)),
	})
	if err == nil {
		u.note(n, func(f *uploadFacts) { f.parts[i] = partFacts{etag: p.ETag} })
	}
	return err
}

// copy makes the last part of an object that an earlier upload became, of which it
// shares the files, and returns its bytes.
func (u *uploads) copy(ctx context.Context, n int) (string, error) {
	source := n - n%4 - 4
	if source < 0 || u.facts[source].deleted {
		return "", nil
	}
	const last = uploadParts - 1
	u.note(n, func(f *uploadFacts) { f.parts[last].writing = true })
	p, err := u.run.store.CopyPart(ctx, store.PartCopyRequest{
		Upload: u.name(n), Number: last + 1, Source: store.CopySource{Bucket: uploadBucket, Key: uploadKey(source), Length: -1},
	})
	if err != nil {
		return "", err
	}
	u.note(n, func(f *uploadFacts) { f.parts[last] = partFacts{etag: p.ETag} })
	return u.facts[source].want, nil
}

func (u *uploads) complete(ctx context.Context, n int, bodies []string) error {
	var parts []store.CompletedPart
	for i, p := range u.facts[n].parts {
		if p.etag != "" && (n%3 > 0 || i > 0) { // or the first one is dropped
			parts = append(parts, store.CompletedPart{Number: i + 1, ETag: p.etag})
		}
	}
	want := ""
	for _, p := range parts {
		want += bodies[p.Number-1]
	}
	u.note(n, func(f *uploadFacts) { f.ending, f.want = completed, want })
	res, err := u.run.store.CompleteUpload(ctx, store.CompleteRequest{Upload: u.name(n), Parts: parts, Size: int64(len(want))})
	if err == nil {
		u.note(n, func(f *uploadFacts) { f.ended, f.version = true, res.VersionHeader })
	}
	return err
}

func (u *uploads) abort(ctx context.Context, n int) error {
	u.note(n, func(f *uploadFacts) { f.ending = aborted })
	err := u.run.store.AbortUpload(ctx, u.name(n), store.Maker{})
	if err == nil {
		u.note(n, func(f *uploadFacts) { f.ended = true })
	}
	return err
}

// destroy deletes the version that upload n became.
func (u *uploads) destroy(ctx context.Context, n int) error {
	id, err := u.run.store.ParseVersionID(u.facts[n].version)
	if err != nil {
		return err
	}
	u.note(n, func(f *uploadFacts) { f.deleted = true })
	_, err = u.run.store.Delete(ctx, uploadBucket, store.DeleteRequest{Key: uploadKey(n), ID: id})
	if err == nil {
		u.note(n, func(f *uploadFacts) { f.gone = true })
	}
	return err
}

// verifyUploads compares the uploads of s, and what became of them, with what their
// client had been told.
func verifyUploads(ctx context.Context, s *store.Store, facts []uploadFacts) error {
	var errs []error
	for n := max(0, len(facts)-verifiedUploads); n < len(facts); n++ {
		if err := facts[n].verify(ctx, s, n); err != nil {
			errs = append(errs, fmt.Errorf("upload %s: %w", uploadKey(n), err))
		}
	}
	return errors.Join(errs...)
}

func (f *uploadFacts) verify(ctx context.Context, s *store.Store, n int) error {
	name := store.UploadName{Bucket: uploadBucket, Key: uploadKey(n), ID: f.id}
	page, err := s.ListParts(ctx, store.PartsRequest{Upload: name, Limit: uploadParts})
	there := err == nil
	if err != nil && !errors.Is(err, store.ErrNoSuchUpload) {
		return err
	}
	body, err := readUploaded(ctx, s, n)
	exists := err == nil
	if err != nil && !errors.Is(err, versioning.NoSuchKey) {
		return err
	}
	switch {
	case there && f.ended, !there && f.ending == inProgress:
		return fmt.Errorf("in progress: %v, but %+v", there, *f)
	case there && exists, exists && f.ending != completed, exists && f.gone:
		return fmt.Errorf("it is an object, but %+v", *f)
	case !there && !exists && f.ending == completed && !f.deleted:
		return errors.New("it was completed, and is no object")
	case exists && string(body) != f.want:
		return fmt.Errorf("object of %d bytes, want %d", len(body), len(f.want))
	case there:
		return f.verifyParts(page.Parts)
	}
	return nil
}

func (f *uploadFacts) verifyParts(parts []store.Part) error {
	for i, want := range f.parts {
		at := slices.IndexFunc(parts, func(p store.Part) bool { return p.Number == i+1 })
		switch {
		case want.writing:
		case want.etag == "" && at >= 0:
			return fmt.Errorf("part %d was never written", i+1)
		case want.etag != "" && (at < 0 || parts[at].ETag != want.etag):
			return fmt.Errorf("part %d is not %s", i+1, want.etag)
		}
	}
	return nil
}

// readUploaded returns the bytes of the object that upload n became.
func readUploaded(ctx context.Context, s *store.Store, n int) ([]byte, error) {
	o, err := s.Get(ctx, store.ReadRequest{Bucket: uploadBucket, Key: uploadKey(n)})
	if err != nil {
		return nil, err
	}
	r, err := o.Reader(ctx, 0, o.Object.Size)
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	var body bytes.Buffer
	_, err = io.Copy(&body, r)
	return body.Bytes(), errors.Join(err, r.Close(), o.Close())
}
