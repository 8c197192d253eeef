package integration

import (
	"context"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/minio/minio-go/v7"
)

const (
	memoryUploads = 16
	memoryLimit   = 500 << 20 // resident bytes that uploads of any size stay under
)

// pattern is an endless body that no block of repeats soon.
type pattern struct {
	block []byte
	at    int
}

// Read never fails.
func (p *pattern) Read(b []byte) (int, error) {
	n := copy(b, p.block[p.at:])
	p.at = (p.at + n) % len(p.block)
	return n, nil
}

// Bodies stream: what the server occupies does not grow with them.
func TestMemoryOfParallelUploads(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process occupies is read from /proc, which only Linux has")
	}
	if raceDetector {
		t.Skip("the race detector multiplies what a process occupies")
	}
	size := int64(64 << 20)
	if os.Getenv("TOMBSTONE_HEAVY") == "1" {
		size = 1 << 30
	} else {
		t.Log("uploads of 64 MiB; TOMBSTONE_HEAVY=1 makes them 1 GiB, which needs 20 GiB of disk")
	}
	server := startFor(t, "--data", t.TempDir(), "--min-free", "0")
	c := newMinio(t, server.Endpoint, minio.Options{})
	must(t, c.createBucket("large"))
	upload := func(i int) error {
		body := io.LimitReader(&pattern{block: content(i, 1<<20+i)}, size)
		_, err := c.core.Client.PutObject(context.Background(), "large", string(rune('a'+i)), body, size,
			minio.PutObjectOptions{DisableMultipart: true, DisableContentSha256: true})
		return err
	}
	inParallel(t, memoryUploads, upload)
	m, err := server.Memory()
	must(t, err)
	t.Logf("%d parallel uploads of %d MiB: at most %d MiB resident", memoryUploads, size>>20, m.Peak>>20)
	if m.Peak > memoryLimit {
		t.Errorf("the server occupied %d MiB, want at most %d", m.Peak>>20, memoryLimit>>20)
	}
	for i := range memoryUploads {
		e, err := c.head("large", string(rune('a'+i)), "")
		if err != nil || e.size != size {
			t.Errorf("upload %d: %+v, %v", i, e, err)
		}
	}
}
