package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	livePath  = "/_/health/live"
	readyPath = "/_/health/ready"
)

// healthProbes maps the paths of health probes to whether they ask for readiness:
// ours, and MinIO's, so that the probes of an existing deployment keep working.
var healthProbes = map[string]bool{
	livePath:              false,
	readyPath:             true,
	"/minio/health/live":  false,
	"/minio/health/ready": true,
}

// withHealth answers health probes and hands everything else to next. A probe is
// unsigned and path style: signed, /minio/health/live names a key in the bucket
// minio, and under one of domains it names a key in the bucket of the host.
func withHealth(next http.Handler, domains []string, ready func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asksReady, probe := healthProbes[r.URL.Path]
		if !probe || r.Method != http.MethodGet && r.Method != http.MethodHead || isSigned(r) || namesBucket(r.Host, domains) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		status, text := http.StatusOK, "ok"
		if asksReady && ready(r.Context()) != nil {
			status, text = http.StatusServiceUnavailable, "unavailable"
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "{\"status\":%q}\n", text) // a prober that has gone needs no answer
	})
}

func isSigned(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || strings.Contains(r.URL.RawQuery, "Signature=")
}

func namesBucket(host string, domains []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, d := range domains {
		if strings.HasSuffix(strings.ToLower(host), "."+d) {
			return true
		}
	}
	return false
}

// healthTimeout bounds the question of the command "health". Container engines
// give a probe a few seconds.
const healthTimeout = 2 * time.Second

// health asks a running server on this machine whether it is ready.
func health(p process) int {
	c, err := parseConfig(p, "address")
	if err != nil {
		return p.refuse(err)
	}
	if err := probe(c.address); err != nil {
		return p.complain(err, exitFailed)
	}
	fmt.Fprintln(p.stdout, "ready")
	return exitOK
}

func probe(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	client := http.Client{Timeout: healthTimeout}
	answer, err := client.Get("http://" + net.JoinHostPort(host, port) + readyPath)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server at %s is not ready: %s", address, answer.Status)
	}
	return nil
}
