package store

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// benchStore opens a durable store on a real folder with one versioned bucket.
func benchStore(b *testing.B, o Options) *Store {
	b.Helper()
	s, err := Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	if _, err := s.CreateBucket(b.Context(), BucketSpec{Name: "b", Owner: testOwner}); err != nil {
		b.Fatal(err)
	}
	if err := s.SetVersioning(b.Context(), "b", VersioningChange{State: versioning.Enabled}); err != nil {
		b.Fatal(err)
	}
	return s
}

func benchPut(b *testing.B, s *Store, key string, body []byte) versioning.ID {
	res, err := s.Put(b.Context(), PutRequest{Bucket: "b", Key: key, Body: bytes.NewReader(body), Size: int64(len(body)),
		Algorithms: []checksum.Algorithm{checksum.CRC64NVME}})
	if err != nil {
		b.Fatal(err)
	}
	id, err := s.ParseVersionID(res.VersionHeader)
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// BenchmarkPut stores objects of 1 KiB under new keys, 16 at a time.
func BenchmarkPut(b *testing.B) {
	s, body := benchStore(b, Options{}), make([]byte, 1<<10)
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			benchPut(b, s, fmt.Sprintf("key-%09d", n.Add(1)), body)
		}
	})
}

// BenchmarkDeleteObjects destroys 1,000 versions of as many keys in each call, with a
// ledger and without; a step is one version.
func BenchmarkDeleteObjects(b *testing.B) {
	b.Run("ledger=off", func(b *testing.B) { benchDeleteObjects(b, Options{Ledger: LedgerOptions{Off: true}}) })
	b.Run("ledger=on", func(b *testing.B) { benchDeleteObjects(b, Options{}) })
}

func benchDeleteObjects(b *testing.B, o Options) {
	s, body := benchStore(b, o), make([]byte, 1<<10)
	made := Maker{
		AccessKey: "AKIAIOSFODNN7EXAMPLE", RequestID: "1D5A0DD7A2B49C11", Principal: "arn:aws:iam::123456789012:user/janitor",
		Source: "192.0.2.17", Operation: "DeleteObjects",
	}
	rs := make([]DeleteRequest, b.N)
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1) - 1
			key := fmt.Sprintf("key-%09d", i)
			rs[i] = DeleteRequest{Key: key, ID: benchPut(b, s, key, body), Made: made}
		}
	})
	b.ResetTimer()
	for len(rs) > 0 {
		page := min(1000, len(rs))
		if _, err := s.DeleteObjects(b.Context(), "b", rs[:page]); err != nil {
			b.Fatal(err)
		}
		rs = rs[page:]
	}
}
