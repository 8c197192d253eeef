package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

// s3cmd is s3cmd with its arguments for the shared server. It has no way to see
// or delete versions.
type s3cmd struct {
	played
	path string
}

func newS3cmd(t *testing.T) s3cmd {
	t.Helper()
	path := program(t, "s3cmd")
	out, err := exec.Command(path, "--version").CombinedOutput()
	must(t, err)
	return s3cmd{played: played{name: "s3cmd", version: versionIn(string(out))}, path: path}
}

func (s3cmd) args(more ...string) []string {
	host := strings.TrimPrefix(shared.Endpoint, "http://")
	return append([]string{"--config", os.DevNull, "--no-ssl", "--host", host, "--host-bucket", host, "--access_key", accessKey, "--secret_key", secretKey}, more...)
}

func (c s3cmd) run(t *testing.T, args ...string) string {
	t.Helper()
	return mustRun(t, nil, c.path, c.args(args...)...)
}

// enable switches versioning on, by s3cmd itself where it can: from 2.4 on.
func (c s3cmd) enable(t *testing.T, bucket string) {
	t.Helper()
	if c.version < "2.4" {
		must(t, newMinio(t, shared.Endpoint, minio.Options{}).setVersioning(bucket, "Enabled"))
		return
	}
	c.run(t, "setversioning", "s3://"+bucket, "enable")
}

func TestS3cmd(t *testing.T) {
	t.Parallel()
	c := newS3cmd(t)
	// spec: VD9-12
	for status, want := range map[string]contents{"": {}, "Enabled": {versions: 2 * many, markers: many}} {
		c.scenario(t, "del --recursive, status "+status, func(t *testing.T) {
			bucket := seededBucket(t, status)
			c.run(t, "del", "--recursive", "--force", "--quiet", "s3://"+bucket)
			wantContents(t, bucket, want)
			if status == "" {
				c.run(t, "rb", "s3://"+bucket)
				wantNoBucket(t, bucket)
			}
		})
	}
	c.scenario(t, "everyday: put in parts, get, cp, mv, info", func(t *testing.T) { s3cmdFiles(t, c) })
	c.scenario(t, "sync there and back, with deletes", func(t *testing.T) { s3cmdSync(t, c) })
}

func s3cmdFiles(t *testing.T, c s3cmd) {
	bucket, file := bucketName(t), filepath.Join(t.TempDir(), "file")
	c.run(t, "mb", "s3://"+bucket)
	c.enable(t, bucket)
	for key, size := range map[string]int{"a b+c": 100 << 10, "large é": 32 << 20} {
		body := content(1, size)
		must(t, os.WriteFile(file, body, 0o600))
		c.run(t, "put", "--quiet", file, "s3://"+bucket+"/"+key)
		c.run(t, "cp", "--quiet", "s3://"+bucket+"/"+key, "s3://"+bucket+"/copy of "+key)
		c.run(t, "mv", "--quiet", "s3://"+bucket+"/copy of "+key, "s3://"+bucket+"/moved "+key)
		c.run(t, "get", "--quiet", "--force", "s3://"+bucket+"/moved "+key, file+".back")
		if back, err := os.ReadFile(file + ".back"); err != nil || !bytes.Equal(back, body) {
			t.Errorf("%s: got %d bytes, %v", key, len(back), err)
		}
		c.run(t, "info", "s3://"+bucket+"/"+key)
	}
	c.run(t, "info", "s3://"+bucket)
	c.run(t, "ls", "s3://"+bucket)
	c.run(t, "du", "s3://"+bucket)
	wantContents(t, bucket, contents{keys: 4, versions: 6, markers: 2})
}

func s3cmdSync(t *testing.T, c s3cmd) {
	bucket, folder := bucketName(t), t.TempDir()
	in, out := filepath.Join(folder, "in")+"/", filepath.Join(folder, "out")+"/"
	must(t, os.MkdirAll(filepath.Join(in, "a b"), 0o700))
	must(t, os.Mkdir(out, 0o700))
	for _, name := range []string{"one", "a b/two", "a b/é+%&"} {
		must(t, os.WriteFile(filepath.Join(in, name), []byte(name), 0o600))
	}
	c.run(t, "mb", "s3://"+bucket)
	c.enable(t, bucket)
	c.run(t, "sync", "--quiet", in, "s3://"+bucket+"/f/")
	must(t, os.Remove(filepath.Join(in, "one")))
	must(t, os.WriteFile(filepath.Join(in, "a b", "two"), []byte("changed"), 0o600))
	c.run(t, "sync", "--quiet", "--delete-removed", in, "s3://"+bucket+"/f/")
	c.run(t, "sync", "--quiet", "s3://"+bucket+"/f/", out)
	if diff, err := exec.Command("diff", "-r", in, out).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	wantContents(t, bucket, contents{keys: 2, versions: 4, markers: 1})
}
