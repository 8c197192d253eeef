package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shown returns the serial number of the certificate that a handshake gets.
func shown(t *testing.T, c *certificates) string {
	t.Helper()
	cert, err := c.show(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.SerialNumber.String()
}

// makePair makes a certificate in a new folder and returns its files.
func makePair(t *testing.T, now time.Time) (certFile, keyFile string) {
	t.Helper()
	folder := t.TempDir()
	if err := selfSigned(folder, []string{"localhost"}, now); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, serverCertFile), filepath.Join(folder, serverKeyFile)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A certificate that changes is shown without a restart; one that cannot be used
// leaves the old one in place.
func TestCertificateIsReadAgain(t *testing.T) {
	certFile, keyFile := makePair(t, time.Now())
	var log bytes.Buffer
	c, err := readCertificates(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	first := shown(t, c)
	newCert, newKey := makePair(t, time.Now())
	copyFile(t, newCert, certFile) // does not fit the key
	c.looked = time.Time{}
	if shown(t, c) != first || !strings.Contains(log.String(), "the old one stays") {
		t.Errorf("half a change was taken\n%s", log.String())
	}
	c.looked = time.Time{}
	if shown(t, c); strings.Count(log.String(), "the old one stays") != 1 {
		t.Errorf("the same files were read twice\n%s", log.String())
	}
	copyFile(t, newKey, keyFile)
	if shown(t, c) != first {
		t.Error("the files were looked at twice in a second")
	}
	c.looked = time.Time{}
	second := shown(t, c)
	if second == first {
		t.Errorf("the change was not taken\n%s", log.String())
	}
	oldCert, oldKey := makePair(t, time.Now().Add(-2*selfSignedFor))
	copyFile(t, oldCert, certFile)
	copyFile(t, oldKey, keyFile)
	if c.reload(); shown(t, c) != second || !strings.Contains(log.String(), "the certificate ended at") {
		t.Errorf("a certificate that has ended was taken\n%s", log.String())
	}
}

func TestCertificatesAreRefused(t *testing.T) {
	certFile, keyFile := makePair(t, time.Now())
	for _, files := range [][2]string{{"/none", keyFile}, {certFile, "/none"}, {keyFile, certFile}} {
		_, err := readCertificates(files[0], files[1], slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "--tls-cert "+files[0]) || !strings.Contains(err.Error(), "--tls-key "+files[1]) {
			t.Errorf("%v: %v, want an error that names both settings", files, err)
		}
	}
	for args, want := range map[string]string{
		"--tls-cert c": "--tls-key is not",
		"--tls-key k":  "--tls-cert is not",
		"--tls-cert c --tls-key k --tls-self-signed": "both set",
	} {
		if _, err := parseConfig(given(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// A certificate made at start is good for clients that trust its authority, for
// all names at once, and stays as long as it fits.
func TestSelfSigned(t *testing.T) {
	folder, now := filepath.Join(t.TempDir(), "tls"), time.Now()
	names := selfSignedNames(config{address: "192.0.2.7:9000", domains: []string{"s3.test"}})
	serial := func(names []string, now time.Time) string {
		if err := selfSigned(folder, names, now); err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(filepath.Join(folder, serverCertFile), filepath.Join(folder, serverKeyFile))
		if err != nil {
			t.Fatal(err)
		}
		authority, err := os.ReadFile(filepath.Join(folder, authorityFile))
		if err != nil {
			t.Fatal(err)
		}
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(authority)
		for _, name := range []string{"localhost", "127.0.0.1", "::1", "s3.test", "bucket.s3.test", "192.0.2.7"} {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: trusted, DNSName: name, CurrentTime: now}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return pair.Leaf.SerialNumber.String()
	}
	first := serial(names, now)
	if serial(names, now) != first || serial(names[:3], now.Add(selfSignedFor/2)) != first {
		t.Error("a certificate that fits was made anew")
	}
	more := serial(append(names, "other.test"), now)
	if more == first {
		t.Error("a certificate without a name was kept")
	}
	late := serial(names, now.Add(selfSignedFor-selfSignedLeft/2))
	if late == more {
		t.Error("a certificate that ends soon was kept")
	}
	copyFile(t, filepath.Join(folder, authorityFile), filepath.Join(folder, serverCertFile))
	if serial(names, now.Add(selfSignedFor)) == late {
		t.Error("a certificate that does not fit its key was kept")
	}
	info, err := os.Stat(filepath.Join(folder, serverKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v, %v", info.Mode(), err)
	}
}

func TestSelfSignedInMemory(t *testing.T) {
	c := config{data: filepath.Join(t.TempDir(), "absent"), memory: true, selfSigned: true}
	e, err := prepareTLS(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(e.authority); err != nil {
		t.Error(err)
	}
	if err := e.remove(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{e.authority, c.data} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}
