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

// program returns the path of a client program, in the environment that
// TOMBSTONE_CLIENTS_VENV names or on the PATH. Without it the test is skipped, or
// fails where TOMBSTONE_CLIENTS_REQUIRED=1 says that all clients are there.
func program(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("short: client programs play in the whole run only")
	}
	if venv := os.Getenv("TOMBSTONE_CLIENTS_VENV"); venv != "" {
		if path, err := exec.LookPath(filepath.Join(venv, "bin", name)); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		absent(t, name+" is not installed")
	}
	return path
}

func absent(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("TOMBSTONE_CLIENTS_REQUIRED") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// run runs a client program against the shared server. It gets its keys by the
// environment and finds no configuration of the machine's user.
func run(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustRun ends the test if a client program fails.
func mustRun(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	out, err := run(t, env, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", filepath.Base(name), args, err, tailOf(out))
	}
	t.Logf("%s", tailOf(out))
}

// tailOf returns the last lines of what a program printed.
func tailOf(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// contents is what a bucket holds.
type contents struct{ keys, versions, markers int }

// wantContents compares what a bucket holds.
func wantContents(t *testing.T, bucket string, want contents) {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	keys, _, err := c.keys(bucket, listing{})
	must(t, err)
	entries, _, err := c.versions(bucket, listing{})
	must(t, err)
	got := contents{keys: len(keys)}
	for _, e := range entries {
		if e.marker {
			got.markers++
		} else {
			got.versions++
		}
	}
	if got != want {
		t.Errorf("%s holds %+v, want %+v", bucket, got, want)
	}
}

func wantNoBucket(t *testing.T, bucket string) {
	t.Helper()
	if has, err := newMinio(t, shared.Endpoint, minio.Options{}).hasBucket(bucket); has || err != nil {
		t.Errorf("%s is there: %v, %v", bucket, has, err)
	}
}

// seededBucket makes a bucket of many keys. In a versioned one each has two
// versions, and a bucket that is to be suspended holds one of each kind: a
// version with an id below the null version.
func seededBucket(t *testing.T, status string) string {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	if status == "" {
		seed(t, c, bucket, many, 1)
		return bucket
	}
	must(t, c.setVersioning(bucket, "Enabled"))
	seed(t, c, bucket, many, 1)
	must(t, c.setVersioning(bucket, status))
	seed(t, c, bucket, many, 1)
	return bucket
}

// hide adds a delete marker to each key of a bucket.
func hide(t *testing.T, bucket string) {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	keys, _, err := c.keys(bucket, listing{})
	must(t, err)
	var targets []target
	for _, k := range keys {
		targets = append(targets, target{key: k})
	}
	_, err = c.removeMany(bucket, targets)
	must(t, err)
}

func TestAWSCLI(t *testing.T) {
	aws := program(t, "aws")
	path := []string{"PATH=" + filepath.Dir(aws) + string(os.PathListSeparator) + os.Getenv("PATH")}
	s3 := func(args ...string) []string {
		return append([]string{"--endpoint-url", shared.Endpoint, "s3"}, args...)
	}
	t.Run("main job", func(t *testing.T) {
		t.Parallel()
		mustRun(t, path, "clients/aws_main_job.sh", shared.Endpoint, bucketName(t))
	})
	// spec: VD9-7
	t.Run("rm --recursive", func(t *testing.T) {
		t.Parallel()
		for status, want := range map[string]contents{"": {}, "Enabled": {versions: 2 * many, markers: many}} {
			bucket := seededBucket(t, status)
			mustRun(t, path, aws, s3("rm", "--recursive", "--only-show-errors", "s3://"+bucket)...)
			wantContents(t, bucket, want)
		}
	})
	// spec: VD9-8
	t.Run("rb --force", func(t *testing.T) {
		t.Parallel()
		bucket := seededBucket(t, "")
		mustRun(t, path, aws, s3("rb", "--force", "s3://"+bucket)...)
		wantNoBucket(t, bucket)
		bucket = seededBucket(t, "Enabled")
		out, err := run(t, path, aws, s3("rb", "--force", "s3://"+bucket)...)
		if err == nil || !strings.Contains(out, "BucketNotEmpty") {
			t.Errorf("of a versioned bucket: %v\n%s", err, tailOf(out))
		}
		wantContents(t, bucket, contents{versions: 2 * many, markers: many})
	})
	// spec: VD9-9
	for _, status := range []string{"", "Enabled", "Suspended"} {
		t.Run("s3api loop, status "+status, func(t *testing.T) {
			t.Parallel()
			bucket := seededBucket(t, status)
			if status != "" {
				hide(t, bucket)
			}
			mustRun(t, path, "clients/s3api_empty.sh", shared.Endpoint, bucket)
			wantNoBucket(t, bucket)
		})
	}
}

func TestBoto3(t *testing.T) {
	python := program(t, "python3")
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		absent(t, "python3 has no boto3: "+tailOf(string(out)))
	}
	flow := func(t *testing.T, name, bucket string) {
		t.Helper()
		mustRun(t, nil, python, "clients/boto3_flows.py", shared.Endpoint, name, bucket)
	}
	for _, name := range []string{"main_job", "checksums", "odd_keys"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow(t, name, bucketName(t))
		})
	}
	for _, status := range []string{"", "Enabled", "Suspended"} {
		// spec: VD9-10
		t.Run("object_versions.delete, status "+status, func(t *testing.T) {
			t.Parallel()
			bucket := seededBucket(t, status)
			flow(t, "object_versions_delete", bucket)
			wantNoBucket(t, bucket)
		})
		// spec: VD9-11
		t.Run("objects.delete, status "+status, func(t *testing.T) {
			t.Parallel()
			bucket := seededBucket(t, status)
			flow(t, "objects_delete", bucket)
			wantContents(t, bucket, map[string]contents{"Enabled": {versions: 2 * many, markers: many}, "Suspended": {versions: many, markers: many}}[status])
		})
		t.Run("one by one, status "+status, func(t *testing.T) {
			t.Parallel()
			bucket := seededBucket(t, status)
			if status != "" {
				hide(t, bucket)
			}
			flow(t, "versions_one_by_one", bucket)
			wantNoBucket(t, bucket)
		})
	}
}

// spec: VD9-12
func TestS3cmd(t *testing.T) {
	s3cmd := program(t, "s3cmd")
	host := strings.TrimPrefix(shared.Endpoint, "http://")
	args := func(more ...string) []string {
		return append([]string{"--config", os.DevNull, "--no-ssl", "--host", host, "--host-bucket", host, "--access_key", accessKey, "--secret_key", secretKey}, more...)
	}
	for status, want := range map[string]contents{"": {}, "Enabled": {versions: 2 * many, markers: many}} {
		t.Run("del --recursive, status "+status, func(t *testing.T) {
			t.Parallel()
			bucket := seededBucket(t, status)
			mustRun(t, nil, s3cmd, args("del", "--recursive", "--force", "--quiet", "s3://"+bucket)...)
			wantContents(t, bucket, want)
			if status == "" {
				mustRun(t, nil, s3cmd, args("rb", "s3://"+bucket)...)
				wantNoBucket(t, bucket)
			}
		})
	}
	t.Run("put, ls, get", func(t *testing.T) {
		t.Parallel()
		bucket, file := bucketName(t), filepath.Join(t.TempDir(), "file")
		must(t, os.WriteFile(file, content(1, 100<<10), 0o600))
		mustRun(t, nil, s3cmd, args("mb", "s3://"+bucket)...)
		mustRun(t, nil, s3cmd, args("put", "--quiet", file, "s3://"+bucket+"/a b+c")...)
		mustRun(t, nil, s3cmd, args("get", "--quiet", "s3://"+bucket+"/a b+c", file+".back")...)
		if back, err := os.ReadFile(file + ".back"); err != nil || !bytes.Equal(back, content(1, 100<<10)) {
			t.Errorf("got %d bytes, %v", len(back), err)
		}
	})
}

// spec: VD9-13
func TestRclone(t *testing.T) {
	rclone := program(t, "rclone")
	env := []string{"RCLONE_CONFIG=" + filepath.Join(t.TempDir(), "none.conf"), "RCLONE_CONFIG_TS_TYPE=s3", "RCLONE_CONFIG_TS_PROVIDER=Other",
		"RCLONE_CONFIG_TS_ENV_AUTH=true", "RCLONE_CONFIG_TS_ENDPOINT=" + shared.Endpoint, "RCLONE_TRANSFERS=16", "RCLONE_CHECKERS=16", "RCLONE_LOW_LEVEL_RETRIES=1", "RCLONE_RETRIES=1"}
	t.Run("delete", func(t *testing.T) {
		t.Parallel()
		bucket := seededBucket(t, "Enabled")
		mustRun(t, env, rclone, "delete", "ts:"+bucket)
		wantContents(t, bucket, contents{versions: 2 * many, markers: many})
		mustRun(t, env, rclone, "backend", "cleanup-hidden", "ts:"+bucket)
		wantContents(t, bucket, contents{})
		mustRun(t, env, rclone, "rmdir", "ts:"+bucket)
		wantNoBucket(t, bucket)
	})
	t.Run("cleanup-hidden leaves what is current", func(t *testing.T) {
		t.Parallel()
		bucket := seededBucket(t, "Suspended")
		mustRun(t, env, rclone, "backend", "cleanup-hidden", "ts:"+bucket)
		wantContents(t, bucket, contents{keys: many, versions: many})
	})
	t.Run("purge", func(t *testing.T) {
		t.Parallel()
		bucket := seededBucket(t, "")
		mustRun(t, env, rclone, "purge", "ts:"+bucket)
		wantNoBucket(t, bucket)
	})
	t.Run("delete --s3-versions", func(t *testing.T) {
		t.Parallel()
		bucket := seededBucket(t, "Enabled")
		mustRun(t, env, rclone, "delete", "--s3-versions", "ts:"+bucket)
		c := newMinio(t, shared.Endpoint, minio.Options{})
		entries, _, err := c.versions(bucket, listing{})
		must(t, err)
		for _, e := range entries {
			if !e.marker {
				t.Fatalf("%s version %s is left", e.key, e.id)
			}
		}
	})
	t.Run("copy there and back", func(t *testing.T) {
		t.Parallel()
		bucket, folder := bucketName(t), t.TempDir()
		must(t, os.MkdirAll(filepath.Join(folder, "in", "a b+c"), 0o700))
		must(t, os.WriteFile(filepath.Join(folder, "in", "a b+c", "é"), content(2, 100<<10), 0o600))
		mustRun(t, env, rclone, "mkdir", "ts:"+bucket)
		mustRun(t, env, rclone, "copy", filepath.Join(folder, "in"), "ts:"+bucket)
		mustRun(t, env, rclone, "copy", "ts:"+bucket, filepath.Join(folder, "out"))
		if back, err := os.ReadFile(filepath.Join(folder, "out", "a b+c", "é")); err != nil || !bytes.Equal(back, content(2, 100<<10)) {
			t.Errorf("got %d bytes, %v", len(back), err)
		}
	})
}
