package integration

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

// sizes are on both sides of what is stored inline, in one block and in several.
var sizes = []int{0, 1, 1000, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 5<<20 + 12345}

// content returns n bytes that follow from seed.
func content(seed, n int) []byte {
	source := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
	body := make([]byte, n)
	for i := range body {
		body[i] = byte(source.Uint32())
	}
	return body
}

func TestBodiesOfAllSizes(t *testing.T) {
	forEachState(t, func(t *testing.T, c client, bucket, status string) {
		for i, n := range sizes {
			body := content(i, n)
			id, err := c.put(bucket, "k", body)
			must(t, err)
			if (id != "") != (status == "Enabled") {
				t.Errorf("put answered version id %q in state %q", id, status)
			}
			wantBody(t, c, bucket, "k", "", body)
			if e, err := c.head(bucket, "k", id); err != nil || e.size != int64(n) || e.id != shownID(status, id) {
				t.Errorf("head %+v, %v, want size %d and id %q", e, err, n, shownID(status, id))
			}
		}
	})
}

// shownID is the version id that a read shows after a put that answered id.
func shownID(status, id string) string {
	if status == "Suspended" {
		return "null"
	}
	return id
}

func wantBody(t *testing.T, c client, bucket, key, id string, want []byte) {
	t.Helper()
	got, err := c.get(bucket, key, id)
	if err != nil {
		t.Errorf("get %q %s: %v", key, id, err)
		return
	}
	if !bytes.Equal(got, want) {
		t.Errorf("get %q %s: %d bytes that are not the %d written", key, id, len(got), len(want))
	}
}

func TestRanges(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		must(t, c.setVersioning(bucket, "Enabled"))
		for i, n := range []int{1000, 300 << 10} {
			body := content(i, n)
			id, err := c.put(bucket, "k", body)
			must(t, err)
			_, err = c.put(bucket, "k", []byte("a later version"))
			must(t, err)
			last := int64(n - 1)
			for _, r := range [][2]int64{{0, 0}, {0, last}, {1, 1}, {last, last}, {last / 2, last/2 + 99}, {65535, 65536}} {
				if r[1] > last {
					continue
				}
				got, err := c.getRange(bucket, "k", id, r[0], r[1])
				if err != nil || !bytes.Equal(got, body[r[0]:r[1]+1]) {
					t.Errorf("bytes %d-%d of %d: got %d bytes, %v", r[0], r[1], n, len(got), err)
				}
			}
			_, err = c.getRange(bucket, "k", id, int64(n), int64(n)+1)
			wantFault(t, err, "416 InvalidRange")
		}
	})
}

func TestReadsOfWhatIsNotThere(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		must(t, c.setVersioning(bucket, "Enabled"))
		gone, err := c.put(bucket, "k", []byte("x"))
		must(t, err)
		_, err = c.put(bucket, "k", []byte("y"))
		must(t, err)
		_, err = c.remove(bucket, "k", gone)
		must(t, err)
		for _, test := range []struct{ key, id, want string }{
			{"missing", "", "404 NoSuchKey"},
			{"missing", gone, "404 NoSuchVersion"},
			{"k", gone, "404 NoSuchVersion"},
			{"k", "null", "404 NoSuchVersion"},
			{"k", "not-an-id", "400 InvalidArgument"},
			{"k", gone[:31] + other(gone[31]), "400 InvalidArgument"},
		} {
			_, err := c.get(bucket, test.key, test.id)
			wantFault(t, err, test.want)
		}
		wantBody(t, c, bucket, "k", "", []byte("y"))
	})
}

// other returns a letter of version ids that is not c.
func other(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestMetadataBelongsToTheVersion(t *testing.T) {
	c := newMinio(t, shared.Endpoint, minio.Options{})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	must(t, c.setVersioning(bucket, "Enabled"))
	write := func(colour string) string {
		info, err := c.core.Client.PutObject(context.Background(), bucket, "k", strings.NewReader(colour), int64(len(colour)), minio.PutObjectOptions{
			ContentType: "text/" + colour, ContentEncoding: "identity", ContentLanguage: "en", CacheControl: "no-cache",
			ContentDisposition: "attachment", UserMetadata: map[string]string{"Colour": colour}})
		must(t, err)
		return info.VersionID
	}
	red := write("red")
	write("blue")
	for id, colour := range map[string]string{red: "red", "": "blue"} {
		info, err := c.core.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{VersionID: id})
		must(t, err)
		for name, want := range map[string]string{"Content-Type": "text/" + colour, "Content-Encoding": "identity", "Content-Language": "en",
			"Cache-Control": "no-cache", "Content-Disposition": "attachment", "X-Amz-Meta-Colour": colour} {
			got := info.Metadata.Get(name)
			if name == "Content-Type" {
				got = info.ContentType
			}
			if got != want {
				t.Errorf("%s: %s is %q, want %q", colour, name, got, want)
			}
		}
	}
}
