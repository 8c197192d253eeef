package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/seed61737384/tombstone/integration/launch"
)

// image is a built image with its files laid out in a folder, and what it says about how to
// start it. That folder stands in for a container's root, which is all an image without
// anything but the binary can tell from one.
type image struct {
	root   string
	config struct {
		User, WorkingDir string
		Env, Entrypoint  []string
		Volumes          map[string]struct{}
		Healthcheck      struct{ Test []string }
	}
}

// The user and group that the Dockerfile names.
const imageUser = 65532

// buildImage builds the Dockerfile's image that pulls nothing, by buildah.
func buildImage(t *testing.T) image {
	t.Helper()
	buildah, err := exec.LookPath("buildah")
	if err != nil {
		t.Skip("no buildah on this machine: apt-get install buildah")
	}
	if os.Getuid() != 0 {
		t.Skip("only root builds an image without an engine")
	}
	folder := t.TempDir()
	source := filepath.Join(folder, "source")
	must(t, os.MkdirAll(filepath.Join(source, "bin"), 0o755))
	for _, name := range []string{"Dockerfile", ".dockerignore"} {
		data, err := os.ReadFile(filepath.Join("..", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(source, name), data, 0o644))
	}
	compile := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", source+"/bin/tombstone", "../cmd/server")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	build := func(args ...string) string {
		cmd := exec.Command(buildah, append([]string{"--root", folder + "/store", "--runroot", folder + "/run", "--storage-driver", "vfs"}, args...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("buildah %s: %v\n%s", strings.Join(args, " "), err, &stderr)
		}
		return strings.TrimSpace(string(out))
	}
	build("build", "--isolation", "chroot", "--format", "docker", "--target", "prebuilt", "--tag", "tombstone", source)
	var i image
	described := struct {
		Docker struct{ Config any }
	}{}
	described.Docker.Config = &i.config
	must(t, json.Unmarshal([]byte(build("inspect", "--type", "image", "tombstone")), &described))
	i.root = build("mount", build("from", "tombstone"))
	return i
}

// command returns the command of a container whose engine was given env and args.
func (i image) command(env []string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	words := append(slices.Clone(i.config.Entrypoint), args...)
	return i.inside(env, words)
}

// inside returns any command within a container, and its output.
func (i image) inside(env, words []string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = i.config.WorkingDir
	cmd.Env = append(slices.Clone(i.config.Env), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot: i.root, Pdeathsig: syscall.SIGKILL,
		Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// probe runs the health check of the image once.
func (i image) probe(env []string) error {
	cmd, out := i.inside(env, i.config.Healthcheck.Test[1:])
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// runs starts a container, has use work with it once its health check passes, stops it as
// an engine does, and returns what it printed.
func (i image) runs(t *testing.T, env, args []string, use func()) string {
	t.Helper()
	cmd, out := i.command(env, args...)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // fails if it has ended, as it should
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	err := i.probe(env)
	for tries := 0; err != nil && tries < 500; tries++ {
		<-pause.C
		err = i.probe(env)
	}
	if err != nil {
		t.Fatalf("the health check does not pass: %v", err)
	}
	use()
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, out)
	}
	return out.String()
}

// The image can be built, and a container of it serves: as a user without rights, with its
// data on a volume that is this user's, under a command line written for MinIO, with a health
// check that tells whether it is ready; and it stops when it is told to.
func TestImage(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("the image is built in a full run without the race detector")
	}
	t.Parallel()
	i := buildImage(t)
	if want := fmt.Sprintf("%d:%d", imageUser, imageUser); i.config.User != want {
		t.Errorf("user %s, want %s", i.config.User, want)
	}
	for volume := range i.config.Volumes {
		info, err := os.Stat(i.root + volume)
		must(t, err)
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != imageUser || owner.Gid != imageUser {
			t.Errorf("%s belongs to %d:%d", volume, owner.Uid, owner.Gid)
		}
	}
	address, err := launch.FreeAddress()
	must(t, err)
	_, port, _ := strings.Cut(address, ":")
	env := []string{"TOMBSTONE_ADDRESS=0.0.0.0:" + port}
	if err := i.probe(env); err == nil {
		t.Error("the health check passes where nothing runs")
	}

	if printed := i.runs(t, env, nil, func() {}); !strings.Contains(printed, "secret key") {
		t.Errorf("without credentials no pair of keys is printed:\n%s", printed)
	}
	env = append(env, "MINIO_ROOT_USER="+accessKey, "MINIO_ROOT_PASSWORD="+secretKey)
	c := newMinio(t, "http://"+address, minio.Options{})
	i.runs(t, env, []string{"server", "/data", "--console-address", ":9001"}, func() {
		must(t, c.createBucket("bucket"))
		_, err := c.put("bucket", "key", content(1, 3<<20))
		must(t, err)
	})
	i.runs(t, env, []string{"--tls-self-signed"}, func() {})
	i.runs(t, env, nil, func() { wantBody(t, c, "bucket", "key", "", content(1, 3<<20)) })
	must(t, check(i.root+"/data"))
}
