package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkFilesVsSegments is decision 0003: 16 writers store blobs, then every
// second one is removed and its space got back.
func BenchmarkFilesVsSegments(b *testing.B) {
	for _, c := range []struct{ kib, count int }{{96, 2048}, {256, 1024}, {1024, 256}, {8192, 32}} {
		body := payload(c.kib << 10)
		b.Run(fmt.Sprintf("size=%dKiB/files", c.kib), func(b *testing.B) {
			benchmarkKeeper(b, c.count, body, func() keeper {
				return &fileKeeper{folder: diskFolder(b, Options{})}
			})
		})
		b.Run(fmt.Sprintf("size=%dKiB/segments", c.kib), func(b *testing.B) {
			benchmarkKeeper(b, c.count, body, func() keeper {
				return &segmentKeeper{fs: vfs.Default, dir: b.TempDir()}
			})
		})
	}
}

// keeper is one of the two ways to keep blobs.
type keeper interface {
	// put stores body under number, durably.
	put(number uint64, body []byte) error
	// removeOdd removes the blobs with odd numbers and frees their space.
	removeOdd() error
}

func benchmarkKeeper(b *testing.B, count int, body []byte, open func() keeper) {
	b.SetBytes(int64(count * len(body)))
	defer reportCPU(b)()
	var reclaim time.Duration
	for b.Loop() {
		k := open()
		var next atomic.Uint64
		var writers sync.WaitGroup
		for range 16 {
			writers.Go(func() {
				for n := next.Add(1); n <= uint64(count); n = next.Add(1) {
					if err := k.put(n, body); err != nil {
						b.Error(err)
					}
				}
			})
		}
		writers.Wait()
		written := b.Elapsed()
		if err := k.removeOdd(); err != nil {
			b.Fatal(err)
		}
		reclaim += b.Elapsed() - written
	}
	puts := float64(b.N * count)
	b.ReportMetric(puts/(b.Elapsed()-reclaim).Seconds(), "puts/s")
	b.ReportMetric(puts/2/reclaim.Seconds(), "removed/s")
}

// fileKeeper keeps each blob in a file: what the package does.
type fileKeeper struct {
	folder *Folder
	mu     sync.Mutex
	odd    []Ref
}

func (k *fileKeeper) put(number uint64, body []byte) error {
	s, err := k.folder.Write(context.Background(), testRequest(number, body))
	if err != nil {
		return err
	}
	k.folder.Settle(s.Ref)
	k.mu.Lock()
	defer k.mu.Unlock()
	if number%2 == 1 {
		k.odd = append(k.odd, s.Ref)
	}
	return nil
}

func (k *fileKeeper) removeOdd() error { return k.folder.Remove(k.odd...) }

const segmentSize = 64 << 20

// segmentKeeper is a prototype that appends encoded blobs to shared files. A
// writer reserves its place, writes there beside the others and joins a sync of
// the segment. Removal copies what lives to new segments and deletes the old.
type segmentKeeper struct {
	fs  vfs.FS
	dir string

	mu       sync.Mutex
	segments []*segment
}

type segment struct {
	path  string
	file  vfs.File
	end   int64 // guarded by segmentKeeper.mu, as is blobs
	blobs []placed
	turn  sync.Mutex
	mu    sync.Mutex // guards next
	next  *dirRound
}

type placed struct {
	number       uint64
	offset, size int64
}

func (k *segmentKeeper) put(number uint64, body []byte) error {
	h := Header{Ref: Ref{Number: number}, Bucket: 7, Key: "a key/ü", BlockSize: DefaultBlockSize}
	return k.append(number, encodeInline(h, nil, body).Inline, true)
}

func (k *segmentKeeper) append(number uint64, encoded []byte, durable bool) error {
	s, offset, err := k.reserve(number, int64(len(encoded)))
	if err != nil {
		return err
	}
	if _, err := s.file.WriteAt(encoded, offset); err != nil || !durable {
		return err
	}
	return s.sync()
}

func (k *segmentKeeper) reserve(number uint64, size int64) (*segment, int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := len(k.segments); n == 0 || k.segments[n-1].end >= segmentSize {
		path := k.fs.PathJoin(k.dir, fmt.Sprintf("%08d", number))
		for k.exists(path) {
			path += "+"
		}
		file, err := k.fs.OpenReadWrite(path, diskCategory)
		if err != nil {
			return nil, 0, err
		}
		if err := syncDir(k.fs, k.dir); err != nil {
			return nil, 0, err
		}
		k.segments = append(k.segments, &segment{path: path, file: file})
	}
	s := k.segments[len(k.segments)-1]
	offset := s.end
	s.end += size
	s.blobs = append(s.blobs, placed{number, offset, size})
	return s, offset, nil
}

func (k *segmentKeeper) exists(path string) bool {
	_, err := k.fs.Stat(path)
	return err == nil
}

// sync joins the segment's next sync, as dirSyncer does.
func (s *segment) sync() error {
	s.mu.Lock()
	if s.next == nil {
		s.next = new(dirRound)
	}
	round := s.next
	s.mu.Unlock()
	round.once.Do(func() {
		s.turn.Lock()
		defer s.turn.Unlock()
		s.mu.Lock()
		s.next = nil
		s.mu.Unlock()
		round.err = s.file.SyncData()
	})
	return round.err
}

func (k *segmentKeeper) removeOdd() error {
	old := k.segments
	k.segments = nil
	for _, s := range old {
		for _, b := range s.blobs {
			if b.number%2 == 1 {
				continue
			}
			encoded := make([]byte, b.size)
			if err := readAt(s.file, encoded, b.offset); err != nil {
				return err
			}
			if !bytes.HasPrefix(encoded, []byte(headerMagic)) {
				return fmt.Errorf("no blob at %d of %s", b.offset, s.path)
			}
			if err := k.append(b.number, encoded, false); err != nil {
				return err
			}
		}
	}
	for _, s := range k.segments {
		if err := s.file.Sync(); err != nil {
			return err
		}
	}
	for _, s := range old {
		if err := errors.Join(s.file.Close(), k.fs.Remove(s.path)); err != nil {
			return err
		}
	}
	return syncDir(k.fs, k.dir)
}
