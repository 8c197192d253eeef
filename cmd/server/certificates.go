package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often handshakes look whether the certificate's files changed.
const lookEvery = time.Second

// certificates is the certificate that handshakes show. It is read again when its
// files change, so that a renewed one needs no restart. One that cannot be read
// leaves the old one in place.
type certificates struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex // protects the rest
	current *tls.Certificate
	seen    [2]stamp // of the files when they were read, right or wrong
	looked  time.Time
}

// stamp tells one state of a file from another.
type stamp struct {
	changed time.Time
	size    int64
}

// readCertificates reads a certificate and its key.
func readCertificates(certFile, keyFile string, log *slog.Logger) (*certificates, error) {
	c := &certificates{certFile: certFile, keyFile: keyFile, log: log}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", certFile, keyFile, err)
	}
	return c, nil
}

// settings returns how the server speaks TLS.
func (c *certificates) settings() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.show}
}

// show returns the certificate for a handshake.
func (c *certificates) show(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= lookEvery && c.stamps() != c.seen {
		c.readAgain()
	}
	return c.current, nil
}

// reload reads the files whether or not they look changed.
func (c *certificates) reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readAgain()
}

// readAgain is called with mu held.
func (c *certificates) readAgain() {
	if err := c.read(); err != nil {
		c.log.Warn("the new certificate cannot be used, the old one stays", "cert", c.certFile, "key", c.keyFile, "err", err)
		return
	}
	c.log.Info("certificate read again", "cert", c.certFile)
}

// read reads the files. It is called with mu held.
func (c *certificates) read() error {
	c.seen = c.stamps()
	fresh, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	if now := time.Now(); now.After(fresh.Leaf.NotAfter) {
		return errors.New("the certificate ended at " + fresh.Leaf.NotAfter.Format(time.RFC3339))
	}
	c.current = &fresh
	return nil
}

// stamps looks at the files. It is called with mu held.
func (c *certificates) stamps() (now [2]stamp) {
	c.looked = time.Now()
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			now[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return now
}
