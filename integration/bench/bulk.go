package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// What DeleteObjects destroys is written first: so much that destroying it takes
// seconds, with so many workers that it is not the sync of each write that takes
// long. Both end after so many phases' length, which is long enough for a slow server too: with
// fewer versions of a key it would have less to do for each, with some left by an
// earlier phase more.
const (
	seedLimit     = 100_000
	seedWorkers   = 64
	seedPhases    = 60
	destroyPhases = 30
)

const (
	batchSize  = 1000 // entries in a DeleteObjects
	hiddenKeys = 3000 // keys in the bucket of hidden keys
	listRounds = 20   // listings of the hidden bucket in a round
)

// removeBatch sends one DeleteObjects and returns the entries it added.
func (s *server) removeBatch(ctx context.Context, bucket string, batch []version) ([]version, error) {
	send := make(chan minio.ObjectInfo, len(batch))
	for _, v := range batch {
		send <- minio.ObjectInfo{Key: v.key, VersionID: v.id}
	}
	close(send)
	var added []version
	var faults []error
	for r := range s.core.RemoveObjectsWithResult(ctx, bucket, send, minio.RemoveObjectsOptions{}) {
		faults = append(faults, r.Err)
		added = append(added, version{r.ObjectName, r.DeleteMarkerVersionID})
	}
	return added, errors.Join(faults...)
}

// measureDeleteObjects destroys versions, a thousand in a call, in the order in which a
// listing shows them, as what empties a bucket does: each call has many versions of a
// few keys, the newest of a key first.
func measureDeleteObjects(ctx context.Context, s *server) ([]figure, error) {
	all, err := s.seedVersions(ctx)
	if err != nil {
		return nil, err
	}
	asListed(all)
	t, err := s.destroy(ctx, all, s.o.workers, destroyPhases*s.o.duration)
	return rateFigure("DeleteObjects, versions", t), err
}

// measureDeleteWritten destroys versions, a thousand in a call, in the order they
// were written in: each call has versions of all keys, so that all calls meet on
// the same keys. No client comes to send them so, for none lists them so. It is the
// worst order for locks, and the best for a server that keeps versions in files: until
// a key's last version goes, no older one has to become current.
func measureDeleteWritten(ctx context.Context, s *server) ([]figure, error) {
	all, err := s.seedVersions(ctx)
	if err != nil {
		return nil, err
	}
	t, err := s.destroy(ctx, all, s.o.workers, destroyPhases*s.o.duration)
	return rateFigure("DeleteObjects in written order, versions", t), err
}

// asListed brings versions from the order they were written in to that of a
// listing: by key, newest first.
func asListed(all []version) {
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b version) int { return strings.Compare(a.key, b.key) })
}

// seedVersions writes versions to destroy, in whole batches.
func (s *server) seedVersions(ctx context.Context) ([]version, error) {
	_, all, err := s.writeVersions(ctx, seedWorkers, seedPhases*s.o.duration, seedLimit)
	if err != nil {
		return nil, err
	}
	all = all[:len(all)/batchSize*batchSize]
	if len(all) == 0 {
		return nil, fmt.Errorf("fewer than %d versions could be written in %v", batchSize, seedPhases*s.o.duration)
	}
	return all, nil
}

// destroy deletes versions of the versioned bucket in batches. The tally counts
// versions.
func (s *server) destroy(ctx context.Context, all []version, workers int, d time.Duration) (tally, error) {
	t, err := s.load(ctx, workers, d, func(ctx context.Context, i int) error {
		if i*batchSize >= len(all) {
			return errEnough
		}
		_, err := s.removeBatch(ctx, s.versioned, all[i*batchSize:min((i+1)*batchSize, len(all))])
		return err
	})
	t.done *= batchSize
	return t, err
}

// hide makes the bucket whose keys are all hidden by markers.
func (s *server) hide(ctx context.Context) error {
	if s.hidden != "" {
		return nil
	}
	bucket, err := s.bucket(ctx, &s.hidden, "hidden", true)
	if err != nil {
		return err
	}
	all := make([]version, hiddenKeys)
	for i := range all {
		all[i].key = fmt.Sprintf("hidden/%05d", i)
	}
	t, err := s.load(ctx, s.o.workers, time.Minute, func(ctx context.Context, i int) error {
		if i >= len(all) {
			return errEnough
		}
		_, err := s.put(ctx, bucket, all[i].key)
		return err
	})
	if err == nil {
		err = t.first
	}
	for batch := range slices.Chunk(all, batchSize) {
		if err == nil {
			_, err = s.removeBatch(ctx, bucket, batch)
		}
	}
	return err
}

// measureListHidden lists a bucket in which nothing is to be seen.
func measureListHidden(ctx context.Context, s *server) ([]figure, error) {
	if err := s.hide(ctx); err != nil {
		return nil, err
	}
	var times []time.Duration
	for range listRounds {
		begun := time.Now()
		page, err := s.core.ListObjectsV2(s.hidden, "", "", "", "", batchSize)
		if err != nil {
			return nil, err
		}
		if len(page.Contents) > 0 || page.IsTruncated {
			return nil, fmt.Errorf("a bucket of hidden keys shows %d", len(page.Contents))
		}
		times = append(times, time.Since(begun))
	}
	name := fmt.Sprintf("list a bucket of %d hidden keys", hiddenKeys)
	return []figure{{name: name, unit: "ms", value: milliseconds(percentile(times, 50)), less: true}}, nil
}

// measureListVersions lists the same bucket with its versions and markers, one
// listing after the other.
func measureListVersions(ctx context.Context, s *server) ([]figure, error) {
	if err := s.hide(ctx); err != nil {
		return nil, err
	}
	entries := int64(0)
	t, err := s.load(ctx, 1, s.o.duration, func(ctx context.Context, _ int) error {
		for o := range s.core.Client.ListObjects(ctx, s.hidden, minio.ListObjectsOptions{WithVersions: true, Recursive: true}) {
			if o.Err != nil {
				return o.Err
			}
			entries++
		}
		return nil
	})
	if err == nil && entries != t.done*2*hiddenKeys {
		err = fmt.Errorf("%d listings showed %d entries, want %d each", t.done, entries, 2*hiddenKeys)
	}
	t.done = entries
	return rateFigure("list versions, entries", t), err
}
