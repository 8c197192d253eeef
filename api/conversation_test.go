package api

import (
	"bytes"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// TestConversations plays the files of testdata: requests and what they answer.
//
//	http [as=name | unsigned] [md5] [crlf] [tls] [all] [raw | json]
//	METHOD target
//	Header: value
//
//	body
//	----
//	status
//	header: value
//	document
//
// Requests are signed unless unsigned: by the root of the server's account, or by the
// user or account named by as. With md5 a Content-MD5 is added, with crlf
// the lines of the body, and an empty one, end in CRLF, with tls the request comes as over TLS. Ids of
// versions are called v1, v2 … in the order in which they first appear, here and in
// requests as {v1}; continuation tokens likewise {t1}, upload ids {u1}. {text*n} is text n times, {mfa} a code as in mfa_test.go. What
// hardly ever matters is left out of the answer unless all is given; raw shows the
// body as it is, json indented. "account name id=…" makes an account, "user name [account=id]
// [attach=policy]" a user whose policy follows, or gives one another policy. Other commands: "advance
// duration" moves the clock, "options region=…" starts a new server, and two that
// do what no request of this version can: "lock bucket/key mode=… for=… hold" stores
// an object that is locked, "mfadelete bucket" enables MFA Delete.
func TestConversations(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if strings.Contains(path, "fuzz") {
			t.Skip("an input that fuzzing found, which the fuzz targets run")
		}
		c := &conversation{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if c.server == nil || d.Cmd == "options" {
				c.start(t, d)
			}
			c.server.t = t
			switch d.Cmd {
			case "options":
				return ""
			case "http":
				return c.http(t, d)
			case "account", "user":
				return c.principal(t, d)
			case "lock":
				return c.lock(t, d)
			case "mfadelete":
				change := store.VersioningChange{State: versioning.Enabled, MFADelete: store.MFADeleteEnabled}
				if err := c.server.store.SetVersioning(t.Context(), d.CmdArgs[0].Key, change); err != nil {
					t.Fatal(err)
				}
				return ""
			case "advance":
				by, err := time.ParseDuration(d.CmdArgs[0].Key)
				if err != nil {
					t.Fatal(err)
				}
				c.server.clock.Advance(by)
				return ""
			}
			t.Fatalf("unknown command %q", d.Cmd)
			return ""
		})
		c.stop()
	})
}

// conversation is a server and the names that its answers have been given.
type conversation struct {
	server     *testServer
	principals *principals
	device     *identity.Enrollment // of the root, nil until {mfa} is used
	ids        []string
	tokens     []string
	uploads    []string
	stop       func()
}

func (c *conversation) start(t *testing.T, d *datadriven.TestData) {
	if c.stop != nil {
		c.stop()
	}
	owner := &cleaner{TB: t}
	*c = conversation{stop: owner.run}
	c.server = newTestServer(owner, func(o *Options) {
		c.principals = newPrincipals(owner, o.Clock)
		c.principals.use(o)
		o.Lifecycle = upkeep.NewExpirer(o.Store, lifecycle.ExpirerOptions{})
		if d.Cmd != "options" {
			return
		}
		for _, arg := range d.CmdArgs {
			switch arg.Key {
			case "region":
				o.Region = arg.Vals[0]
			case "accept-transitions":
				o.AcceptTransitions = true
			case "domain":
				o.Domains = append(o.Domains, arg.Vals[0])
			default:
				t.Fatalf("unknown option %q", arg.Key)
			}
		}
	})
}

// cleaner lets a server live longer than the part of the test that started it.
type cleaner struct {
	testing.TB
	cleanups []func()
}

func (c *cleaner) Cleanup(f func()) { c.cleanups = append(c.cleanups, f) }

func (c *cleaner) run() {
	for _, f := range slices.Backward(c.cleanups) {
		f()
	}
}

func (c *conversation) http(t *testing.T, d *datadriven.TestData) string {
	head, body, _ := strings.Cut(c.expand(d.Input), "\n\n")
	lines := strings.Split(head, "\n")
	method, target, ok := strings.Cut(lines[0], " ")
	if !ok {
		t.Fatalf("%s: %q is no request", d.Pos, lines[0])
	}
	if d.HasArg("crlf") {
		body = strings.ReplaceAll(body+"\n\n", "\n", "\r\n")
	}
	r := c.server.request(method, target, []byte(body))
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("%s: %q is no header", d.Pos, line)
		}
		setHeader(t, r, name, strings.TrimSpace(value))
	}
	if d.HasArg("md5") {
		sum := md5.Sum([]byte(body))
		r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	if !d.HasArg("unsigned") {
		c.server.signAs(caller(d), r, []byte(body))
	}
	if d.HasArg("tls") {
		return c.render(t, d, r, c.server.direct(r, []byte(body)))
	}
	return c.render(t, d, r, c.server.send(r))
}

// caller returns the name of whoever sends a request, empty for the root of the server's
// account.
func caller(d *datadriven.TestData) string {
	for _, arg := range d.CmdArgs {
		if arg.Key == "as" {
			return arg.Vals[0]
		}
	}
	return ""
}

// lock stores an object that is protected, and shows its id.
func (c *conversation) lock(t *testing.T, d *datadriven.TestData) string {
	var l versioning.Lock
	for _, arg := range d.CmdArgs[1:] {
		switch arg.Key {
		case "mode":
			l.Mode = map[string]versioning.Mode{"governance": versioning.Governance, "compliance": versioning.Compliance}[arg.Vals[0]]
		case "for":
			by, err := time.ParseDuration(arg.Vals[0])
			if err != nil {
				t.Fatal(err)
			}
			l.Until = c.server.clock.Now().Add(by)
		case "hold":
			l.Hold = versioning.HoldOn
		}
	}
	bucketName, key, _ := strings.Cut(d.CmdArgs[0].Key, "/")
	r := store.PutRequest{Bucket: bucketName, Key: key, Body: strings.NewReader("x"), Size: 1, Lock: l}
	result, err := c.server.store.Put(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c.name("version", result.VersionHeader)
}

func setHeader(t *testing.T, r *http.Request, name, value string) {
	switch {
	case strings.EqualFold(name, "Host"):
		r.Host = value
	case strings.EqualFold(name, "Content-Length"):
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = n
		// So much is announced, and nothing of it sent before the answer.
		r.Body, r.GetBody = stalled{}, nil
		r.Header.Set("Expect", "100-continue")
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	case strings.EqualFold(name, "Transfer-Encoding"):
		r.ContentLength = -1
	default:
		r.Header.Add(name, value)
	}
}

// stalled is a body that nobody may want.
type stalled struct{}

func (stalled) Read([]byte) (int, error) { return 0, fmt.Errorf("the body was asked for") }
func (stalled) Close() error             { return nil }

// direct hands r to the handler as if it had come over TLS.
func (s *testServer) direct(r *http.Request, body []byte) answer {
	r = r.Clone(r.Context())
	target := strings.TrimPrefix(r.URL.Opaque, "//"+r.URL.Host)
	u, err := r.URL.Parse("http://" + r.URL.Host + target)
	if err != nil {
		s.t.Fatal(err)
	}
	r.URL, r.Host, r.TLS = u, u.Host, &tls.ConnectionState{}
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	r.Body = nopCloser{bytes.NewReader(body)}
	s.handler.ServeHTTP(w, r)
	header := http.Header{}
	for name, values := range w.header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return answer{w.status, header, w.body.Bytes()}
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

var (
	repeated = regexp.MustCompile(`\{([^{}]*)\*([0-9]+)\}`)
	named    = regexp.MustCompile(`\{([vtu])([0-9]+)\}`)
)

// expand puts in the ids and tokens that a request names, and {text*n}.
func (c *conversation) expand(s string) string {
	s = c.expandMFA(s)
	s = named.ReplaceAllStringFunc(s, func(m string) string {
		n, _ := strconv.Atoi(m[2 : len(m)-1])
		list := c.ids
		switch m[1] {
		case 't':
			list = c.tokens
		case 'u':
			list = c.uploads
		}
		if n < 1 || n > len(list) {
			c.server.t.Fatalf("nothing was called %s", m)
		}
		return list[n-1]
	})
	return repeated.ReplaceAllStringFunc(s, func(m string) string {
		parts := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], n)
	})
}

var versionID = regexp.MustCompile(`^[A-Za-z0-9._]{32}$`)

// name gives an id or token its name.
func (c *conversation) name(element, value string) string {
	switch {
	case strings.HasSuffix(element, "ContinuationToken"):
		return nameIn(&c.tokens, "t", value)
	case versionID.MatchString(value) && strings.Contains(element, "UploadId"):
		return nameIn(&c.uploads, "u", value)
	case versionID.MatchString(value) && strings.Contains(strings.ToLower(element), "version"):
		return nameIn(&c.ids, "v", value)
	}
	if element == "ID" && requestID.MatchString(value) {
		return "generated"
	}
	value = strings.ReplaceAll(value, c.server.http.URL, "http://server")
	for i, id := range c.ids {
		value = strings.ReplaceAll(value, id, "{v"+strconv.Itoa(i+1)+"}")
	}
	for i, id := range c.uploads {
		value = strings.ReplaceAll(value, id, "{u"+strconv.Itoa(i+1)+"}")
	}
	return value
}

func nameIn(list *[]string, letter, value string) string {
	i := slices.Index(*list, value)
	if i < 0 {
		i = len(*list)
		*list = append(*list, value)
	}
	return letter + strconv.Itoa(i+1)
}

// quiet are the headers that hardly ever matter.
var quiet = []string{
	"Accept-Ranges", "Content-Length", "Content-Type", "Etag", "Last-Modified", "Location",
	"X-Amz-Server-Side-Encryption", "X-Amz-Checksum-Crc64nvme", "X-Amz-Checksum-Type",
}

// never are the headers that differ from run to run, or are checked always.
var never = []string{"Date", "Server", "X-Amz-Request-Id", "X-Amz-Id-2", "Connection"}

// render shows an answer.
func (c *conversation) render(t *testing.T, d *datadriven.TestData, r *http.Request, a answer) string {
	if a.header.Get("Server") != "AmazonS3" || !requestID.MatchString(a.header.Get("X-Amz-Request-Id")) || a.header.Get("X-Amz-Id-2") == "" {
		t.Errorf("%s: headers of every answer: %v", d.Pos, a.header)
	}
	out := &renderer{all: d.HasArg("all"), rename: c.name}
	fmt.Fprintf(&out.builder, "%d\n", a.status)
	names := make([]string, 0, len(a.header))
	for name := range a.header {
		if !slices.Contains(never, name) && (out.all || !slices.Contains(quiet, name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(a.header[name], " | ")
		fmt.Fprintf(&out.builder, "%s: %s\n", strings.ToLower(name), quoteOdd(c.name(name, value)))
	}
	if d.HasArg("json") {
		c.renderJSON(t, a.body, out)
		return out.builder.String()
	}
	if a.header.Get("Content-Type") == "application/x-ndjson" {
		out.builder.WriteString(c.nameInLines(string(a.body)))
		return out.builder.String()
	}
	if d.HasArg("raw") || a.header.Get("Content-Type") != "application/xml" {
		if len(a.body) > 0 {
			out.builder.WriteString(quoteOdd(string(a.body)) + "\n")
		}
		return out.builder.String()
	}
	c.renderDocument(t, d, r, a, out)
	return out.builder.String()
}

var requestID = regexp.MustCompile(`^[A-Z0-9]{16}$`)

// renderDocument shows the document of an answer and checks what all have in common.
func (c *conversation) renderDocument(t *testing.T, d *datadriven.TestData, r *http.Request, a answer, out *renderer) {
	if r.Method == http.MethodHead {
		if len(a.body) > 0 {
			t.Errorf("%s: a HEAD has a body", d.Pos)
		}
		return
	}
	root, err := parseAnswer(a.body)
	if err != nil {
		t.Fatalf("%s: %v in %s", d.Pos, err, a.body)
	}
	want := namespace
	if root.XMLName.Local == "Error" {
		want = ""
		if root.child("RequestId") != a.header.Get("X-Amz-Request-Id") || root.child("HostId") != a.header.Get("X-Amz-Id-2") {
			t.Errorf("%s: ids differ from headers", d.Pos)
		}
	}
	if root.XMLName.Space != want {
		t.Errorf("%s: namespace %q", d.Pos, root.XMLName.Space)
	}
	out.document(root)
}
