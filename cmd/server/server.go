package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
)

// The limits of a connection outside of bodies, which stallTimeout bounds.
const (
	readHeaderTimeout = 20 * time.Second
	// idleTimeout is longer than the SDKs keep an idle connection, so that it is
	// they who close it and no request meets a connection being closed.
	idleTimeout = 3 * time.Minute
	// maxHeaderBytes holds the longest key in every percent-encoded place it can
	// stand in, all metadata S3 allows, and a session token.
	maxHeaderBytes = 64 << 10
	// drainTimeout is how long a stop waits for requests under way.
	drainTimeout = 30 * time.Second
)

// account is the name of the one account that owns everything.
const account = "000000000000"

func owner() store.Owner {
	id := sha256.Sum256([]byte("tombstone account " + account))
	return store.Owner{Account: account, CanonicalID: hex.EncodeToString(id[:]), DisplayName: "tombstone"}
}

// serve runs the server until it is told to stop.
func serve(p process) int {
	c, err := parseConfig(p)
	if err != nil {
		return p.refuse(err)
	}
	return serveConfig(p, c)
}

// serveFolder is serve as MinIO's command line and images have it, with the folder
// as an argument before or after the flags.
func serveFolder(p process) int {
	given, folders, err := parseFlags(p.args, settings())
	if err != nil {
		return p.refuse(err)
	}
	_, twice := given["data"]
	switch {
	case len(folders) == 1 && twice:
		return p.refuse(fmt.Errorf("%q and --data %q name the folder twice", folders[0], given["data"]))
	case len(folders) == 1:
		given["data"] = folders[0]
	case len(folders) > 1:
		return p.refuse(fmt.Errorf("%d folders are given; everything is in one folder", len(folders)))
	case !twice && p.env("MINIO_VOLUMES") == "":
		return p.refuse(errors.New("no folder is given: server FOLDER [flags]"))
	}
	c, err := gather(p, given, nil)
	if err != nil {
		return p.refuse(err)
	}
	return serveConfig(p, c)
}

// serveConfig runs the server that c asks for. What can be refused without the data
// folder is refused before that is opened, which leaves a trace in its ledger.
func serveConfig(p process, c config) int {
	limitMemory(p.env)
	defer runtime.KeepAlive(make([]byte, idleHeap))
	log := c.logger(p.stderr, p.terminal)
	// Before the address answers, a signal may end the process at once.
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		return p.refuse(fmt.Errorf("--address %s: %w", c.address, err))
	}
	if err := checkKeys(c, isLoopback(listener.Addr())); err != nil {
		return p.refuse(err)
	}
	if err := checkTestClock(c, isLoopback(listener.Addr())); err != nil {
		return p.refuse(err)
	}
	st, err := openStore(c, log, listener)
	if err != nil {
		return p.refuse(err)
	}
	warnOfTestClock(st, log)
	code := serveStore(p, c, st, log, listener)
	if err := st.Close(); err != nil {
		log.Error("closing the store failed", "err", err)
		return exitFailed
	}
	if seal, ok := st.NewestSeal(); code == exitOK && ok {
		log.Info("stopped", "seal", seal.String())
	} else if code == exitOK {
		log.Info("stopped")
	}
	return code
}

// openStore opens the data folder. When the disk fails under the index later on,
// the process ends: what it would answer from then on could not be kept.
func openStore(c config, log *slog.Logger, listener net.Listener) (*store.Store, error) {
	kept, err := c.ledgerKeys()
	if err != nil {
		return nil, err
	}
	kept.Off, kept.Retention = c.noLedger, c.ledgerKept
	st, err := store.Open(filepath.Clean(c.data), store.Options{
		Memory:     c.memory,
		TestFolder: c.testClock,
		Durability: c.durability,
		MinFree:    c.minFree,
		Clock:      clock.Wall{},
		Logger:     log,
		Ledger:     kept,
		OnFatal: func(message string) {
			log.Error("the data folder cannot be written any more", "err", errors.Join(errors.New(message), listener.Close()))
			os.Exit(exitFailed)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("--data %s: %w", c.data, explainTestFolder(err))
	}
	return st, nil
}

// serveStore serves st on listener and returns the exit code. It leaves st open.
func serveStore(p process, c config, st *store.Store, log *slog.Logger, listener net.Listener) int {
	keys, origin, err := chooseKeys(c, isLoopback(listener.Addr()))
	if err != nil {
		return p.refuse(err)
	}
	secured, err := prepareTLS(c, log)
	if err != nil {
		return p.refuse(err)
	}
	defer func() {
		if err := secured.remove(); err != nil {
			log.Warn("removing the certificate failed", "err", err)
		}
	}()
	identities, err := openIdentities(c, st, log, keys)
	if err != nil {
		return p.refuse(err)
	}
	defer func() {
		if err := identities.Close(context.Background()); err != nil {
			log.Warn("closing the identities failed", "err", err)
		}
	}()
	work := newBackground(c, st, log)
	defer work.close()
	handler, err := newHandler(c, st, log, identities, work)
	if err != nil {
		return p.refuse(err)
	}
	if c.pprof != "" {
		stop, err := serveProfiles(c.pprof, log)
		if err != nil {
			return p.refuse(fmt.Errorf("--pprof %s: %w", c.pprof, err))
		}
		defer func() { _ = stop() }() // nothing waits for a profile
	}
	printBanner(p.stdout, c, listener.Addr(), keys, origin, secured.authority)
	if c.console != "" {
		log.Warn("there is no console; its address is passed over", "console-address", c.console)
	}
	log.Info("listening", "address", listener.Addr().String(), "version", version(), "durability", durabilityName(c), "tls", c.secure())
	server := newServer(handler, log)
	if !c.secure() {
		listener = watchConnections(server, listener, handler)
	}
	work.start(c, handler, log)
	server.RegisterOnShutdown(work.jobs.Close) // a forced delete that waits for its job keeps no stop waiting
	return runUntilSignal(server, listener, secured.certificates, log)
}

// newHandler returns what answers S3 requests with st.
func newHandler(c config, st *store.Store, log *slog.Logger, identities *identity.Registry, work *background) (*api.Handler, error) {
	return api.New(api.Options{
		Store:          st,
		Verifier:       &auth.Verifier{Keys: identities, Region: c.region},
		Identities:     identities,
		Owner:          owner(),
		Region:         c.region,
		Domains:        c.domains,
		Clock:          clock.Wall{},
		Logger:         log,
		AccessLog:      c.accessLog,
		TrustedProxies: c.proxies,
		MetricsPublic:  c.metricsPublic,

		Budget:            work.budget,
		Lifecycle:         work.expirer,
		AcceptTransitions: c.transitions,

		Jobs:             work.jobs.Runner,
		AllowForceDelete: c.forceDelete,
	})
}

// newServer returns the server of connections, with their limits.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           withPatience(handler, stallTimeout),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// OPTIONS * is a request like any other, and gets an S3 answer.
		DisableGeneralOptionsHandler: true,
	}
}

func durabilityName(c config) string {
	switch {
	case c.memory:
		return "memory"
	case c.durability == store.Relaxed:
		return "relaxed"
	}
	return "sync"
}

// runUntilSignal serves until SIGTERM or SIGINT, then lets requests under way
// finish for at most drainTimeout. A second signal ends the process where it is,
// which loses nothing that was answered. With certificates it speaks TLS, and
// SIGHUP reads them again.
func runUntilSignal(server *http.Server, listener net.Listener, certs *certificates, log *slog.Logger) int {
	signals, hangups := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if certs != nil {
		signal.Notify(hangups, syscall.SIGHUP)
	}
	served := make(chan error, 1)
	go func() { served <- serveConnections(server, listener, certs) }()
	for running := true; running; {
		select {
		case err := <-served:
			log.Error("serving failed", "err", err)
			return exitFailed
		case <-hangups:
			certs.reload()
		case s := <-signals:
			log.Info("stopping", "signal", s.String(), "wait", drainTimeout.String())
			running = false
		}
	}
	signal.Stop(signals) // from here on a signal does what it does by default
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("requests under way were cut", "err", errors.Join(err, server.Close()))
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		log.Error("serving failed", "err", err)
		return exitFailed
	}
	return exitOK
}

// serveConnections serves until the server is shut down: plainly, or over TLS with
// HTTP/2 for clients that speak it.
func serveConnections(server *http.Server, listener net.Listener, certs *certificates) error {
	if certs == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = certs.settings()
	return server.ServeTLS(listener, "", "")
}
