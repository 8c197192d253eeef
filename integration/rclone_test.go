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

// rclone is rclone with a remote "ts:", the shared server. Retries are off, so
// that a failure is seen.
type rclone struct {
	played
	path string
	env  []string
}

// rclones returns rclone in all versions that are installed.
func rclones(t *testing.T) []rclone {
	t.Helper()
	config := filepath.Join(t.TempDir(), "rclone.conf")
	must(t, os.WriteFile(config, nil, 0o600))
	env := []string{"RCLONE_CONFIG=" + config, "RCLONE_CONFIG_TS_TYPE=s3", "RCLONE_CONFIG_TS_PROVIDER=Other", "RCLONE_CONFIG_TS_ENV_AUTH=true",
		"RCLONE_CONFIG_TS_ENDPOINT=" + shared.Endpoint, "RCLONE_TRANSFERS=16", "RCLONE_CHECKERS=16", "RCLONE_LOW_LEVEL_RETRIES=1", "RCLONE_RETRIES=1"}
	var all []rclone
	for _, found := range installations(t, "rclone", "version", func(version string) string { return version }) {
		all = append(all, rclone{played: played{name: "rclone", version: found.version}, path: found.path, env: env})
	}
	return all
}

func (r rclone) run(t *testing.T, args ...string) string {
	t.Helper()
	return mustRun(t, r.env, r.path, args...)
}

// spec: VD9-13
func TestRclone(t *testing.T) {
	t.Parallel()
	for _, r := range rclones(t) {
		t.Run("version "+r.version, func(t *testing.T) {
			t.Parallel()
			rcloneScenarios(t, r)
		})
	}
}

func rcloneScenarios(t *testing.T, r rclone) {
	r.scenario(t, "delete, then cleanup-hidden, then rmdir", func(t *testing.T) {
		bucket := seededBucket(t, "Enabled")
		r.run(t, "delete", "ts:"+bucket)
		wantContents(t, bucket, contents{versions: 2 * many, markers: many})
		r.run(t, "backend", "cleanup-hidden", "ts:"+bucket)
		wantContents(t, bucket, contents{})
		r.run(t, "rmdir", "ts:"+bucket)
		wantNoBucket(t, bucket)
	})
	r.scenario(t, "cleanup-hidden leaves what is current", func(t *testing.T) {
		bucket := seededBucket(t, "Suspended")
		r.run(t, "backend", "cleanup-hidden", "ts:"+bucket)
		wantContents(t, bucket, contents{keys: many, versions: many})
	})
	r.scenario(t, "purge", func(t *testing.T) {
		bucket := seededBucket(t, "")
		r.run(t, "purge", "ts:"+bucket)
		wantNoBucket(t, bucket)
	})
	r.scenario(t, "delete --s3-versions", func(t *testing.T) {
		bucket := seededBucket(t, "Enabled")
		r.run(t, "delete", "--s3-versions", "ts:"+bucket)
		c := newMinio(t, shared.Endpoint, minio.Options{})
		entries, _, err := c.versions(bucket, listing{})
		must(t, err)
		for _, e := range entries {
			if !e.marker {
				t.Fatalf("%s version %s is left", e.key, e.id)
			}
		}
	})
	r.scenario(t, "everyday: sync and check, there and back", func(t *testing.T) { rcloneSync(t, r) })
	r.scenario(t, "a deleted file by --s3-versions and --s3-version-at", func(t *testing.T) { rcloneVersions(t, r) })
	r.scenario(t, "uploads in parts, copies, cleanup of uploads", func(t *testing.T) { rcloneParts(t, r) })
}

func rcloneSync(t *testing.T, r rclone) {
	bucket, folder := bucketName(t), t.TempDir()
	in, out := filepath.Join(folder, "in"), filepath.Join(folder, "out")
	must(t, os.MkdirAll(filepath.Join(in, "a b+c"), 0o700))
	for _, name := range []string{"one", "a b+c/é", "a b+c/two"} {
		must(t, os.WriteFile(filepath.Join(in, name), content(len(name), 100<<10), 0o600))
	}
	r.run(t, "mkdir", "ts:"+bucket)
	must(t, newMinio(t, shared.Endpoint, minio.Options{}).setVersioning(bucket, "Enabled"))
	r.run(t, "sync", in, "ts:"+bucket+"/f")
	r.run(t, "check", in, "ts:"+bucket+"/f")
	must(t, os.Remove(filepath.Join(in, "one")))
	must(t, os.WriteFile(filepath.Join(in, "a b+c", "two"), content(9, 50<<10), 0o600))
	r.run(t, "sync", in, "ts:"+bucket+"/f")
	r.run(t, "check", "--download", in, "ts:"+bucket+"/f")
	r.run(t, "sync", "ts:"+bucket+"/f", out)
	if diff, err := exec.Command("diff", "-r", in, out).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	// Nothing has changed, so nothing is written again.
	r.run(t, "sync", in, "ts:"+bucket+"/f")
	wantContents(t, bucket, contents{keys: 2, versions: 4, markers: 1})
}

// A deleted file is not listed, but by its time among the old versions, from where
// it comes back.
func rcloneVersions(t *testing.T, r rclone) {
	c := newMinio(t, shared.Endpoint, minio.Options{})
	bucket, folder := bucketName(t), t.TempDir()
	must(t, c.createBucket(bucket))
	must(t, c.setVersioning(bucket, "Enabled"))
	_, err := c.put(bucket, "file.txt", []byte("old"))
	must(t, err)
	_, err = c.remove(bucket, "file.txt", "")
	must(t, err)
	if out := strings.TrimSpace(r.run(t, "lsf", "ts:"+bucket)); out != "" {
		t.Errorf("a deleted file is listed: %q", out)
	}
	name := strings.TrimSpace(r.run(t, "lsf", "--s3-versions", "ts:"+bucket))
	if !strings.HasPrefix(name, "file-v20") || !strings.HasSuffix(name, ".txt") {
		t.Fatalf("the old versions are %q", name)
	}
	r.run(t, "copy", "--s3-versions", "ts:"+bucket+"/"+name, folder)
	if back, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(back) != "old" {
		t.Errorf("read back %q, %v", back, err)
	}
	if out := strings.TrimSpace(r.run(t, "lsf", "--s3-version-at", "2001-01-01", "ts:"+bucket)); out != "" {
		t.Errorf("before all versions there is %q", out)
	}
}

func rcloneParts(t *testing.T, r rclone) {
	c := newMinio(t, shared.Endpoint, minio.Options{})
	bucket, folder := bucketName(t), t.TempDir()
	body := content(3, 20<<20)
	file := filepath.Join(folder, "large")
	must(t, os.WriteFile(file, body, 0o600))
	r.run(t, "mkdir", "ts:"+bucket)
	must(t, c.setVersioning(bucket, "Enabled"))
	r.run(t, "copyto", "--s3-upload-cutoff", "5Mi", "--s3-chunk-size", "5Mi", file, "ts:"+bucket+"/large")
	r.run(t, "copyto", "ts:"+bucket+"/large", "ts:"+bucket+"/copy")
	r.run(t, "copyto", "--s3-copy-cutoff", "5Mi", "--s3-chunk-size", "5Mi", "ts:"+bucket+"/large", "ts:"+bucket+"/copy in parts")
	r.run(t, "moveto", "ts:"+bucket+"/copy", "ts:"+bucket+"/moved")
	for _, key := range []string{"large", "copy in parts", "moved"} {
		if back, err := c.get(bucket, key, ""); err != nil || !bytes.Equal(back, body) {
			t.Errorf("%s: %d bytes, %v", key, len(back), err)
		}
	}
	wantContents(t, bucket, contents{keys: 3, versions: 4, markers: 1})
	startUploads(t, bucket, 3)
	r.run(t, "cleanup", "ts:"+bucket) // of those older than a day: none
	wantUploads(t, bucket, 3)
	r.run(t, "backend", "cleanup", "-o", "max-age=0s", "ts:"+bucket)
	wantUploads(t, bucket, 0)
}
