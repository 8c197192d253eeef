package main

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// readyPath is where a server says whether it can serve, to anyone.
const readyPath = "/_/health/ready"

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
