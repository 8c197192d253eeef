package crashtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
)

// cut is a moment: what a crash would have left, and what had been acknowledged.
type cut struct {
	number   int
	sync     crashfs.Sync
	left     []*crashfs.FS // in the order of kept
	clients  []view
	contests []contest
	uploads  []uploadFacts
	err      error
}

// view is what one worker knew.
type view struct {
	model   *model.Store
	playing *metamorphic.Op
	scope   metamorphic.Scope
}

// cut takes a cut. The caller holds mu.
func (r *run) cut(s crashfs.Sync) *cut {
	c := &cut{number: r.result.Cuts, sync: s, contests: slices.Clone(r.race.contests), uploads: slices.Clone(r.uploads.facts)}
	for _, keep := range kept {
		left, err := r.fs.Cut(keep, r.rng, crashfs.Watch{})
		c.left, c.err = append(c.left, left), errors.Join(c.err, err)
	}
	for _, w := range r.workers {
		m, playing := w.client.Look()
		c.clients = append(c.clients, view{m, playing, w.client.Scope})
	}
	return c
}

// verifyAll verifies the cuts that are taken.
func (r *run) verifyAll(ctx context.Context) {
	for c := range r.cuts {
		if c.err != nil {
			r.violation(c, 0, c.err)
			continue
		}
		for i, keep := range kept {
			if err := r.verify(ctx, c, c.left[i]); err != nil {
				r.violation(c, keep, err)
			}
		}
	}
}

// verify opens what is left of a cut and compares it with what was acknowledged.
func (r *run) verify(ctx context.Context, c *cut, left *crashfs.FS) error {
	o := r.options(left)
	o.Clock = clock.NewManual(r.clock.Now())
	s, err := store.Open(folder, o)
	if err != nil {
		return err
	}
	errs := []error{checkClean(ctx, s, left)}
	if r.plan.Durability == store.Relaxed {
		errs = append(errs, verifyLedger(ctx, s, nil))
		return errors.Join(append(errs, s.Close())...)
	}
	for _, v := range c.clients {
		// The three verifications of a cut share its models, of which each fills
		// in what it learns from its own store.
		errs = append(errs, metamorphic.VerifyAfterCrash(ctx, s, v.model.Clone(), v.playing, v.scope))
	}
	errs = append(errs, verifyLedger(ctx, s, c.contests), verifyRace(ctx, s, c.contests), verifyUploads(ctx, s, c.uploads), stillWorks(ctx, s))
	return errors.Join(append(errs, s.Close())...)
}

// stillWorks changes every bucket, which nothing that was interrupted may prevent.
func stillWorks(ctx context.Context, s *store.Store) error {
	buckets, _, err := s.Buckets(ctx, store.BucketQuery{})
	errs := []error{err}
	for _, b := range buckets {
		const key = "still there?"
		_, put := s.Put(ctx, store.PutRequest{Bucket: b.Name, Key: key, Body: strings.NewReader(key), Size: int64(len(key))})
		_, deleted := s.Delete(ctx, b.Name, store.DeleteRequest{Key: key})
		errs = append(errs, put, deleted)
	}
	return errors.Join(errs...)
}

// checkClean lets reclaim finish, and looks for what belongs to nothing.
func checkClean(ctx context.Context, s *store.Store, fs *crashfs.FS) error {
	if err := s.WaitReclaimed(ctx); err != nil {
		return err
	}
	report, err := s.Check(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range report.Problems {
		errs = append(errs, fmt.Errorf("check: %v", p))
	}
	files, err := countFiles(fs)
	if err == nil && files != report.Files {
		err = fmt.Errorf("%d files for %d versions", files, report.Files)
	}
	return errors.Join(append(errs, err)...)
}

// countFiles counts the files of blobs.
func countFiles(fs *crashfs.FS) (files int64, err error) {
	blobs := fs.PathJoin(folder, "blobs")
	epochs, err := fs.List(blobs)
	if err != nil {
		return 0, err
	}
	for _, epoch := range epochs {
		names, err := fs.List(fs.PathJoin(blobs, epoch))
		if err != nil {
			return 0, err
		}
		files += int64(len(names))
	}
	return files, nil
}
