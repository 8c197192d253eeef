package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/minio/minio-go/v7"
)

// A backup's life: made, changed, forgotten, pruned, checked. In a versioned
// bucket everything that restic removed is still there below its markers, until
// the versions are deleted.
func TestRestic(t *testing.T) {
	t.Parallel()
	path := program(t, "restic")
	out, err := exec.Command(path, "version").CombinedOutput()
	must(t, err)
	p := played{name: "restic", version: versionIn(string(out))}
	for _, status := range []string{"", "Enabled"} {
		p.scenario(t, "init, backup, restore, forget, prune, check, status "+status, func(t *testing.T) {
			resticLife(t, path, status)
		})
	}
}

func resticLife(t *testing.T, path, status string) {
	bucket, folder := bucketName(t), t.TempDir()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	must(t, c.createBucket(bucket))
	if status != "" {
		must(t, c.setVersioning(bucket, status))
	}
	env := []string{"RESTIC_REPOSITORY=s3:" + shared.Endpoint + "/" + bucket, "RESTIC_PASSWORD=secret", "HOME=" + folder}
	restic := func(args ...string) {
		t.Helper()
		mustRun(t, env, path, args...)
	}
	in := filepath.Join(folder, "in")
	must(t, os.MkdirAll(in, 0o700))
	restic("init")
	for round := range 3 {
		must(t, os.WriteFile(filepath.Join(in, "large"), content(round, 24<<20), 0o600))
		must(t, os.WriteFile(filepath.Join(in, "small é"), content(round, 1000), 0o600))
		restic("backup", in)
	}
	restic("check", "--read-data")
	restic("restore", "latest", "--target", filepath.Join(folder, "out"))
	if diff, err := exec.Command("diff", "-r", in, filepath.Join(folder, "out", in)).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	before, _, err := c.keys(bucket, listing{prefix: "data/"})
	must(t, err)
	restic("forget", "--keep-last", "1", "--prune")
	restic("check", "--read-data")
	after, _, err := c.keys(bucket, listing{prefix: "data/"})
	must(t, err)
	if len(after) >= len(before) {
		t.Errorf("%d packs before prune, %d after", len(before), len(after))
	}
	markers := 0
	entries, _, err := c.versions(bucket, listing{prefix: "data/"})
	must(t, err)
	for _, e := range entries {
		if e.marker {
			markers++
		}
	}
	if kept := markers > 0; kept != (status != "") {
		t.Errorf("status %q: %d markers over pruned packs", status, markers)
	}
}
