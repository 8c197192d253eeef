// Package launch builds server programs, starts them on loopback and ends them,
// for tests and benchmarks that need the real process.
package launch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyTimeout bounds the wait for a server to answer, stopTimeout the wait for
// it to end.
const (
	readyTimeout = 30 * time.Second
	stopTimeout  = 60 * time.Second
)

// Build builds the tombstone binary into folder, with a go toolchain's extra
// flags such as "-race", and returns its path. It has to run within the module.
func Build(ctx context.Context, folder string, flags ...string) (string, error) {
	binary := filepath.Join(folder, "tombstone")
	args := append([]string{"build", "-o", binary}, flags...)
	build := exec.CommandContext(ctx, "go", append(args, "github.com/seed61737384/tombstone/cmd/server")...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// Install installs a program with go install, module@version style, into folder.
func Install(ctx context.Context, folder, program string) (string, error) {
	install := exec.CommandContext(ctx, "go", "install", program)
	install.Env = append(os.Environ(), "GOBIN="+folder)
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w\n%s", program, err, out)
	}
	path, _, _ := strings.Cut(program, "@")
	return filepath.Join(folder, filepath.Base(path)), nil
}

// Process is a running server.
type Process struct {
	Endpoint string        // http://host:port, or https://host:port
	Ready    time.Duration // from its start to its first answer

	cmd    *exec.Cmd
	output *tail
	ended  chan struct{} // closed when the process has ended
	err    error         // of Wait; read after ended
}

// Start starts a tombstone binary on a free port of loopback and waits until it
// answers. Its environment is env alone and the variables any program needs.
func Start(binary string, env []string, args ...string) (*Process, error) {
	cmd := exec.Command(binary, append([]string{"--address", "127.0.0.1:0"}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}, env...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	// The first line of the banner ends with the endpoint.
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("%s ended without a banner: %w\n%s", binary, p.err, p.Output())
	}
	words := strings.Fields(first)
	p.Endpoint = words[len(words)-1]
	go func() {
		// It ends with the process, and writing to p.output never fails.
		_, _ = io.Copy(p.output, lines)
	}()
	if err := p.await(begun); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// StartAt starts any server program that was told to listen on address, and
// waits until it answers.
func StartAt(address string, cmd *exec.Cmd) (*Process, error) {
	begun := time.Now()
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	p.Endpoint = "http://" + address
	if err := p.await(begun); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// FreeAddress returns an address of loopback that nothing listened on when it
// was asked.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, output: &tail{}, ended: make(chan struct{})}
	cmd.Stderr = p.output
	if cmd.Stdout == nil {
		cmd.Stdout = p.output
	}
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// await asks until the server answers anything. The pause between two questions
// is short against what it measures.
func (p *Process) await(begun time.Time) error {
	// Whether the server answers is the question here, not under which certificate.
	client := http.Client{Timeout: readyTimeout, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for time.Since(begun) < readyTimeout {
		answer, err := client.Get(p.Endpoint + "/")
		if err == nil {
			p.Ready = time.Since(begun)
			return answer.Body.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once: %w\n%s", p.cmd.Path, p.err, p.Output())
		case <-pause.C:
		}
	}
	return fmt.Errorf("%s does not answer at %s\n%s", p.cmd.Path, p.Endpoint, p.Output())
}

// PID returns the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output returns the end of what the process printed.
func (p *Process) Output() string { return p.output.String() }

// Signal sends a signal to the process.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process where it is, as kill -9 does, and waits for its end.
func (p *Process) Kill() {
	// It fails only if the process has ended by itself.
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Wait waits for the end of the process and returns its exit code.
func (p *Process) Wait() (int, error) {
	limit := time.NewTimer(stopTimeout)
	defer limit.Stop()
	select {
	case <-p.ended:
	case <-limit.C:
		p.Kill()
		return 0, fmt.Errorf("%s did not end within %s\n%s", p.cmd.Path, stopTimeout, p.Output())
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		return 0, p.err
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// Stop asks the process to end and waits; an exit code other than 0 is an error.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	code, err := p.Wait()
	if err == nil && code != 0 {
		err = fmt.Errorf("%s ended with exit code %d\n%s", p.cmd.Path, code, p.Output())
	}
	return err
}

// tailBytes bounds what is kept of a process's output.
const tailBytes = 16 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // protects text
	text []byte
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = bytes.Clone(t.text[over:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
