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
	"syscall"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/auth"
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
	limitMemory(p.env)
	log := c.logger(p.stderr)
	// Before the address answers, a signal may end the process at once.
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		return p.refuse(fmt.Errorf("--address %s: %w", c.address, err))
	}
	st, err := openStore(c, log, listener)
	if err != nil {
		return p.refuse(err)
	}
	code := serveStore(p, c, st, log, listener)
	if err := st.Close(); err != nil {
		log.Error("closing the store failed", "err", err)
		return exitFailed
	}
	if code == exitOK {
		log.Info("stopped")
	}
	return code
}

// openStore opens the data folder. When the disk fails under the index later on,
// the process ends: what it would answer from then on could not be kept.
func openStore(c config, log *slog.Logger, listener net.Listener) (*store.Store, error) {
	st, err := store.Open(filepath.Clean(c.data), store.Options{
		Memory:     c.memory,
		Durability: c.durability,
		MinFree:    c.minFree,
		Clock:      clock.Wall{},
		Logger:     log,
		OnFatal: func(message string) {
			log.Error("the data folder cannot be written any more", "err", errors.Join(errors.New(message), listener.Close()))
			os.Exit(exitFailed)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("--data %s: %w", c.data, err)
	}
	return st, nil
}

// serveStore serves st on listener and returns the exit code. It leaves st open.
func serveStore(p process, c config, st *store.Store, log *slog.Logger, listener net.Listener) int {
	keys, origin, err := chooseKeys(c, isLoopback(listener.Addr()))
	if err != nil {
		return p.refuse(err)
	}
	handler, err := api.New(api.Options{
		Store: st,
		Verifier: &auth.Verifier{
			Keys:   auth.NewStaticKeys(auth.Credential{AccessKey: keys.Access, Secret: keys.Secret}),
			Region: c.region,
		},
		Owner:   owner(),
		Region:  c.region,
		Domains: c.domains,
		Clock:   clock.Wall{},
		Logger:  log,
	})
	if err != nil {
		return p.refuse(err)
	}
	server := &http.Server{
		Handler:           withPatience(handler, stallTimeout),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// OPTIONS * is a request like any other, and gets an S3 answer.
		DisableGeneralOptionsHandler: true,
	}
	printBanner(p.stdout, c, listener.Addr(), keys, origin)
	log.Info("listening", "address", listener.Addr().String(), "version", version(), "durability", durabilityName(c))
	return runUntilSignal(server, listener, log)
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
// which loses nothing that was answered.
func runUntilSignal(server *http.Server, listener net.Listener, log *slog.Logger) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		log.Error("serving failed", "err", err)
		return exitFailed
	case s := <-signals:
		log.Info("stopping", "signal", s.String(), "wait", drainTimeout.String())
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
