package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// generations is how often a folder is backed up.
const generations = 3

// changeFolder makes the n-th generation of a folder: files come, change and go.
func changeFolder(t *testing.T, folder string, n int) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(folder, "a b+c"), 0o700))
	write := func(name string, seed, size int) {
		must(t, os.WriteFile(filepath.Join(folder, name), content(seed, size), 0o600))
	}
	write("large", n/2, 9<<20) // in parts, with AWS CLI
	write("small é", n, 1000)
	write(fmt.Sprintf("a b+c/only in %d", n), n, 20<<10)
	if n == 1 {
		must(t, os.Remove(filepath.Join(folder, "a b+c/comes again")))
	} else {
		write("a b+c/comes again", n, 5000)
	}
	if n > 0 {
		must(t, os.Remove(filepath.Join(folder, fmt.Sprintf("a b+c/only in %d", n-1))))
	}
}

// backup is a folder that is backed up again and again, and how it was each time.
type backup struct {
	server       *usersServer
	bucket, work string
	in           string    // the folder as it is now
	kept         []string  // copies of it, a generation each
	at           [][]entry // what the bucket held after each
	seconds      []string  // by which second it was held, for those who ask by time
}

// newBackup makes the bucket as the root.
func newBackup(t *testing.T, s *usersServer) *backup {
	t.Helper()
	work := t.TempDir()
	return &backup{server: s, bucket: s.bucket(t, "Enabled"), work: work, in: filepath.Join(work, "in")}
}

// each backs up every generation by save, and keeps what is to be restored.
func (b *backup) each(t *testing.T, save func()) {
	t.Helper()
	for n := range generations {
		changeFolder(t, b.in, n)
		save()
		copied := filepath.Join(b.work, fmt.Sprintf("generation %d", n))
		must(t, os.CopyFS(copied, os.DirFS(b.in)))
		entries, _, err := b.server.root.versions(b.bucket, listing{})
		must(t, err)
		b.kept, b.at, b.seconds = append(b.kept, copied), append(b.at, entries), append(b.seconds, b.secondEnds(t))
	}
}

// secondEnds returns the second that it is by the clock of the server, when the next one
// has begun: S3 tells times of versions in whole seconds.
func (b *backup) secondEnds(t *testing.T) string {
	t.Helper()
	date := func() time.Time {
		answer, err := http.Head(b.server.Endpoint + "/_/health/live")
		must(t, err)
		answer.Body.Close()
		at, err := http.ParseTime(answer.Header.Get("Date"))
		must(t, err)
		return at
	}
	begun, limit := date(), time.Now().Add(patience)
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for !date().After(begun) {
		if time.Now().After(limit) {
			t.Fatalf("by the server's clock it is still %v", begun)
		}
		<-pause.C
	}
	return begun.Format(time.RFC3339)
}

// wantRestored compares a restored folder with a generation.
func (b *backup) wantRestored(t *testing.T, n int, folder string) {
	t.Helper()
	wantSameFolder(t, b.kept[n], folder)
}

func wantSameFolder(t *testing.T, want, got string) {
	t.Helper()
	if diff, err := exec.Command("diff", "-r", want, got).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", want, err, diff)
	}
}

// wantAllKept reports what a bucket held after some generation and holds no more.
func (b *backup) wantAllKept(t *testing.T) {
	t.Helper()
	now, _, err := b.server.root.versions(b.bucket, listing{})
	must(t, err)
	for n, entries := range b.at {
		for _, e := range entries {
			if !slices.ContainsFunc(now, func(other entry) bool { return other.key == e.key && other.id == e.id }) {
				t.Errorf("%s %s of generation %d is gone", e.key, e.id, n)
			}
		}
	}
}

// forWriter starts a server for backups with the key of backup-writer, of which the ledger
// is to say in the end that they hid and did nothing else.
func forWriter(t *testing.T) *usersServer {
	t.Helper()
	s := newUsersServer(t)
	t.Cleanup(func() { s.wantChanges(t, writerKey, "marker-added") })
	return s
}

// These run everyday backups with a key that can destroy nothing, and restore all that
// they removed.

func TestBackupWriterRestic(t *testing.T) {
	t.Parallel()
	resticVersions := installations(t, "restic", "version", func(version string) string { return version })
	aws, s := awsCLIs(t)[0], forWriter(t)
	for _, found := range resticVersions {
		p := played{name: "restic", version: found.version}
		p.scenario(t, "with backup-writer: backup, forget, prune, restore of all", func(t *testing.T) { writerRestic(t, s, found.path, aws) })
	}
}

func TestBackupWriterRclone(t *testing.T) {
	t.Parallel()
	all, s := rclones(t), forWriter(t)
	for _, r := range all {
		r.env = slices.Concat(r.env, s.as(writerKey), []string{"RCLONE_CONFIG_TS_ENDPOINT=" + s.Endpoint})
		r.scenario(t, "with backup-writer: sync, delete, restore of all by time and version", func(t *testing.T) { writerRclone(t, s, r) })
	}
}

func TestBackupWriterS3cmd(t *testing.T) {
	t.Parallel()
	c, s := newS3cmd(t), forWriter(t)
	c.scenario(t, "with backup-writer: sync --delete-removed, del, restore of all", func(t *testing.T) { writerS3cmd(t, s, c) })
}

func TestBackupWriterAWSCLI(t *testing.T) {
	t.Parallel()
	all, s := awsCLIs(t), forWriter(t)
	for _, cli := range all {
		cli.scenario(t, "with backup-writer: s3 sync --delete, rm, restore of all", func(t *testing.T) { writerAWSCLI(t, s, cli) })
	}
}

func writerRestic(t *testing.T, s *usersServer, path string, aws awsCLI) {
	b := newBackup(t, s)
	env := append(s.as(writerKey), "RESTIC_REPOSITORY=s3:"+s.Endpoint+"/"+b.bucket, "RESTIC_PASSWORD=secret", "HOME="+b.work)
	restic := func(args ...string) string {
		t.Helper()
		return mustRun(t, env, path, args...)
	}
	restic("init")
	b.each(t, func() { restic("backup", b.in) })
	var snapshots []struct{ ID string }
	must(t, json.Unmarshal([]byte(restic("snapshots", "--json")), &snapshots))
	restic("forget", "--keep-last", "1", "--prune")
	restic("check", "--read-data")
	b.wantAllKept(t)
	wantFailure(t, "", env, path, "restore", snapshots[0].ID, "--target", filepath.Join(b.work, "none"))
	// What was hidden comes back, but for locks of runs that have ended.
	mustRun(t, append(slices.Clone(aws.env), s.as(janitorKey)...), "clients/aws_unhide.sh", s.Endpoint, b.bucket, "data/", "index/", "snapshots/")
	restic("check", "--read-data")
	for n, snapshot := range snapshots {
		out := filepath.Join(b.work, fmt.Sprintf("out %d", n))
		restic("restore", "--no-cache", snapshot.ID, "--target", out)
		b.wantRestored(t, n, filepath.Join(out, b.in))
	}
}

func writerRclone(t *testing.T, s *usersServer, r rclone) {
	b := newBackup(t, s)
	remote := "ts:" + b.bucket + "/folder"
	b.each(t, func() { r.run(t, "sync", b.in, remote) })
	r.run(t, "check", "--download", b.in, remote)
	r.run(t, "delete", remote)
	wantFailure(t, "AccessDenied", r.env, r.path, "backend", "cleanup-hidden", "ts:"+b.bucket)
	wantFailure(t, "AccessDenied", r.env, r.path, "delete", "--s3-versions", "ts:"+b.bucket)
	b.wantAllKept(t)
	for n, second := range b.seconds {
		out := filepath.Join(b.work, fmt.Sprintf("out %d", n))
		r.run(t, "copy", "--s3-version-at", second, remote, out)
		b.wantRestored(t, n, out)
	}
	out := filepath.Join(b.work, "out of versions")
	r.run(t, "copy", "--s3-versions", remote, out)
	b.wantEveryFile(t, out)
}

// wantEveryFile reports files of any generation whose bytes are in no file of a folder.
func (b *backup) wantEveryFile(t *testing.T, folder string) {
	t.Helper()
	restored := contentsOf(t, folder)
	for n, kept := range b.kept {
		for body, name := range contentsOf(t, kept) {
			if restored[body] == "" {
				t.Errorf("generation %d: %s is nowhere among the versions", n, name)
			}
		}
	}
}

// contentsOf returns the files below a folder by what they hold.
func contentsOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	must(t, filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		files[string(body)] = path
		return err
	}))
	return files
}

func writerAWSCLI(t *testing.T, s *usersServer, cli awsCLI) {
	b := newBackup(t, s)
	env := append(slices.Clone(cli.env), s.as(writerKey)...)
	sync := []string{"--endpoint-url", s.Endpoint, "s3", "sync", "--only-show-errors", "--delete"}
	b.each(t, func() { mustRun(t, env, cli.path, append(sync, b.in, "s3://"+b.bucket)...) })
	mustRun(t, env, cli.path, "--endpoint-url", s.Endpoint, "s3", "rm", "--only-show-errors", "--recursive", "s3://"+b.bucket)
	b.wantAllKept(t)
	for n, second := range b.seconds {
		b.wantRestored(t, n, b.restoreAt(t, n, second))
	}
	mustRun(t, append(slices.Clone(cli.env), s.as(janitorKey)...), "clients/aws_unhide.sh", s.Endpoint, b.bucket, "")
	out := filepath.Join(b.work, "out")
	mustRun(t, env, cli.path, append(sync, "s3://"+b.bucket, out)...)
	want := filepath.Join(b.work, "newest of each")
	for _, kept := range b.kept {
		if said, err := exec.Command("cp", "-r", kept+"/.", want).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	wantSameFolder(t, want, out)
}

func writerS3cmd(t *testing.T, s *usersServer, c s3cmd) {
	b := newBackup(t, s)
	host := strings.TrimPrefix(s.Endpoint, "http://")
	run := func(args ...string) {
		t.Helper()
		c.run(t, append([]string{"--host", host, "--host-bucket", host, "--access_key", writerKey, "--secret_key", userSecret}, args...)...)
	}
	b.each(t, func() { run("sync", "--delete-removed", b.in+"/", "s3://"+b.bucket) })
	run("del", "--recursive", "--force", "s3://"+b.bucket)
	b.wantAllKept(t)
	for n, second := range b.seconds {
		b.wantRestored(t, n, b.restoreAt(t, n, second))
	}
}

// restoreAt copies the bucket as it was at a second into a folder, which it returns.
func (b *backup) restoreAt(t *testing.T, n int, second string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, second)
	must(t, err)
	out, err := b.server.root.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &b.bucket})
	must(t, err)
	type current struct {
		id string // empty for a marker
		at time.Time
	}
	newest := make(map[string]current)
	for _, m := range out.DeleteMarkers {
		if !m.LastModified.After(at) && newest[*m.Key].at.Before(*m.LastModified) {
			newest[*m.Key] = current{at: *m.LastModified}
		}
	}
	for _, v := range out.Versions {
		if !v.LastModified.After(at) && newest[*v.Key].at.Before(*v.LastModified) {
			newest[*v.Key] = current{*v.VersionId, *v.LastModified}
		}
	}
	folder := filepath.Join(b.work, fmt.Sprintf("out %d", n))
	for key, c := range newest {
		if c.id == "" {
			continue
		}
		body, err := b.server.root.get(b.bucket, key, c.id)
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, key)), 0o700))
		must(t, os.WriteFile(filepath.Join(folder, key), body, 0o600))
	}
	return folder
}
