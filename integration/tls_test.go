package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed61737384/tombstone/integration/launch"
)

var bannerTrust = regexp.MustCompile(`(?m)^trust +(\S+)`)

// trusting returns a client that trusts the authority the banner names and nobody
// else, and that finds any host at the server.
func trusting(t *testing.T, server *launch.Process) *http.Client {
	t.Helper()
	named := bannerTrust.FindStringSubmatch(server.Output())
	for limit := time.Now().Add(patience); named == nil; named = bannerTrust.FindStringSubmatch(server.Output()) {
		if time.Now().After(limit) {
			t.Fatalf("the banner names nobody to trust:\n%s", server.Output())
		}
		runtime.Gosched() // what the server printed may still be on its way
	}
	authority, err := os.ReadFile(named[1])
	must(t, err)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	address := strings.TrimPrefix(server.Endpoint, "https://")
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// over returns an SDK client that speaks through another HTTP client.
func over(t *testing.T, endpoint string, by *http.Client, pathStyle bool) awsClient {
	o := newAWS(t, endpoint).s3.Options()
	o.HTTPClient, o.UsePathStyle = by, pathStyle
	return awsClient{s3: s3.New(o)}
}

// A certificate made at start serves clients that trust its authority, under
// loopback and under the hosts of buckets, over HTTP/2; it stays over a restart.
//
// spec: WI2-1
func TestSelfSignedServer(t *testing.T) {
	data := t.TempDir()
	args := []string{"--data", data, "--tls-self-signed", "--domain", "s3.test,other.test"}
	server := startFor(t, args...)
	if !strings.HasPrefix(server.Endpoint, "https://") {
		t.Fatalf("endpoint %s", server.Endpoint)
	}
	by := trusting(t, server)
	c := over(t, server.Endpoint, by, true)
	must(t, c.createBucket("bucket"))
	for i, n := range sizes {
		_, err := c.put("bucket", "k", content(i, n))
		must(t, err)
		wantBody(t, c, "bucket", "k", "", content(i, n))
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.Endpoint, "https://"))
	for _, domain := range []string{"s3.test", "other.test"} {
		hosted := over(t, "https://"+domain+":"+port, by, false)
		_, err := hosted.put("bucket", domain, []byte(domain))
		must(t, err)
		wantBody(t, c, "bucket", domain, "", []byte(domain))
	}
	answer, err := by.Get(server.Endpoint + "/_/health/ready")
	must(t, err)
	answer.Body.Close()
	if answer.ProtoMajor != 2 || answer.TLS.Version < tls.VersionTLS12 {
		t.Errorf("spoke %s over TLS %x", answer.Proto, answer.TLS.Version)
	}
	must(t, server.Stop())
	must(t, check(data))
	server = startFor(t, args...)
	again := trusting(t, server)
	// The authority of the first start is still the one.
	again.Transport.(*http.Transport).TLSClientConfig = by.Transport.(*http.Transport).TLSClientConfig
	wantBody(t, over(t, server.Endpoint, again, true), "bucket", "s3.test", "", []byte("s3.test"))
}

// Older versions of TLS, and no TLS, get nothing.
func TestTLSAlone(t *testing.T) {
	server := startFor(t, "--memory", "--tls-self-signed")
	address := strings.TrimPrefix(server.Endpoint, "https://")
	if conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was spoken")
	}
	if answer, err := http.Get("http://" + address + "/_/health/live"); err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP: %s", answer.Status)
		}
	}
	// In a container the probe may know nothing of the server's flags.
	for _, env := range []string{"TOMBSTONE_TLS_SELF_SIGNED=true", "TOMBSTONE_TLS_SELF_SIGNED=false"} {
		cmd := exec.Command(binary, "health")
		cmd.Env = append(os.Environ(), "TOMBSTONE_ADDRESS="+address, env)
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "ready\n" {
			t.Errorf("health with %s: %v, %s", env, err, out)
		}
	}
	must(t, server.Stop()) // and its temporary folder is gone
}

// writePair writes a certificate of its own for localhost.
func writePair(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// awaitSerial shakes hands until the server shows the certificate of that number.
func awaitSerial(t *testing.T, server *launch.Process, want int64) {
	t.Helper()
	limit := time.After(patience)
	for {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(server.Endpoint, "https://"), &tls.Config{InsecureSkipVerify: true})
		must(t, err)
		serial := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
		conn.Close()
		if serial == want {
			return
		}
		select {
		case <-limit:
			t.Fatalf("the certificate is still %d, want %d\n%s", serial, want, server.Output())
		default:
		}
	}
}

// A renewed certificate is taken at SIGHUP, and by itself; requests under way and
// connections that are open are not disturbed.
func TestCertificateIsRenewed(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	writePair(t, certFile, keyFile, 1)
	server := startFor(t, "--memory", "--tls-cert", certFile, "--tls-key", keyFile)
	awaitSerial(t, server, 1)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	c := over(t, server.Endpoint, &http.Client{Transport: transport}, true)
	must(t, c.createBucket("bucket"))
	writePair(t, certFile, keyFile, 2)
	must(t, server.Signal(syscall.SIGHUP))
	awaitSerial(t, server, 2)
	writePair(t, certFile, keyFile, 3)
	awaitSerial(t, server, 3)
	must(t, os.WriteFile(certFile, []byte("no certificate"), 0o600))
	must(t, server.Signal(syscall.SIGHUP))
	awaitSerial(t, server, 3)
	must(t, c.deleteBucket("bucket"))
	must(t, server.Stop())
}
