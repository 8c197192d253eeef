package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	// selfSignedFor is how long a certificate made at start is good. Some clients
	// take none for longer than 825 days.
	selfSignedFor = 2 * 365 * 24 * time.Hour
	// selfSignedLeft is the rest of its time below which another one is made.
	selfSignedLeft = 30 * 24 * time.Hour
)

// The files of a certificate made at start, below the data folder.
const (
	selfSignedFolder = "tls"
	authorityFile    = "ca.crt"
	serverCertFile   = "server.crt"
	serverKeyFile    = "server.key"
)

// selfSigned makes a certificate for names in folder, unless one is there that
// fits. It is signed by an authority made for it alone, whose key is thrown away:
// clients are told to trust the authority, and some take no certificate that is
// its own authority.
func selfSigned(folder string, names []string, now time.Time) error {
	if fits(folder, names, now) {
		return nil
	}
	// Who trusts the authority reads its file; the key is the server's alone.
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.Chmod(folder, 0o755)); err != nil {
		return err
	}
	authority, authorityKey, err := sign(authorityTemplate(now), nil, nil)
	if err != nil {
		return err
	}
	server, serverKey, err := sign(serverTemplate(names, now), authority, authorityKey)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return err
	}
	trusted := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
	shown := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Raw})
	// A stop between them leaves what does not fit together, and is made anew.
	return errors.Join(
		os.WriteFile(filepath.Join(folder, serverKeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600),
		os.WriteFile(filepath.Join(folder, serverCertFile), append(shown, trusted...), 0o644),
		os.WriteFile(filepath.Join(folder, authorityFile), trusted, 0o644))
}

// fits reports whether folder holds a certificate that can be served to clients
// that trust the authority beside it, under each of names.
func fits(folder string, names []string, now time.Time) bool {
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, serverCertFile), filepath.Join(folder, serverKeyFile))
	if err != nil {
		return false
	}
	authority, err := os.ReadFile(filepath.Join(folder, authorityFile))
	if err != nil {
		return false
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: trusted, CurrentTime: now.Add(selfSignedLeft)}); err != nil {
		return false
	}
	for _, name := range names {
		if !covers(pair.Leaf, name) {
			return false
		}
	}
	return true
}

func covers(cert *x509.Certificate, name string) bool {
	for _, have := range cert.DNSNames {
		if have == name {
			return true
		}
	}
	for _, have := range cert.IPAddresses {
		if have.Equal(net.ParseIP(name)) {
			return true
		}
	}
	return false
}

func authorityTemplate(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Tombstone, made at " + now.UTC().Format(time.RFC3339)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedFor),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
}

func serverTemplate(names []string, now time.Time) *x509.Certificate {
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Tombstone"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return t
}

// sign makes a certificate with a new key; no issuer means that it signs itself.
func sign(t, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, err
	}
	if issuer == nil {
		issuer, issuerKey = t, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, t, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(raw)
	return made, key, err
}

// selfSignedNames are the names under which clients on this machine and of the
// domains reach the server.
func selfSignedNames(c config) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	for _, d := range c.domains {
		names = append(names, d, "*."+d)
	}
	host, _, _ := net.SplitHostPort(c.address)
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && !ip.IsLoopback() {
		names = append(names, host)
	}
	return names
}

// encryption is how the server speaks TLS; none if it does not.
type encryption struct {
	*certificates
	authority string // the file of the authority to trust, empty if it is the user's own
	remove    func() error
}

// prepareTLS reads or makes the certificate that the settings ask for.
func prepareTLS(c config, log *slog.Logger) (e encryption, err error) {
	e.remove = func() error { return nil }
	if c.tlsCert != "" {
		e.certificates, err = readCertificates(c.tlsCert, c.tlsKey, log)
		return e, err
	}
	if !c.selfSigned {
		return e, nil
	}
	folder := filepath.Join(c.data, selfSignedFolder)
	if c.memory {
		if folder, err = os.MkdirTemp("", "tombstone-tls-"); err != nil {
			return e, err
		}
		made := folder
		e.remove = func() error { return os.RemoveAll(made) }
	}
	if err := selfSigned(folder, selfSignedNames(c), time.Now()); err != nil {
		return e, errors.Join(fmt.Errorf("--tls-self-signed: %w", err), e.remove())
	}
	e.authority = filepath.Join(folder, authorityFile)
	e.certificates, err = readCertificates(filepath.Join(folder, serverCertFile), filepath.Join(folder, serverKeyFile), log)
	return e, err
}
