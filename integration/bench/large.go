package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/minio/minio-go/v7"
)

const (
	largeSize    = 64 << 20 // bytes
	largeWorkers = 2
	largeKeys    = 4 // written in turns, so that the disk does not fill
)

// measureLarge writes large objects, each with one request, and reads them.
func measureLarge(ctx context.Context, s *server) ([]figure, error) {
	bucket, err := s.bucket(ctx, &s.large, "large", false)
	if err != nil {
		return nil, err
	}
	body := make([]byte, largeSize)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range body {
		body[i] = byte(source.Uint32())
	}
	key := func(i int) string { return fmt.Sprintf("large/%d", i%largeKeys) }
	for i := range largeKeys { // so that each can be read
		if err := s.putLarge(ctx, bucket, key(i), body); err != nil {
			return nil, err
		}
	}
	written, err := s.load(ctx, largeWorkers, s.o.duration, func(ctx context.Context, i int) error {
		return s.putLarge(ctx, bucket, key(i), body)
	})
	if err != nil {
		return nil, err
	}
	read, err := s.load(ctx, largeWorkers, s.o.duration, func(ctx context.Context, i int) error {
		return s.get(ctx, bucket, key(i))
	})
	return []figure{
		{name: "PUT 64 MiB, 2 workers", unit: "MiB/s", value: written.rate() * largeSize / (1 << 20), note: written.note()},
		{name: "GET 64 MiB, 2 workers", unit: "MiB/s", value: read.rate() * largeSize / (1 << 20), note: read.note()},
	}, err
}

func (s *server) putLarge(ctx context.Context, bucket, key string, body []byte) error {
	_, err := s.core.Client.PutObject(ctx, bucket, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{DisableMultipart: true})
	return err
}
