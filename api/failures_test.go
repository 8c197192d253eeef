package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
)

// moodyEngine commits or fails as it is told.
type moodyEngine struct {
	engine.Engine
	fail  atomic.Pointer[error]
	table byte // fail commits of this table only, 0 for all; set before fail
}

func (e *moodyEngine) Commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	concerned := func(m engine.Mutation) bool { return e.table == 0 || m.Key[0] == e.table }
	if err := e.fail.Load(); err != nil && slices.ContainsFunc(mutations, concerned) {
		return *err
	}
	return e.Engine.Commit(ctx, guards, mutations)
}

// newMoodyServer starts a server whose index fails when told to, and whose files
// are in fs.
func newMoodyServer(t *testing.T) (*testServer, *moodyEngine, blob.FS) {
	t.Helper()
	moody, fs := &moodyEngine{}, blob.MemFS()
	st, err := store.Open("data", store.Options{FS: fs, MinFree: -1, WrapEngine: func(e engine.Engine) engine.Engine {
		moody.Engine = e
		return moody
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return newTestServer(t, func(o *Options) { o.Store = st }), moody, fs
}

// A bucket that cannot be given the tags it was to have is not there.
func TestCreateBucketTagsFail(t *testing.T) {
	s, moody, _ := newMoodyServer(t)
	const tagged = "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>"
	cause := errors.New("the disk is on fire")
	moody.table = 'C' // that of configurations
	moody.fail.Store(&cause)
	if a := s.do("PUT", "/bucket", tagged); a.status != 500 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.do("HEAD", "/bucket", ""); a.status != 404 {
		t.Errorf("without its tags the bucket is %d", a.status)
	}
	moody.fail.Store(nil)
	s.must("PUT", "/bucket", tagged)
	if a := s.must("GET", "/bucket?tagging", ""); !strings.Contains(string(a.body), "<Key>a</Key>") {
		t.Errorf("tags are %s", a.body)
	}
}

// What fails inside is answered 500 and logged once, and what it was is not told.
// spec: WI2.2-16, VD5-22
func TestInternalError(t *testing.T) {
	s, moody, _ := newMoodyServer(t)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "x")
	cause := errors.New("the disk is on fire")
	moody.fail.Store(&cause)
	requests := []struct{ method, target, body string }{
		{"PUT", "/bucket/key", "y"}, {"DELETE", "/bucket/key", ""}, {"PUT", "/other", ""},
		{"PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"},
	}
	for _, r := range requests {
		before := strings.Count(s.log.String(), "on fire")
		a := s.do(r.method, r.target, r.body)
		if a.status != 500 || !strings.Contains(string(a.body), "InternalError") || strings.Contains(string(a.body), "fire") {
			t.Errorf("%s %s: %d %s", r.method, r.target, a.status, a.body)
		}
		if logged := strings.Count(s.log.String(), "on fire") - before; logged != 1 {
			t.Errorf("%s %s: logged %d times", r.method, r.target, logged)
		}
	}
	moody.fail.Store(nil)
	if a := s.must("GET", "/bucket/key", ""); string(a.body) != "x" {
		t.Errorf("the object is %q", a.body)
	}
}

// An entry of DeleteObjects that fails inside is an error of its own.
// spec: VD5-22
func TestEntryFailsInside(t *testing.T) {
	s := newTestServer(t, nil)
	w := &recorder{header: http.Header{}}
	x := &exchange{ResponseWriter: w, h: s.handler, r: s.request("POST", "/bucket?delete", nil), id: "ID"}
	d := newDocument(w, "DeleteResult", false)
	x.report(d, &identifier{key: "k"}, &store.DeleteResult{Err: errors.New("the disk is on fire")}, true)
	if err := d.end("DeleteResult"); err != nil {
		t.Fatal(err)
	}
	root, err := parseAnswer(w.body.Bytes())
	if err != nil || len(root.Children) != 1 || root.Children[0].child("Code") != "InternalError" || strings.Contains(w.body.String(), "fire") {
		t.Errorf("%v %s", err, w.body.String())
	}
	if !strings.Contains(s.log.String(), "on fire") {
		t.Error("nothing is logged")
	}
}

// A change that meets others too often is answered 503; with a condition it is the
// condition that could not be judged.
// spec: VD6-7, VD7-14, WI2.2-10, WI2.2-54
func TestConflicts(t *testing.T) {
	s, moody, _ := newMoodyServer(t)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "x")
	conflict := engine.ErrConflict
	moody.fail.Store(&conflict)
	tests := []struct {
		method, header, value, code, condition string
		status                                 int
	}{
		{"PUT", "", "", "SlowDown", "", 503},
		{"DELETE", "", "", "SlowDown", "", 503},
		{"DELETE", "If-Match", "*", "ConditionalRequestConflict", "If-Match", 409},
		{"PUT", "If-Match", "9dd4e461268c8034f5c8564e155c67a6", "ConditionalRequestConflict", "If-Match", 409},
	}
	for _, test := range tests {
		headers := []string{test.header, test.value}
		if test.header == "" {
			headers = nil
		}
		a := s.do(test.method, "/bucket/key", "", headers...)
		root, err := parseAnswer(a.body)
		if err != nil {
			t.Fatal(err)
		}
		if a.status != test.status || root.child("Code") != test.code || root.child("Condition") != test.condition {
			t.Errorf("%s %s: %d %s", test.method, test.header, a.status, a.body)
		}
		if test.condition != "" && (root.child("Key") != "key" || !strings.Contains(root.child("Message"), "conflicting operation")) {
			t.Errorf("%s %s: %s", test.method, test.header, a.body)
		}
	}
}

// damage changes a byte of the only blob file, counted from its end if negative.
func damage(t *testing.T, fs blob.FS, at int64) {
	t.Helper()
	var find func(dir string) string
	find = func(dir string) string {
		names, err := fs.List(dir)
		if err != nil {
			return dir // a file
		}
		for _, name := range names {
			if path := find(fs.PathJoin(dir, name)); path != "" {
				return path
			}
		}
		return ""
	}
	path := find(fs.PathJoin("data", "blobs"))
	info, err := fs.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fs.OpenReadWrite(path, "blob")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if at < 0 {
		at += info.Size()
	}
	one := make([]byte, 1)
	if _, err := f.ReadAt(one, at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 1
	if _, err := f.WriteAt(one, at); err != nil {
		t.Fatal(err)
	}
}

// Damage in the first block is answered 500, damage further on cuts the connection:
// no client takes what it has for the whole.
func TestDamage(t *testing.T) {
	for _, test := range []struct {
		name string
		at   int64
	}{{"first block", 1000}, {"last block", -100}} {
		t.Run(test.name, func(t *testing.T) {
			s, _, fs := newMoodyServer(t)
			s.must("PUT", "/bucket", "")
			s.must("PUT", "/bucket/key", strings.Repeat("0123456789abcdef", 1<<16))
			damage(t, fs, test.at)
			r := s.request("GET", "/bucket/key", nil)
			s.sign(r, nil)
			resp, err := s.http.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if test.at > 0 && (resp.StatusCode != 500 || err != nil || resp.Header.Get("Etag") != "") {
				t.Errorf("%d %v %v", resp.StatusCode, resp.Header, err)
			}
			if test.at < 0 && (resp.StatusCode != 200 || err == nil || len(body) == 1<<20) {
				t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(body), err)
			}
			s.http.Close() // waits for the handler
			if n := strings.Count(s.log.String(), "request failed"); n != 1 {
				t.Errorf("logged %d times:\n%s", n, s.log.String())
			}
		})
	}
}

// A client that goes away in the middle of its body, or of the answer, leaves no
// trace in the store and no failure in the log.
// spec: WI1.3-19
func TestClientGoesAway(t *testing.T) {
	s, _, _ := newMoodyServer(t)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", strings.Repeat("x", 1<<22))

	ctx, cancel := context.WithCancel(context.Background())
	r := s.request("PUT", "/bucket/half", nil).WithContext(ctx)
	r.ContentLength, r.GetBody = 100, nil
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), &leaving{cancel}))
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	s.sign(r, nil)
	if resp, err := s.http.Client().Do(r); err == nil {
		resp.Body.Close()
		t.Error("half a body was answered")
	}

	r = s.request("GET", "/bucket/key", nil)
	s.sign(r, nil)
	resp, err := s.http.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()

	if a := s.do("GET", "/bucket/half", ""); a.status != 404 {
		t.Errorf("half an object: %d", a.status)
	}
	s.http.Close()
	if log := s.log.String(); strings.Contains(log, "request failed") {
		t.Errorf("logged:\n%s", log)
	}
}

// leaving is a body that ends with its client's leaving.
type leaving struct{ cancel func() }

func (l *leaving) Read([]byte) (int, error) {
	l.cancel()
	return 0, context.Canceled
}
