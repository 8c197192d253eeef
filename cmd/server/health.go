package main

import (
	"crypto/tls"
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
	c, err := parseConfig(p, "address", "tls-cert", "tls-key", "tls-self-signed")
	if err != nil {
		return p.refuse(err)
	}
	if err := probe(c.address, c.secure()); err != nil {
		return p.complain(err, exitFailed)
	}
	fmt.Fprintln(p.stdout, "ready")
	return exitOK
}

// probe asks the server at address, and asks again over TLS where it turns out to
// speak that: flags that the server got are not known here. It does not judge the
// certificate, whose names are a matter between the server and its clients:
// nothing but a status is exchanged.
func probe(address string, secure bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	client := http.Client{Timeout: healthTimeout, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	target := net.JoinHostPort(host, port) + readyPath
	status := http.StatusBadRequest // what a server of TLS answers to a plain request
	if !secure {
		if status, err = ask(&client, "http://"+target); err != nil {
			return err
		}
	}
	if status == http.StatusBadRequest {
		if status, err = ask(&client, "https://"+target); err != nil {
			return err
		}
	}
	if status != http.StatusOK {
		return fmt.Errorf("the server at %s is not ready: %d %s", address, status, http.StatusText(status))
	}
	return nil
}

func ask(client *http.Client, target string) (status int, err error) {
	answer, err := client.Get(target)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
