package store

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

func mustACL(t *testing.T, s *Store, key string, id versioning.ID, acl []byte) (versionHeader string) {
	t.Helper()
	header, err := s.SetACL(t.Context(), ACLRequest{Bucket: "b", Key: key, ID: id, Build: listed(acl)})
	if err != nil {
		t.Fatal(err)
	}
	return header
}

// listed sets a list whoever the owner is.
func listed(acl []byte) func(Owner) ([]byte, error) {
	return func(Owner) ([]byte, error) { return acl, nil }
}

func aclOf(t *testing.T, s *Store, key string, id versioning.ID) []byte {
	t.Helper()
	o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: key, ID: id, Operation: versioning.GetObjectACL})
	if err != nil {
		t.Fatal(err)
	}
	return o.ACL
}

// The list of one version is changed; nothing else is, of no version: what heads,
// listings and counters show stays, and so does the order of the history.
//
// spec: VD4-23, VD4-24
func TestSetACL(t *testing.T) {
	for _, history := range []struct {
		words string
		state versioning.State
	}{
		{"N", versioning.Unversioned}, {"N", versioning.Suspended},
		{"N v v", versioning.Enabled}, {"v N v", versioning.Suspended},
	} {
		s := openTest(t, nil, nil)
		ids := lay(t, s, history.words, history.state)
		before, text, stats := shown(t, s), historyText(t, s, "b"), mustStatistics(t, s, "b")
		for n, id := range append(ids, versioning.ID{}) {
			want := bytes.Repeat([]byte{byte(n), 0xFF}, n+1)
			header := mustACL(t, s, "k", id, want)
			named := id
			if named.IsZero() {
				named = ids[len(ids)-1]
			}
			wantHeader := s.FormatVersionID(named)
			if history.state == versioning.Unversioned {
				wantHeader = ""
			}
			if got := aclOf(t, s, "k", id); header != wantHeader || !bytes.Equal(got, want) {
				t.Errorf("%v: version %d: header %q, want %q; list %x, want %x", history, n, header, wantHeader, got, want)
			}
			mustACL(t, s, "k", id, want) // nothing changes
			mustACL(t, s, "k", id, nil)
			if got := aclOf(t, s, "k", id); got != nil {
				t.Errorf("%v: version %d still has %x", history, n, got)
			}
		}
		if after := shown(t, s); !reflect.DeepEqual(after, before) || historyText(t, s, "b") != text {
			t.Errorf("%v: %+v became %+v", history, before, after)
		}
		if got := mustStatistics(t, s, "b"); got != stats {
			t.Errorf("%v: %+v became %+v", history, stats, got)
		}
		mustClean(t, s)
	}
}

// A list given with an object belongs to its version, whichever way the object is
// made; the next version and a copy begin without.
//
// spec: VD4-24
func TestACLOfPut(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	want := []byte("list")
	first, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader("one"), Size: 3, ACL: want})
	if err != nil {
		t.Fatal(err)
	}
	asIs := func(Object) (Description, error) { return Description{}, nil }
	for key, acl := range map[string][]byte{"plain": nil, "own": []byte("other")} {
		_, err := s.Copy(t.Context(), CopyRequest{
			Source: CopySource{Bucket: "b", Key: "k"}, Bucket: "b", Key: key, Describe: asIs, ACL: acl,
		})
		if got := aclOf(t, s, key, versioning.ID{}); err != nil || !bytes.Equal(got, acl) {
			t.Errorf("copy %s has %q, %v", key, got, err)
		}
	}
	mustPut(t, s, "b", "k", "two")
	if got := aclOf(t, s, "k", versioning.ID{}); got != nil {
		t.Errorf("the new version has %q", got)
	}
	if got := aclOf(t, s, "k", mustID(t, s, first.VersionHeader)); !bytes.Equal(got, want) {
		t.Errorf("the old version has %q", got)
	}
}

// A list given when an upload begins is kept until it ends.
func TestACLOfUpload(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	want := []byte("list")
	up, err := s.CreateUpload(t.Context(), UploadRequest{Bucket: "b", Key: "k", ACL: want})
	if err != nil {
		t.Fatal(err)
	}
	name := UploadName{Bucket: "b", Key: "k", ID: up.ID}
	part, err := s.PutPart(t.Context(), PartRequest{Upload: name, Number: 1, Body: strings.NewReader("x"), Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.CompleteUpload(t.Context(), CompleteRequest{
		Upload: name, Parts: []CompletedPart{{Number: 1, ETag: part.ETag}}, Size: -1,
	})
	if got := aclOf(t, s, "k", versioning.ID{}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

// spec: VD4-4, VD4-16, VD4-17
func TestSetACLRefused(t *testing.T) {
	s := openTest(t, nil, nil)
	ids := lay(t, s, "v D", versioning.Enabled)
	mustDelete(t, s, "b", "k", ids[0])
	for name, c := range map[string]struct {
		key  string
		id   versioning.ID
		want error
	}{
		"current marker": {"k", versioning.ID{}, versioning.MethodNotAllowed},
		"named marker":   {"k", ids[1], versioning.MethodNotAllowed},
		"gone version":   {"k", ids[0], versioning.NoSuchVersion},
		"absent key":     {"absent", versioning.ID{}, versioning.NoSuchKey},
		"invalid key":    {"a\x00b", versioning.ID{}, ErrInvalidKey},
	} {
		_, err := s.SetACL(t.Context(), ACLRequest{Bucket: "b", Key: c.key, ID: c.id, Build: listed([]byte("x"))})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := s.SetACL(t.Context(), ACLRequest{Bucket: "none", Key: "k"}); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	if got := historyText(t, s, "b"); got != "k[D]" {
		t.Errorf("history %q", got)
	}
	mustClean(t, s)
}

// A commit that conflicts, or whose outcome is unknown, is done once.
func TestSetACLFaults(t *testing.T) {
	s, p := openProbed(t, nil)
	ids := lay(t, s, "N v", versioning.Enabled)
	p.spoil(60)
	for n := range 50 {
		want := bytes.Repeat([]byte{1}, n%7+1)
		_, err := s.SetACL(t.Context(), ACLRequest{Bucket: "b", Key: "k", ID: ids[n%2], Build: listed(want)})
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		if got := aclOf(t, s, "k", ids[n%2]); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
	p.onCommit.Store(nil)
	if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	mustClean(t, s)
}

// What was answered is there after the power went, whole.
func TestSetACLSurvives(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := Options{FS: fs, MinFree: -1}
	s, err := Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	mustBucket(t, s, "b", versioning.Enabled)
	mustPut(t, s, "b", "k", "body")
	want := bytes.Repeat([]byte("grant"), 1000)
	mustACL(t, s, "k", versioning.ID{}, want)
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.FS = crashed
	if s, err = Open("data", o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := aclOf(t, s, "k", versioning.ID{}); !bytes.Equal(got, want) {
		t.Errorf("%d bytes are left", len(got))
	}
	mustClean(t, s)
}

// A rewrite keeps optional fields of a later version, and what else is set of the
// version.
func TestSetACLKeepsFields(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	id := mustID(t, s, mustPut(t, s, "b", "k", "body").VersionHeader)
	row := versionKey(mustBucketID(t, s), "k", id.Order())
	mustWrite(t, s, engine.Set(row, append(rowOf(t, s, row), later(laterOptional)...)))
	mustTags(t, s, "k", id, Tag{"a", "b"})
	mustACL(t, s, "k", id, []byte("list"))
	mustTags(t, s, "k", id, Tag{"c", "d"})
	if got := rowOf(t, s, row); !bytes.HasSuffix(got, later(laterOptional)) {
		t.Errorf("the field is lost from %x", got)
	}
	if got := aclOf(t, s, "k", id); string(got) != "list" {
		t.Errorf("tags took the list away: %q", got)
	}
}

// The list is made for the owner of the version, and what refuses that changes
// nothing; nor does what refuses the request.
//
// spec: AP3.1-14
func TestSetACLBuilds(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	writer := Owner{Account: "000000000002", CanonicalID: "w"}
	_, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader("x"), Size: 1, Owner: writer, ACL: []byte("old")})
	if err != nil {
		t.Fatal(err)
	}
	denied := errors.New("denied")
	refuse := func(f ObjectFacts) error {
		if !f.Exists || f.Owner != writer || string(f.ACL) != "old" {
			t.Errorf("asked about %+v", f)
		}
		return denied
	}
	never := func(Owner) ([]byte, error) { t.Error("a list is made"); return nil, nil }
	for _, r := range []ACLRequest{
		{Bucket: "b", Key: "k", Authorize: refuse, Build: never},
		{Bucket: "b", Key: "k", Build: func(o Owner) ([]byte, error) { return []byte(o.CanonicalID), denied }},
	} {
		if _, err := s.SetACL(t.Context(), r); !errors.Is(err, denied) {
			t.Error(err)
		}
	}
	if got := aclOf(t, s, "k", versioning.ID{}); string(got) != "old" {
		t.Errorf("the list is %q", got)
	}
	_, err = s.SetACL(t.Context(), ACLRequest{Bucket: "b", Key: "k", Build: func(o Owner) ([]byte, error) { return []byte(o.CanonicalID), nil }})
	if got := aclOf(t, s, "k", versioning.ID{}); err != nil || string(got) != "w" {
		t.Errorf("the list is %q, %v", got, err)
	}
	mustClean(t, s)
}
