package api

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func networks(t *testing.T, texts ...string) []netip.Prefix {
	t.Helper()
	var nets []netip.Prefix
	for _, text := range texts {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		nets = append(nets, n)
	}
	return nets
}

func TestOrigin(t *testing.T) {
	trusted := networks(t, "10.0.0.0/8", "fd00::/8")
	tests := []struct {
		name, peer  string
		headers     []string
		tls         bool
		remote      string
		secure      bool
		host        string
		fromProxies bool
	}{
		{name: "direct", peer: "192.0.2.1:5", remote: "192.0.2.1", host: "s3"},
		{name: "direct over TLS", peer: "[2001:db8::1]:5", tls: true, remote: "2001:db8::1", secure: true, host: "s3"},
		{name: "anybody can say anything", peer: "192.0.2.1:5", headers: []string{"X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: other"},
			remote: "192.0.2.1", host: "s3"},
		{name: "a proxy", peer: "10.0.0.1:5", headers: []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: b.s3"},
			remote: "192.0.2.1", secure: true, host: "b.s3", fromProxies: true},
		{name: "a proxy that says nothing", peer: "10.0.0.1:5", remote: "10.0.0.1", host: "s3", fromProxies: true},
		{name: "what the client wrote before the proxy", peer: "10.0.0.1:5", headers: []string{"X-Forwarded-For: 203.0.113.9, 192.0.2.1"},
			remote: "192.0.2.1", host: "s3", fromProxies: true},
		{name: "two proxies, two lines", peer: "10.0.0.1:5", headers: []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 192.0.2.1,10.0.0.2"},
			remote: "192.0.2.1", host: "s3", fromProxies: true},
		{name: "proxies all the way", peer: "10.0.0.1:5", headers: []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"},
			remote: "10.0.0.3", host: "s3", fromProxies: true},
		{name: "junk in the chain", peer: "10.0.0.1:5", headers: []string{"X-Forwarded-For: 192.0.2.1, unknown, 10.0.0.2"},
			remote: "10.0.0.2", host: "s3", fromProxies: true},
		{name: "with a port", peer: "10.0.0.1:5", headers: []string{"X-Forwarded-For: [2001:db8::1]:443"}, remote: "2001:db8::1", host: "s3", fromProxies: true},
		{name: "mapped", peer: "[::ffff:10.0.0.1]:5", headers: []string{"X-Forwarded-For: ::ffff:192.0.2.1"}, remote: "192.0.2.1", host: "s3", fromProxies: true},
		{name: "with a zone", peer: "[fd00::1%eth0]:5", remote: "fd00::1%eth0", host: "s3", fromProxies: true},
		{name: "the nearest proxy speaks last", peer: "10.0.0.1:5", headers: []string{"X-Forwarded-Proto: https, http", "X-Forwarded-Host: forged, real"},
			tls: true, remote: "10.0.0.1", host: "real", fromProxies: true},
		{name: "no address", peer: "@", host: "s3"},
	}
	for _, test := range tests {
		r := &http.Request{RemoteAddr: test.peer, Host: "s3", Header: http.Header{}}
		if test.tls {
			r.TLS = &tls.ConnectionState{}
		}
		for _, line := range test.headers {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Add(name, value)
		}
		o := originOf(r, trusted)
		x := &exchange{origin: o}
		if x.remote() != test.remote || o.secure != test.secure || o.host != test.host || o.proxied != test.fromProxies {
			t.Errorf("%s: %q, %+v", test.name, x.remote(), o)
		}
	}
}

// Behind a trusted proxy the request is the client's: its host names the bucket and
// is signed, its encryption counts, and its connection is not kept for others when
// it could be off.
func TestBehindProxy(t *testing.T) {
	s := newTestServer(t, func(o *Options) {
		o.TrustedProxies, o.Domains, o.AccessLog = networks(t, "127.0.0.0/8"), []string{"s3.test"}, true
	})
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "x")
	r := s.request("GET", "/key", nil)
	r.Host = "bucket.s3.test"
	s.sign(r, nil)
	r.Host = "upstream"
	r.Header.Set("X-Forwarded-Host", "bucket.s3.test")
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	if a := s.send(r); a.status != 200 || string(a.body) != "x" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !strings.Contains(s.log.String(), "remote=203.0.113.7") {
		t.Errorf("the log does not name the client:\n%s", s.log.String())
	}
	for proto, want := range map[string]int{"http": 400, "https": 204} {
		if a := s.do("DELETE", "/bucket/none", "", "X-Amz-Mfa", "serial 123456", "X-Forwarded-Proto", proto); a.status != want {
			t.Errorf("x-amz-mfa over %s: %d %s, want %d", proto, a.status, a.body, want)
		}
	}
}
