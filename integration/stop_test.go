package integration

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"

	"github.com/seed61737384/tombstone/integration/launch"
)

// Everything is there again after a stop and a start: states, entries in their
// order under their ids, bodies, metadata.
func TestRestart(t *testing.T) {
	data := t.TempDir()
	server := startFor(t, "--data", data)
	c := newMinio(t, server.Endpoint, minio.Options{})
	var want []entry
	for _, status := range []string{"", "Enabled", "Suspended"} {
		bucket := "bucket" + strings.ToLower(status)
		must(t, c.createBucket(bucket))
		if status != "" {
			must(t, c.setVersioning(bucket, status))
		}
		for i, n := range sizes {
			_, err := c.put(bucket, "k", content(i, n))
			must(t, err)
		}
		_, err := c.put(bucket, "deleted", []byte("x"))
		must(t, err)
		_, err = c.remove(bucket, "deleted", "")
		must(t, err)
		entries, _, err := c.versions(bucket, listing{})
		must(t, err)
		want = append(want, entries...)
	}
	must(t, server.Stop())
	must(t, check(data))
	c = newMinio(t, startFor(t, "--data", data).Endpoint, minio.Options{})
	var got []entry
	for _, status := range []string{"", "Enabled", "Suspended"} {
		bucket := "bucket" + strings.ToLower(status)
		if s, err := c.versioning(bucket); err != nil || s != status {
			t.Errorf("%s has status %q, %v", bucket, s, err)
		}
		entries, _, err := c.versions(bucket, listing{})
		must(t, err)
		got = append(got, entries...)
		wantBody(t, c, bucket, "k", "", content(len(sizes)-1, sizes[len(sizes)-1]))
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("entry %+v, want %+v", got[i], want[i])
		}
	}
}

func TestMemoryModeForgets(t *testing.T) {
	folder := t.TempDir()
	data := filepath.Join(folder, "data")
	for range 2 {
		server := startFor(t, "--memory", "--data", data)
		c := newAWS(t, server.Endpoint)
		must(t, c.createBucket("bucket")) // for the second time too
		for i, n := range sizes {
			_, err := c.put("bucket", "k", content(i, n))
			must(t, err)
			wantBody(t, c, "bucket", "k", "", content(i, n))
		}
		must(t, server.Stop())
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("the folder was made")
	}
}

// slowBody is so long that half of it does not fit into what the kernel holds
// between client and server.
const slowBody = 32 << 20

// slowPut begins an upload of which the server has read a good part of the first
// half. The returned function sends the rest and returns how it ended.
func slowPut(t *testing.T, c minioClient) (finish func() error) {
	t.Helper()
	body := content(1, slowBody)
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := c.core.Client.PutObject(context.Background(), "bucket", "slow", from, int64(len(body)),
			minio.PutObjectOptions{DisableMultipart: true, DisableContentSha256: true})
		from.CloseWithError(fmt.Errorf("the upload ended: %w", err)) // and so does a write to it
		done <- err
	}()
	_, err := to.Write(body[:len(body)/2]) // ends when the client has sent most of it
	must(t, err)
	return func() error {
		go func() {
			to.Write(body[len(body)/2:])
			to.Close()
		}()
		return <-done
	}
}

// awaitRefusal waits until the server takes no new connections.
func awaitRefusal(t *testing.T, server *launch.Process) {
	t.Helper()
	limit := time.After(10 * time.Second)
	_, address, _ := strings.Cut(server.Endpoint, "://")
	for {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		select {
		case <-limit:
			t.Fatal("the server still takes connections")
		default:
		}
	}
}

// A stop lets an upload under way finish, and what it stored is there.
func TestStopDrainsRequests(t *testing.T) {
	for name, flags := range map[string][]string{"plain": nil, "HTTP/2": {"--tls-self-signed"}} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			args := append([]string{"--data", data}, flags...)
			server := startFor(t, args...)
			options := minio.Options{}
			if flags != nil {
				options = minio.Options{Secure: true, Transport: trusting(t, server).Transport}
			}
			c := newMinio(t, server.Endpoint, options)
			must(t, c.createBucket("bucket"))
			finish := slowPut(t, c)
			must(t, server.Signal(syscall.SIGTERM))
			awaitRefusal(t, server)
			must(t, finish())
			if code, err := server.Wait(); code != 0 || err != nil {
				t.Errorf("exit code %d, %v\n%s", code, err, server.Output())
			}
			must(t, check(data))
			server = startFor(t, "--data", data)
			wantBody(t, newAWS(t, server.Endpoint), "bucket", "slow", "", content(1, slowBody))
		})
	}
}

// A second signal does not wait, and the upload it cuts leaves nothing.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	data := t.TempDir()
	server := startFor(t, "--data", data)
	c := newMinio(t, server.Endpoint, minio.Options{})
	must(t, c.createBucket("bucket"))
	finish := slowPut(t, c)
	must(t, server.Signal(syscall.SIGINT))
	awaitRefusal(t, server)
	must(t, server.Signal(syscall.SIGTERM))
	if code, err := server.Wait(); code == 0 || err != nil {
		t.Errorf("exit code %d, %v, want another than 0", code, err)
	}
	if err := finish(); err == nil {
		t.Error("the upload was answered")
	}
	must(t, check(data))
	keys, _, err := newAWS(t, startFor(t, "--data", data).Endpoint).keys("bucket", listing{})
	if err != nil || len(keys) > 0 {
		t.Errorf("found %q, %v", keys, err)
	}
}

// Below the low-water mark bodies are refused and deletes go on.
func TestLowWaterMark(t *testing.T) {
	data := t.TempDir()
	server := startFor(t, "--data", data)
	c := newAWS(t, server.Endpoint)
	must(t, c.createBucket("bucket"))
	_, err := c.put("bucket", "k", []byte("x"))
	must(t, err)
	must(t, server.Stop())
	c = newAWS(t, startFor(t, "--data", data, "--min-free", "100000TiB").Endpoint)
	_, err = c.put("bucket", "k", []byte("y"))
	if !strings.HasPrefix(fault(err), "507 ") {
		t.Errorf("put: %q, want 507", fault(err))
	}
	wantBody(t, c, "bucket", "k", "", []byte("x"))
	_, err = c.remove("bucket", "k", "")
	must(t, err)
	must(t, c.deleteBucket("bucket"))
}

// A flipped bit on disk is reported by the check and never served.
func TestDamageIsFound(t *testing.T) {
	data := t.TempDir()
	server := startFor(t, "--data", data)
	c := newAWS(t, server.Endpoint)
	must(t, c.createBucket("bucket"))
	_, err := c.put("bucket", "damaged-key", content(1, 200<<10))
	must(t, err)
	must(t, server.Stop())
	damage(t, filepath.Join(data, "blobs"))
	err = check(data)
	if err == nil || !strings.Contains(err.Error(), "damaged-key") || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("check: %v, want exit status 1 and the key", err)
	}
	body, err := newAWS(t, startFor(t, "--data", data).Endpoint).get("bucket", "damaged-key", "")
	if err == nil {
		t.Errorf("%d bytes were served", len(body))
	}
}

// damage flips a bit in the middle of the only file below folder.
func damage(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*/*")
	must(t, err)
	if len(files) != 1 {
		t.Fatalf("files %q, want one", files)
	}
	text, err := os.ReadFile(files[0])
	must(t, err)
	text[len(text)/2] ^= 1
	must(t, os.WriteFile(files[0], text, 0o600))
}

// A bucket is named by the host as well as by the path.
func TestVirtualHostedBuckets(t *testing.T) {
	server := startFor(t, "--memory", "--domain", "s3.test")
	host := strings.TrimPrefix(server.Endpoint, "http://")
	_, port, err := net.SplitHostPort(host)
	must(t, err)
	o := newAWS(t, "http://s3.test:"+port).s3.Options()
	o.UsePathStyle = false
	o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", host)
	}}}
	c := awsClient{s3: s3.New(o)}
	must(t, c.createBucket("by-host"))
	for _, key := range []string{"k", "a/b c", "_/health/live"} {
		_, err := c.put("by-host", key, []byte(key))
		must(t, err)
		wantBody(t, c, "by-host", key, "", []byte(key))
		wantBody(t, newAWS(t, server.Endpoint), "by-host", key, "", []byte(key))
	}
	if has, err := c.hasBucket("by-host"); !has || err != nil {
		t.Errorf("head: %v, %v", has, err)
	}
	if answer, err := http.Get(server.Endpoint + "/_/health/live"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("health: %v, %v", answer, err)
	}
}
