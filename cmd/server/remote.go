package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/api"
	"github.com/seed61737384/tombstone/auth"
)

// maxRefusal bounds what is read of an answer that refuses, bytes.
const maxRefusal = 1 << 20

// remoteConfig says which server a command talks to, and how it shows the answer.
type remoteConfig struct {
	endpoint *url.URL
	bundle   string // PEM file of certificates to trust, empty for the system's
	json     bool
}

// remoteSettings is the table of what the commands that talk to a running server
// take, each besides its own.
func remoteSettings() []setting {
	return []setting{
		{flag: "endpoint", env: "TOMBSTONE_ENDPOINT", alias: "AWS_ENDPOINT_URL", initial: "http://127.0.0.1:9000", apply: setEndpoint,
			help: "URL of the server"},
		{flag: "access-key", env: "TOMBSTONE_ACCESS_KEY", alias: "AWS_ACCESS_KEY_ID", apply: setAccessKey,
			help: "access key to sign with (if not set, the public default pair: " + defaultKeys.Access + ", " + defaultKeys.Secret + ")"},
		{flag: "secret-key", env: "TOMBSTONE_SECRET_KEY", alias: "AWS_SECRET_ACCESS_KEY", secret: true, apply: setSecretKey,
			help: "its secret key; better not as a flag, which ps shows"},
		{flag: "region", env: "TOMBSTONE_REGION", alias: "AWS_DEFAULT_REGION", initial: "us-east-1", apply: setRegion,
			help: "the region to sign for"},
		{flag: "ca-bundle", env: "TOMBSTONE_CA_BUNDLE", alias: "AWS_CA_BUNDLE", apply: setFile(func(c *config) *string { return &c.remote.bundle }),
			help: "PEM file of certificates to trust for HTTPS"},
		{flag: "json", env: "TOMBSTONE_JSON", initial: "false", toggle: true, apply: setSwitch(func(c *config) *bool { return &c.remote.json }),
			help: "print JSON"},
	}
}

func setEndpoint(c *config, v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("not a URL such as http://127.0.0.1:9000")
	}
	c.remote.endpoint = u
	return nil
}

// remote is a running server that a command talks to.
type remote struct {
	process
	config
	client *http.Client
	given  map[string]string   // flags of the command's own, the last value of each
	all    map[string][]string // all values of each
	rest   []string            // what is no flag
	asked  bool                // the server was asked for something
}

// remote reads the command line of the command of a name, which talks to a running
// server and has flags of its own besides; of these a name that ends in "?" is a switch.
func (p process) remote(name string, own ...string) (*remote, error) {
	list := remoteSettings()
	known := slices.Clone(list)
	for _, f := range own {
		flag, toggle := strings.CutSuffix(f, "?")
		known = append(known, setting{flag: flag, toggle: toggle})
	}
	all, rest, err := parseAllFlags(p.args, known)
	if err != nil {
		return nil, withHint(err, name)
	}
	given := lastOf(all)
	for _, s := range known[len(list):] {
		value, sent := given[s.flag]
		if _, err := strconv.ParseBool(value); s.toggle && sent && err != nil {
			return nil, fmt.Errorf("--%s %q: neither true nor false", s.flag, value)
		}
	}
	c, err := collect(p, given, list)
	if err == nil {
		err = c.keys.complete()
	}
	if err != nil {
		return nil, err
	}
	if c.keys == (keyPair{}) {
		c.keys = defaultKeys
	}
	client, err := c.remote.client()
	return &remote{process: p, config: c, client: client, given: given, all: all, rest: rest}, err
}

// client returns what sends requests. It trusts the certificates of the bundle only,
// if one is given.
func (c *remoteConfig) client() (*http.Client, error) {
	if c.bundle == "" {
		return http.DefaultClient, nil
	}
	text, err := os.ReadFile(c.bundle)
	if err != nil {
		return nil, fmt.Errorf("--ca-bundle: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca-bundle %s: no certificate in it", c.bundle)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}, nil
}

// refusal is an answer that refuses a request.
type refusal struct {
	status        int
	Code, Message string
}

// Error returns the message with its code.
func (r *refusal) Error() string {
	if r.Code == "" {
		return fmt.Sprintf("the server answered %d %s", r.status, http.StatusText(r.status))
	}
	return r.Code + ": " + r.Message
}

// call asks the server and decodes what it answers into out, nil for nothing. In is
// sent as JSON, nil for nothing. Path is below [api.AdminPath] and escaped.
func (r *remote) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	answer, err := r.ask(ctx, method, path, query, in)
	if err != nil {
		return err
	}
	defer answer.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(answer).Decode(out); err != nil {
		return fmt.Errorf("the answer of the server: %w", err)
	}
	return nil
}

// ask is call that returns the answer as it comes. The caller closes it.
func (r *remote) ask(ctx context.Context, method, path string, query url.Values, in any) (io.ReadCloser, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	target := strings.TrimSuffix(r.config.remote.endpoint.String(), "/") + api.AdminPath + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if mfa := r.given["mfa"]; mfa != "" {
		request.Header.Set("X-Amz-Mfa", mfa)
	}
	auth.Sign(request, auth.Credential{AccessKey: r.keys.Access, Secret: r.keys.Secret}, r.region, body, time.Now())
	r.asked = true
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, explainTrust(err)
	}
	if answer.StatusCode/100 == 2 {
		return answer.Body, nil
	}
	return nil, errors.Join(refusalOf(answer), answer.Body.Close())
}

// explainTrust says what to do about the certificate of a server that nobody known has
// signed, such as one that the server made itself.
func explainTrust(err error) error {
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return err
	}
	return fmt.Errorf("%w; --ca-bundle or AWS_CA_BUNDLE names a PEM file of certificates to trust", err)
}

// lines calls fn with each line of an answer.
func (r *remote) lines(ctx context.Context, path string, query url.Values, fn func([]byte) error) error {
	answer, err := r.ask(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	return eachLine(answer, fn)
}

// eachLine calls fn with each line of an answer, and closes it.
func eachLine(answer io.ReadCloser, fn func([]byte) error) error {
	defer answer.Close()
	in := bufio.NewReader(answer)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("the answer of the server: %w", err)
		}
		if err := fn(line); err != nil {
			return err
		}
	}
}

// refusalOf reads an answer that refuses: an error document, in XML as S3 has it.
func refusalOf(answer *http.Response) error {
	f := &refusal{status: answer.StatusCode}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	if err == nil && xml.Unmarshal(text, f) != nil {
		f.Code = "" // it says nothing that could be read
	}
	return f
}

// code returns the exit code of what went wrong with a command. What goes wrong before
// the server was asked lies in the command line or in the files that it names.
func (r *remote) code(err error) int {
	var f *refusal
	switch {
	case errors.Is(err, errUnsound):
		return exitUnsound
	case !r.asked, errors.As(err, &f) && f.status/100 == 4:
		return exitRefused
	}
	return exitFailed
}

// printJSON prints v indented.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
