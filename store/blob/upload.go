package blob

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/internal/checksum"
)

const (
	// chunkSize is the payload that is read, hashed and written at once.
	chunkSize = 256 << 10
	// chunksInFlight bounds the memory of one upload.
	chunksInFlight = 3
	// flushStep is how many bytes are written before the disk is asked to begin
	// with them, so that the sync at the end has little left to do.
	flushStep = 4 << 20
)

// upload carries one body to its file. The caller's goroutine reads chunks; each
// slow hash has a goroutine (a lane); one more goroutine, the writer, computes
// the fast sums and writes a chunk when all lanes are done with it, because
// vfs.File.Write may scribble on its argument. Chunks go round from free through
// the lanes and the writer back to free. No send blocks, since every channel has
// room for all chunks; and the writer returns chunks even after a failure. So
// whoever closes the channels can wait for all.
type upload struct {
	folder *Folder
	file   vfs.File
	header Header
	free   chan *chunk
	filled chan *chunk
	lanes  []lane
	failed atomic.Bool // the writer has given up: its error is in writeErr

	// The writer's own, for others to read after it ended.
	sums     blockSummer
	crc      uint32
	fast     []hash.Hash
	size     int64
	writeErr error
}

// chunk is a stretch of whole blocks, the last one of an upload excepted.
type chunk struct {
	buffer []byte // encoded: each block's payload with room for its sum
	first  int64  // index of the first block
	size   int    // payload bytes
	hashed sync.WaitGroup
}

// lane is one slow hash.
type lane struct {
	hash hash.Hash
	in   chan *chunk
}

// hasOwnLane tells the hashes that run at about a byte per nanosecond from the
// CRCs, which cost less than handing a chunk over.
func hasOwnLane(a checksum.Algorithm) bool { return a == checksum.SHA1 || a == checksum.SHA256 }

// upload writes body behind the header of file and syncs the file. All its
// goroutines have ended when it returns, or panics because body did.
func (f *Folder) upload(ctx context.Context, r Request, h Header, file vfs.File, body io.Reader) (Stored, error) {
	u := &upload{
		folder: f,
		file:   file,
		header: h,
		free:   make(chan *chunk, chunksInFlight),
		filled: make(chan *chunk, chunksInFlight),
		sums:   newBlockSummer(h.Ref),
	}
	for range chunksInFlight {
		u.free <- new(chunk)
	}
	digest := md5.New()
	hashes := u.plan(digest, r.Algorithms)
	size, err := u.run(ctx, body, r.Size)
	if err == nil {
		err = u.writeErr
	}
	if err == nil {
		err = sizeError(r.Size, size)
	}
	if err != nil {
		return Stored{}, err
	}
	if err := file.Sync(); err != nil {
		return Stored{}, fmt.Errorf("blob: sync file: %w", err)
	}
	s := Stored{
		Ref:        h.Ref,
		Size:       size,
		StoredSize: EncodedSize(h, size),
		BlockSize:  h.BlockSize,
		CRC:        u.crc,
	}
	digest.Sum(s.MD5[:0])
	for i, a := range r.Algorithms {
		s.Sums = append(s.Sums, checksum.ValueOf(a, hashes[i]))
	}
	return s, nil
}

// plan shares the hashes out to lanes and writer, and returns those of the
// algorithms in their order.
func (u *upload) plan(digest hash.Hash, algorithms []checksum.Algorithm) []hash.Hash {
	u.lanes = []lane{{digest, make(chan *chunk, chunksInFlight)}}
	var hashes []hash.Hash
	for _, a := range algorithms {
		h := a.New()
		hashes = append(hashes, h)
		if hasOwnLane(a) {
			u.lanes = append(u.lanes, lane{h, make(chan *chunk, chunksInFlight)})
		} else {
			u.fast = append(u.fast, h)
		}
	}
	return hashes
}

// run reads body to its end with the goroutines working beside it, and returns
// the number of bytes read.
func (u *upload) run(ctx context.Context, body io.Reader, limit int64) (int64, error) {
	var workers sync.WaitGroup
	for _, l := range u.lanes {
		workers.Go(func() { l.run(u.header.BlockSize) })
	}
	workers.Go(u.write)
	defer func() {
		for _, l := range u.lanes {
			close(l.in)
		}
		close(u.filled)
		workers.Wait()
		u.release()
	}()
	return u.read(ctx, body, limit)
}

// release gives the buffers back when all chunks are free again.
func (u *upload) release() {
	close(u.free)
	for c := range u.free {
		if c.buffer != nil {
			u.folder.chunks.put(c.buffer)
		}
	}
}

// read fills chunks until body ends, fails or exceeds limit (none below 0).
func (u *upload) read(ctx context.Context, body io.Reader, limit int64) (int64, error) {
	var total, blocks int64
	for {
		c := <-u.free
		if u.failed.Load() {
			u.free <- c
			return total, nil
		}
		if c.buffer == nil {
			c.buffer = u.folder.chunks.get(u.folder.chunks.size)
		}
		c.first = blocks
		end, err := c.fill(ctx, body, u.header.BlockSize)
		total += int64(c.size)
		blocks += int64(blocksPer(len(c.buffer), u.header.BlockSize+sumSize))
		if err == nil && limit >= 0 && total > limit {
			err = sizeError(limit, total)
		}
		if err != nil || c.size == 0 {
			u.free <- c
			return total, err
		}
		c.hashed.Add(len(u.lanes))
		for _, l := range u.lanes {
			l.in <- c
		}
		u.filled <- c
		if end {
			return total, nil
		}
	}
}

// fill reads the next blocks of body and reports whether it ended.
func (c *chunk) fill(ctx context.Context, body io.Reader, blockSize int) (bool, error) {
	c.size = 0
	for at := 0; at+blockSize+sumSize <= len(c.buffer); at += blockSize + sumSize {
		n, err := readFull(ctx, body, c.buffer[at:at+blockSize])
		c.size += n
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, bodyError(err)
		}
	}
	return false, nil
}

// encoded returns the bytes of the chunk's blocks with their sums.
func (c *chunk) encoded(blockSize int) []byte {
	blocks := (c.size + blockSize - 1) / blockSize
	return c.buffer[:c.size+blocks*sumSize]
}

// run feeds the lane's hash.
func (l lane) run(blockSize int) {
	for c := range l.in {
		for rest := c.encoded(blockSize); len(rest) > 0; {
			block := rest[:min(len(rest), blockSize+sumSize)]
			l.hash.Write(block[:len(block)-sumSize])
			rest = rest[len(block):]
		}
		c.hashed.Done()
	}
}

// write is the writer: it ends when filled is closed.
func (u *upload) write() {
	flushed := u.size
	for c := range u.filled {
		if u.writeErr == nil {
			u.writeErr = u.writeChunk(c, &flushed)
			u.failed.Store(u.writeErr != nil)
		} else {
			c.hashed.Wait()
		}
		u.free <- c
	}
}

func (u *upload) writeChunk(c *chunk, flushed *int64) error {
	encoded := c.encoded(u.header.BlockSize)
	index := c.first
	for rest := encoded; len(rest) > 0; index++ {
		block := rest[:min(len(rest), u.header.BlockSize+sumSize)]
		payload := block[:len(block)-sumSize]
		for _, h := range u.fast {
			h.Write(payload)
		}
		u.crc = crc32.Update(u.crc, castagnoli, payload)
		binary.BigEndian.PutUint32(block[len(payload):], u.sums.sum(index, payload))
		rest = rest[len(block):]
	}
	c.hashed.Wait()
	if _, err := u.file.Write(encoded); err != nil {
		return fmt.Errorf("blob: write: %w", err)
	}
	u.size += int64(len(encoded))
	if u.size-*flushed < u.folder.flushStep {
		return nil
	}
	*flushed = u.size
	if _, err := u.file.SyncTo(u.size); err != nil {
		return fmt.Errorf("blob: sync file: %w", err)
	}
	return nil
}
