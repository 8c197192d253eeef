package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// A bucket as a folder: files of all sizes, appended to, renamed and removed.
func TestS3fs(t *testing.T) {
	t.Parallel()
	path := program(t, "s3fs")
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		// Whether a machine lets anybody mount is not for the clients to say.
		report.skip(t, "no FUSE")
		t.Skip("no FUSE on this machine: ", err)
	} else {
		f.Close()
	}
	out, err := exec.Command(path, "--version").CombinedOutput()
	must(t, err)
	p := played{name: "s3fs", version: versionIn(strings.TrimPrefix(string(out), "Amazon Simple Storage Service File System V"))}
	for _, status := range []string{"", "Enabled"} {
		p.scenario(t, "mount, write, append, rename, remove, status "+status, func(t *testing.T) {
			bucket := bucketName(t)
			c := newMinio(t, shared.Endpoint, minio.Options{})
			must(t, c.createBucket(bucket))
			if status != "" {
				must(t, c.setVersioning(bucket, status))
			}
			mounted := mount(t, path, bucket)
			useFolder(t, mounted)
			keys, _, err := c.keys(bucket, listing{})
			must(t, err)
			if got := strings.Join(keys, " "); got != "dir/ dir/moved" {
				t.Errorf("the bucket holds %q", got)
			}
			if body, err := c.get(bucket, "dir/moved", ""); err != nil || !bytes.Equal(body, content(5, 40<<20)) {
				t.Errorf("what was renamed: %d bytes, %v", len(body), err)
			}
			if entries, _, err := c.versions(bucket, listing{}); err != nil || (len(entries) > len(keys)) != (status != "") {
				t.Errorf("%d entries, %v", len(entries), err)
			}
		})
	}
}

// mount mounts a bucket until the test ends.
func mount(t *testing.T, path, bucket string) string {
	t.Helper()
	// Not t.TempDir: a comma in a test's name would end the option.
	work, err := os.MkdirTemp("", "s3fs-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(work) })
	folder, secret := filepath.Join(work, "mnt"), filepath.Join(work, "passwd")
	must(t, os.Mkdir(folder, 0o700))
	must(t, os.WriteFile(secret, []byte(accessKey+":"+secretKey), 0o600))
	// In the foreground, so that it ends with the test whatever happens.
	cmd := exec.Command(path, bucket, folder, "-f", "-o", "passwd_file="+secret+",url="+shared.Endpoint+",use_path_request_style")
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if out, err := exec.Command(fusermount(), "-u", folder).CombinedOutput(); err != nil {
			t.Errorf("fusermount: %v\n%s", err, out)
			_ = cmd.Process.Kill() // it has ended by itself, if this fails
		}
		if err := <-ended; err != nil {
			t.Errorf("s3fs: %v\n%s", err, tailOf(printed.String()))
		}
	})
	isMounted := time.NewTicker(20 * time.Millisecond)
	defer isMounted.Stop()
	for range 500 {
		<-isMounted.C
		if table, err := os.ReadFile("/proc/mounts"); err == nil && strings.Contains(string(table), " "+folder+" ") {
			return folder
		}
	}
	t.Fatalf("%s is not mounted\n%s", bucket, tailOf(printed.String()))
	return ""
}

// fusermount returns the name of what unmounts, which differs between FUSE 2 and 3.
func fusermount() string {
	if _, err := exec.LookPath("fusermount3"); err == nil {
		return "fusermount3"
	}
	return "fusermount"
}

func useFolder(t *testing.T, folder string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(folder, name) }
	must(t, os.Mkdir(at("dir"), 0o700))
	must(t, os.WriteFile(at("dir/small é"), []byte("one"), 0o600))
	f, err := os.OpenFile(at("dir/small é"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(" and more")
	must(t, err)
	must(t, f.Close())
	if body, err := os.ReadFile(at("dir/small é")); err != nil || string(body) != "one and more" {
		t.Errorf("read back %q, %v", body, err)
	}
	large := content(5, 40<<20)
	must(t, os.WriteFile(at("large"), large, 0o600))
	must(t, os.Rename(at("large"), at("dir/moved")))
	if body, err := os.ReadFile(at("dir/moved")); err != nil || !bytes.Equal(body, large) {
		t.Errorf("read back %d bytes, %v", len(body), err)
	}
	must(t, os.Remove(at("dir/small é")))
	names, err := os.ReadDir(at("dir"))
	if err != nil || len(names) != 1 || names[0].Name() != "moved" {
		t.Errorf("the folder holds %v, %v", names, err)
	}
}
