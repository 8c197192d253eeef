package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/seed61737384/tombstone/integration/launch"
)

// peer is the server that -compare measures beside tombstone.
const peer = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// server is a server under measurement.
type server struct {
	name    string
	core    *minio.Core
	o       options
	process *launch.Process                            // nil if it was not started here
	on      func(data string) (*launch.Process, error) // starts another one on a folder
	folder  string                                     // for folders of others

	small     string   // bucket without versioning, for small objects
	versioned string   // bucket with versioning
	hidden    string   // bucket whose keys are all hidden by markers
	large     string   // bucket for large objects
	written   []string // keys in small
	serial    int      // makes names unique
}

// openServers returns the servers to measure, those that it started included if
// it fails.
func openServers(ctx context.Context, o options, folder string) ([]*server, error) {
	if o.endpoint != "" {
		s, err := connect(o, o.endpoint, o.endpoint)
		if err != nil {
			return nil, err
		}
		return []*server{s}, nil
	}
	names := []string{o.start}
	if o.compare {
		names = []string{"tombstone", "versitygw"}
	}
	var servers []*server
	for _, name := range names {
		begin := map[string]starter{"tombstone": beginTombstone, "versitygw": beginVersitygw}[name]
		if begin == nil {
			return servers, fmt.Errorf("-start %s: neither tombstone nor versitygw", name)
		}
		own := filepath.Join(folder, name)
		on, err := begin(ctx, o, own)
		if err != nil {
			return servers, err
		}
		process, err := again(own, on)
		if err != nil {
			return servers, err
		}
		s, err := connect(o, name, process.Endpoint)
		if err != nil {
			process.Kill()
			return servers, err
		}
		s.process, s.on, s.folder = process, on, own
		servers = append(servers, s)
	}
	return servers, nil
}

// again starts a server on an empty folder within folder.
func again(folder string, on func(data string) (*launch.Process, error)) (*launch.Process, error) {
	data, err := os.MkdirTemp(folder, "data-")
	if err != nil {
		return nil, err
	}
	return on(data)
}

// starter builds a server program and returns a function that starts it on a folder.
type starter func(ctx context.Context, o options, folder string) (func(data string) (*launch.Process, error), error)

func beginTombstone(ctx context.Context, o options, folder string) (func(data string) (*launch.Process, error), error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	binary, err := launch.Build(ctx, folder)
	if err != nil {
		return nil, err
	}
	env := []string{"TOMBSTONE_ACCESS_KEY=" + o.access, "TOMBSTONE_SECRET_KEY=" + o.secret}
	return func(data string) (*launch.Process, error) {
		return launch.Start(binary, env, "--data", data)
	}, nil
}

// beginVersitygw starts the peer as its users would for versions: on a plain
// folder, with attributes beside the files where the file system has none.
func beginVersitygw(ctx context.Context, o options, folder string) (func(data string) (*launch.Process, error), error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	fmt.Fprintln(os.Stderr, "installing", peer)
	binary, err := launch.Install(ctx, folder, peer)
	if err != nil {
		return nil, err
	}
	return func(data string) (*launch.Process, error) {
		args := []string{"--quiet", "--keep-alive"}
		address, err := launch.FreeAddress()
		if err != nil {
			return nil, err
		}
		args = append(args, "--port", address, "posix", "--versioning-dir", data+"-versions")
		if !hasAttributes(data) {
			args = append(args, "--sidecar", data+"-sidecar")
		}
		for _, d := range []string{data + "-versions", data + "-sidecar"} {
			if err := os.Mkdir(d, 0o700); err != nil {
				return nil, err
			}
		}
		cmd := exec.Command(binary, append(args, data)...)
		cmd.Env = []string{"HOME=" + folder, "ROOT_ACCESS_KEY=" + o.access, "ROOT_SECRET_KEY=" + o.secret}
		return launch.StartAt(address, cmd)
	}, nil
}

// region is what requests are signed for.
const region = "us-east-1"

// transport keeps a connection for each worker.
func transport(o options) *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: max(4*o.workers, seedWorkers), DisableCompression: true}
}

// connect returns a server that answers at endpoint. Its client neither retries
// nor waits for a free connection.
func connect(o options, name, endpoint string) (*server, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	core, err := minio.NewCore(u.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(o.access, o.secret, ""),
		Secure:     u.Scheme == "https",
		Region:     region,
		MaxRetries: 1,
		Transport:  transport(o),
	})
	if err != nil {
		return nil, err
	}
	return &server{name: name, core: core, o: o}, nil
}

// end stops a server that was started here.
func (s *server) end() error {
	if s.process == nil {
		return nil
	}
	return s.process.Stop()
}

// bucket returns the bucket kept in *name, and makes it at the first call.
func (s *server) bucket(ctx context.Context, name *string, prefix string, versioned bool) (string, error) {
	if *name != "" {
		return *name, nil
	}
	made := s.unique(prefix)
	if err := s.core.MakeBucket(ctx, made, minio.MakeBucketOptions{}); err != nil {
		return "", err
	}
	if versioned {
		if err := s.core.EnableVersioning(ctx, made); err != nil {
			return "", err
		}
	}
	*name = made
	return made, nil
}

// unique returns a name that a measured server has not seen, in this run or in
// an earlier one on the same endpoint.
func (s *server) unique(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s-%d-%d", prefix, os.Getpid(), s.serial)
}
