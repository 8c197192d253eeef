//go:build unix

package store

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The benchmarks of decision 0001. Compare within a run, inline against file.

// bothPlaces are the inline limits that put bodies of the sizes measured in the
// index, or in files.
var bothPlaces = []struct {
	name  string
	limit int
}{{"inline", 512 << 10}, {"file", -1}}

// inlineSizes are the sizes measured, in KiB.
var inlineSizes = []int{1, 4, 16, 32, 64, 128, 256}

// benchFolder opens a store with one unversioned bucket in a new folder.
func benchFolder(b *testing.B, limit int) (*Store, string) {
	b.Helper()
	dir := b.TempDir()
	s, err := Open(dir, Options{InlineLimit: limit, MinFree: -1})
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
	return s, dir
}

func benchBody(b *testing.B, s *Store, key string, body []byte) {
	_, err := s.Put(b.Context(), PutRequest{Bucket: "b", Key: key, Body: bytes.NewReader(body), Size: int64(len(body))})
	if err != nil {
		b.Error(err)
	}
}

// noise is bytes that no engine makes smaller.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// fill puts n bodies, 16 at a time.
func fill(b *testing.B, s *Store, prefix string, n int, body []byte) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				benchBody(b, s, fmt.Sprintf("%s%07d", prefix, i-1), body)
			}
		})
	}
	all.Wait()
}

func benchRead(b *testing.B, s *Store, key string) {
	o, err := s.Get(b.Context(), ReadRequest{Bucket: "b", Key: key})
	if err != nil {
		b.Error(err)
		return
	}
	defer o.Close()
	r, err := o.Reader(b.Context(), 0, o.Object.Size)
	if err != nil {
		b.Error(err)
		return
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		b.Error(err)
	}
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// folderSize is the number of bytes in the files below dir, but for the ballast and
// the log of the index, which do not depend on what is stored.
func folderSize(b *testing.B, dir string) (n int64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ballastName || filepath.Ext(d.Name()) == ".log" {
			return nil //nolint:nilerr // an error: it is gone meanwhile
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// eachPlace runs fn for each size, inline and in files.
func eachPlace(b *testing.B, fn func(b *testing.B, limit int, body []byte)) {
	for _, kib := range inlineSizes {
		for _, place := range bothPlaces {
			b.Run(fmt.Sprintf("size=%dKiB/%s", kib, place.name), func(b *testing.B) {
				fn(b, place.limit, noise(kib<<10))
			})
		}
	}
}

// reportCost reports operations a second, and processor time for each, of fn,
// which makes n of them.
func reportCost(b *testing.B, n int, fn func()) {
	cpu := cpuTime(b)
	b.ResetTimer()
	fn()
	b.StopTimer()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(n), "cpu-us/op")
}

// BenchmarkInlinePut stores new objects, 16 at a time.
func BenchmarkInlinePut(b *testing.B) {
	eachPlace(b, func(b *testing.B, limit int, body []byte) {
		s, _ := benchFolder(b, limit)
		reportCost(b, b.N, func() { fill(b, s, "k", b.N, body) })
	})
}

// BenchmarkInlineGet reads objects whole, 16 at a time, from tables and files that
// the page cache holds.
func BenchmarkInlineGet(b *testing.B) {
	const objects = 500
	eachPlace(b, func(b *testing.B, limit int, body []byte) {
		s, _ := benchFolder(b, limit)
		fill(b, s, "k", objects, body)
		reportCost(b, b.N, func() {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				rng := rand.New(rand.NewPCG(1, 2))
				for pb.Next() {
					benchRead(b, s, fmt.Sprintf("k%07d", rng.IntN(objects)))
				}
			})
		})
	})
}

// BenchmarkInlineDelete destroys objects of 256 MiB, but at most 30,000, 1,000 in
// each call, and waits until no more than a tenth of that is left on the disk.
func BenchmarkInlineDelete(b *testing.B) {
	const total, patience = 256 << 20, 60 * time.Second
	eachPlace(b, func(b *testing.B, limit int, body []byte) {
		s, dir := benchFolder(b, limit)
		n := min(total/len(body), 30_000)
		fill(b, s, "k", n, body)
		var rs []DeleteRequest
		for i := range n {
			rs = append(rs, DeleteRequest{Key: fmt.Sprintf("k%07d", i)})
		}
		reportCost(b, n, func() {
			for page := range slices.Chunk(rs, maxPage) {
				if _, err := s.DeleteObjects(b.Context(), "b", page); err != nil {
					b.Fatal(err)
				}
			}
		})
		cpu, began := cpuTime(b), time.Now()
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for folderSize(b, dir) > int64(n*len(body)/10) && time.Since(began) < patience {
			<-ticks.C
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-to-space")
		b.ReportMetric((cpuTime(b) - cpu).Seconds(), "cpu-s-to-space")
		b.ReportMetric(float64(folderSize(b, dir)>>20), "MiB-left")
	})
}

// BenchmarkInlineNeighbours measures what large objects do to small ones: reads of
// 1 KiB objects and listings while four clients overwrite 500 large objects, and
// the size of the index when all is quiet again.
func BenchmarkInlineNeighbours(b *testing.B) {
	const small, large = 20_000, 500
	eachPlace(b, func(b *testing.B, limit int, body []byte) {
		s, dir := benchFolder(b, max(limit, 3<<10)) // small ones are inline always
		fill(b, s, "small", small, noise(1<<10))
		fill(b, s, "large", large, body)
		stop := make(chan struct{})
		var writers sync.WaitGroup
		var written atomic.Int64
		for range 4 {
			writers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						benchBody(b, s, fmt.Sprintf("large%07d", written.Add(1)%large), body)
					}
				}
			})
		}
		var gets, lists []time.Duration
		began := time.Now()
		rng := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			at := time.Now()
			benchRead(b, s, fmt.Sprintf("small%07d", rng.IntN(small)))
			gets = append(gets, time.Since(at))
			if len(gets)%100 == 0 {
				at = time.Now()
				if _, err := s.ListObjects(b.Context(), ListRequest{Bucket: "b", After: fmt.Sprintf("small%07d", rng.IntN(small-maxPage)), Limit: maxPage}); err != nil {
					b.Fatal(err)
				}
				lists = append(lists, time.Since(at))
			}
		}
		close(stop)
		writers.Wait()
		b.ReportMetric(float64(written.Load())/time.Since(began).Seconds(), "overwrites/s")
		b.ReportMetric(quantile(gets, 0.5), "get-p50-us")
		b.ReportMetric(quantile(gets, 0.99), "get-p99-us")
		b.ReportMetric(quantile(lists, 0.5), "list-p50-us")
		b.ReportMetric(float64(quietSize(b, filepath.Join(dir, indexName)))/(1<<20), "index-MiB")
	})
}

func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return float64(all[int(float64(len(all)-1)*q)].Nanoseconds()) / 1000
}

// quietSize is the size of a folder once it has not changed for five seconds.
func quietSize(b *testing.B, dir string) (size int64) {
	ticks := time.NewTicker(500 * time.Millisecond)
	defer ticks.Stop()
	for same, tries := 0, 0; same < 10 && tries < 60; tries++ {
		<-ticks.C
		now := folderSize(b, dir)
		if same++; now != size {
			same, size = 0, now
		}
	}
	return size
}
