package blob

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
)

// diskFolder opens a folder on the real file system.
func diskFolder(b *testing.B, o Options) *Folder {
	b.Helper()
	o.NewEpoch = countEpochs(0)
	f, err := Open(b.TempDir()+"/blobs", o)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// writeAndRemove writes body b.N times, each a new blob.
func writeAndRemove(b *testing.B, f *Folder, body []byte, algorithms []checksum.Algorithm) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	defer reportCPU(b)()
	for n := 0; b.Loop(); n++ {
		r := testRequest(uint64(n+1), body)
		r.Algorithms = algorithms
		s, err := f.Write(context.Background(), r)
		if err != nil {
			b.Fatal(err)
		}
		f.Settle(s.Ref)
		b.StopTimer()
		if err := f.Remove(s.Ref); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkWrite is one upload at a time, synced.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 128 << 10, 1 << 20, 64 << 20} {
		body := payload(size)
		for _, algorithms := range [][]checksum.Algorithm{nil, {checksum.CRC64NVME}, {checksum.SHA256}} {
			name := strings.Trim(fmt.Sprint(append([]checksum.Algorithm(nil), algorithms...)), "[]")
			b.Run(fmt.Sprintf("size=%dKiB/sum=%s", size>>10, name), func(b *testing.B) {
				writeAndRemove(b, diskFolder(b, Options{}), body, algorithms)
			})
		}
	}
}

// BenchmarkChunk measures the size of the pipeline's chunks.
func BenchmarkChunk(b *testing.B) {
	body := payload(64 << 20)
	for _, kib := range []int{64, 128, 256, 512, 1024} {
		b.Run(fmt.Sprintf("chunk=%dKiB", kib), func(b *testing.B) {
			f := diskFolder(b, Options{})
			f.chunks.size = blocksPer(kib<<10, DefaultBlockSize) * (DefaultBlockSize + sumSize)
			writeAndRemove(b, f, body, nil)
		})
	}
}

// BenchmarkFlush measures the steps in which the disk is asked to begin.
func BenchmarkFlush(b *testing.B) {
	body := payload(64 << 20)
	for _, mib := range []int64{1, 2, 4, 8, 16, 1 << 20} {
		b.Run(fmt.Sprintf("step=%dMiB", mib), func(b *testing.B) {
			f := diskFolder(b, Options{})
			f.flushStep = mib << 20
			writeAndRemove(b, f, body, nil)
		})
	}
}

// BenchmarkBlockSize is decision 0002.
func BenchmarkBlockSize(b *testing.B) {
	for _, kib := range []int{16, 32, 64, 128, 256} {
		o := Options{BlockSize: kib << 10, InlineLimit: -1}
		b.Run(fmt.Sprintf("block=%dKiB/write", kib), func(b *testing.B) {
			writeAndRemove(b, diskFolder(b, o), payload(64<<20), nil)
		})
		b.Run(fmt.Sprintf("block=%dKiB/read", kib), func(b *testing.B) {
			benchmarkFullRead(b, diskFolder(b, o))
		})
		b.Run(fmt.Sprintf("block=%dKiB/range4KiB", kib), func(b *testing.B) {
			benchmarkSmallRange(b, diskFolder(b, o))
		})
	}
}

// benchmarkFullRead reads a blob of 64 MiB that the page cache holds.
func benchmarkFullRead(b *testing.B, f *Folder) {
	s := mustWrite(b, f, 1, payload(64<<20))
	b.SetBytes(s.Size)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		readAll(b, f, s, 0, s.Size)
	}
}

// benchmarkSmallRange opens the blob for each range, as a GET does.
func benchmarkSmallRange(b *testing.B, f *Folder) {
	const length = 4 << 10
	s := mustWrite(b, f, 1, payload(64<<20))
	random := rand.New(rand.NewPCG(1, 2))
	b.SetBytes(length)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		readAll(b, f, s, random.Int64N(s.Size-length), length)
	}
}

func readAll(b *testing.B, f *Folder, s Stored, offset, length int64) {
	blob, err := open(f, s)
	if err != nil {
		b.Fatal(err)
	}
	r, err := blob.Range(context.Background(), offset, length)
	if err != nil {
		b.Fatal(err)
	}
	if n, err := r.WriteTo(io.Discard); n != length || err != nil {
		b.Fatalf("%d bytes, %v", n, err)
	}
	r.Close()
	blob.Close()
}

// BenchmarkParallelWrite is 16 uploads at a time, which share directory syncs.
func BenchmarkParallelWrite(b *testing.B) {
	for _, kib := range []int{1, 96, 256, 1024, 8192} {
		b.Run(fmt.Sprintf("size=%dKiB", kib), func(b *testing.B) {
			f := diskFolder(b, Options{})
			body := payload(kib << 10)
			var number atomic.Uint64
			b.SetBytes(int64(len(body)))
			b.SetParallelism(8)
			defer reportCPU(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := testRequest(number.Add(1), nil)
					r.Body, r.Size = bytes.NewReader(body), int64(len(body))
					if _, err := f.Write(context.Background(), r); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
