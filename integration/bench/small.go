package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

// smallSize is the size of small objects, bytes.
const smallSize = 1 << 10

// versionedKeys is how many keys the versioned bucket has.
const versionedKeys = 1000

var smallBody = bytes.Repeat([]byte("tombstone "), smallSize/10+1)[:smallSize]

// version names an entry of a key.
type version struct{ key, id string }

// versions collects versions from several workers.
type versions struct {
	mu  sync.Mutex // protects all
	all []version
}

func (v *versions) add(more ...version) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, more...)
}

// put writes a small object.
func (s *server) put(ctx context.Context, bucket, key string) (version, error) {
	info, err := s.core.Client.PutObject(ctx, bucket, key, bytes.NewReader(smallBody), smallSize, minio.PutObjectOptions{})
	return version{key, info.VersionID}, err
}

// get reads an object to its end.
func (s *server) get(ctx context.Context, bucket, key string) error {
	body, _, _, err := s.core.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	return err
}

// rateFigure returns the figure of a load.
func rateFigure(name string, t tally) []figure {
	return []figure{{name: name, unit: "/s", value: t.rate(), note: t.note()}}
}

func measurePut(ctx context.Context, s *server) ([]figure, error) {
	t, err := s.writeSmall(ctx)
	return rateFigure("PUT 1 KiB", t), err
}

// writeSmall writes new keys for the length of a phase.
func (s *server) writeSmall(ctx context.Context) (tally, error) {
	bucket, err := s.bucket(ctx, &s.small, "small", false)
	if err != nil {
		return tally{}, err
	}
	prefix := s.unique("put")
	var written versions
	t, err := s.load(ctx, s.o.workers, s.o.duration, func(ctx context.Context, i int) error {
		v, err := s.put(ctx, bucket, fmt.Sprintf("%s/%06d", prefix, i))
		if err == nil {
			written.add(v)
		}
		return err
	})
	for _, v := range written.all {
		s.written = append(s.written, v.key)
	}
	return t, err
}

func measureGet(ctx context.Context, s *server) ([]figure, error) {
	if len(s.written) == 0 {
		if _, err := s.writeSmall(ctx); err != nil {
			return nil, err
		}
	}
	t, err := s.load(ctx, s.o.workers, s.o.duration, func(ctx context.Context, i int) error {
		return s.get(ctx, s.small, s.written[i*7919%len(s.written)])
	})
	return rateFigure("GET 1 KiB", t), err
}

func measurePutVersion(ctx context.Context, s *server) ([]figure, error) {
	t, _, err := s.writeVersions(ctx, s.o.workers, s.o.duration, 0)
	return rateFigure("PUT version 1 KiB", t), err
}

// writeVersions writes versions of the keys of the versioned bucket for some
// time, and at most limit if that is not 0.
func (s *server) writeVersions(ctx context.Context, workers int, d time.Duration, limit int) (tally, []version, error) {
	bucket, err := s.bucket(ctx, &s.versioned, "versioned", true)
	if err != nil {
		return tally{}, nil, err
	}
	var written versions
	t, err := s.load(ctx, workers, d, func(ctx context.Context, i int) error {
		if limit > 0 && i >= limit {
			return errEnough
		}
		v, err := s.put(ctx, bucket, versionedKey(i))
		if err == nil {
			written.add(v)
		}
		return err
	})
	return t, written.all, err
}

func versionedKey(i int) string { return fmt.Sprintf("key/%04d", i%versionedKeys) }

func measureDelete(ctx context.Context, s *server) ([]figure, error) {
	bucket, err := s.bucket(ctx, &s.versioned, "versioned", true)
	if err != nil {
		return nil, err
	}
	t, err := s.load(ctx, s.o.workers, s.o.duration, func(ctx context.Context, i int) error {
		return s.core.RemoveObject(ctx, bucket, versionedKey(i), minio.RemoveObjectOptions{})
	})
	return rateFigure("DELETE (adds marker)", t), err
}

// measureDeleteVersion deletes versions that it writes first, for as long again.
func measureDeleteVersion(ctx context.Context, s *server) ([]figure, error) {
	_, all, err := s.writeVersions(ctx, s.o.workers, 2*s.o.duration, 0)
	if err != nil {
		return nil, err
	}
	t, err := s.load(ctx, s.o.workers, s.o.duration, func(ctx context.Context, i int) error {
		if i >= len(all) {
			return errEnough
		}
		return s.core.RemoveObject(ctx, s.versioned, all[i].key, minio.RemoveObjectOptions{VersionID: all[i].id})
	})
	return rateFigure("DELETE by versionId", t), err
}
