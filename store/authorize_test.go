package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

var errDenied = errors.New("denied")

// asking is an Authorize that notes what it is asked about.
type asking struct {
	asked []ObjectFacts
	deny  bool
}

func (a *asking) authorize(f ObjectFacts) error {
	a.asked = append(a.asked, f)
	if a.deny {
		return errDenied
	}
	return nil
}

// requests are all requests about a key that can be authorized.
var requests = []struct {
	name string
	// current says that it asks about the current entry, whatever is named.
	current bool
	send    func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error
}{
	{"head", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		_, err := s.Head(ctx, ReadRequest{Bucket: "b", Key: key, ID: id, Authorize: a})
		return err
	}},
	{"get", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		o, err := s.Get(ctx, ReadRequest{Bucket: "b", Key: key, ID: id, Authorize: a})
		if err == nil {
			err = o.Close()
		}
		return err
	}},
	{"copy source", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		r := copyOf(key, id, "copy")
		r.Source.Authorize = a
		_, err := s.Copy(ctx, r)
		return err
	}},
	{"tags", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		_, err := s.SetTags(ctx, TagRequest{Bucket: "b", Key: key, ID: id, Tags: []Tag{{"new", "tag"}}, Authorize: a})
		return err
	}},
	{"retention", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		_, err := s.SetRetention(ctx, RetentionRequest{
			Bucket: "b", Key: key, ID: id, Mode: versioning.Governance, Until: start2026.AddDate(1, 0, 0), Authorize: a,
		})
		return err
	}},
	{"hold", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		_, err := s.SetLegalHold(ctx, HoldRequest{Bucket: "b", Key: key, ID: id, Hold: versioning.HoldOn, Authorize: a})
		return err
	}},
	{"delete", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		_, err := s.Delete(ctx, "b", DeleteRequest{Key: key, ID: id, Authorize: a})
		return err
	}},
	{"delete objects", false, func(ctx context.Context, s *Store, key string, id versioning.ID, a Authorize) error {
		res, err := s.DeleteObjects(ctx, "b", []DeleteRequest{{Key: key, ID: id, Authorize: a}})
		if err == nil {
			err = res[0].Err
		}
		return err
	}},
	{"put", true, func(ctx context.Context, s *Store, key string, _ versioning.ID, a Authorize) error {
		_, err := s.Put(ctx, PutRequest{Bucket: "b", Key: key, Body: strings.NewReader("x"), Size: 1, Authorize: a})
		return err
	}},
	{"copy", true, func(ctx context.Context, s *Store, key string, _ versioning.ID, a Authorize) error {
		r := copyOf("source", versioning.ID{}, key)
		r.Authorize = a
		_, err := s.Copy(ctx, r)
		return err
	}},
	{"complete", true, func(ctx context.Context, s *Store, key string, _ versioning.ID, a Authorize) error {
		up, err := s.CreateUpload(ctx, UploadRequest{Bucket: "b", Key: key})
		if err != nil {
			return err
		}
		name := UploadName{Bucket: "b", Key: key, ID: up.ID}
		part, err := s.PutPart(ctx, PartRequest{Upload: name, Number: 1, Body: strings.NewReader("x"), Size: 1})
		if err != nil {
			return err
		}
		_, err = s.CompleteUpload(ctx, CompleteRequest{
			Upload: name, Parts: []CompletedPart{{Number: 1, ETag: part.ETag}}, Size: -1, Authorize: a,
		})
		return errors.Join(err, s.AbortUpload(ctx, name, Maker{}))
	}},
}

// factual is a bucket whose entries differ in their facts.
type factual struct {
	s          *Store
	id, marker versioning.ID // of the older version of "k", and of the marker of "hidden"
	facts      ObjectFacts   // of id
}

func newFactual(t *testing.T) *factual {
	t.Helper()
	s, _ := locked(t)
	x := &factual{s: s, facts: ObjectFacts{
		Exists: true, Tags: []Tag{{"a", "b"}}, Owner: Owner{Account: "000000000002", CanonicalID: "c2"},
		Lock: versioning.Lock{Mode: versioning.Governance, Until: start2026.Add(time.Hour)},
	}}
	res, err := s.Put(t.Context(), PutRequest{
		Bucket: "b", Key: "k", Body: strings.NewReader("x"), Size: 1, Tags: x.facts.Tags, Owner: x.facts.Owner, Lock: x.facts.Lock,
	})
	if err != nil {
		t.Fatal(err)
	}
	x.id = mustID(t, s, res.VersionHeader)
	mustPut(t, s, "b", "k", "newer")
	mustPut(t, s, "b", "source", "x")
	mustPut(t, s, "b", "hidden", "x")
	x.marker = mustID(t, s, mustDelete(t, s, "b", "hidden", versioning.ID{}).VersionHeader)
	return x
}

// TestAuthorize asks, for every request, about the entry that it is about, before
// anything that depends on the entry is answered. What is denied changes nothing.
//
// spec: AP3.1-14
func TestAuthorize(t *testing.T) {
	object := ObjectFacts{Exists: true, Owner: testOwner}
	marker := ObjectFacts{Exists: true, Owner: testOwner, Marker: true}
	for _, r := range requests {
		x := newFactual(t)
		for _, c := range []struct {
			key            string
			id             versioning.ID
			named, current ObjectFacts
		}{
			{"k", x.id, x.facts, object},
			{"k", versioning.ID{}, object, object},
			{"k", versioning.Null, ObjectFacts{}, object},
			{"absent", versioning.ID{}, ObjectFacts{}, ObjectFacts{}},
			{"absent", x.marker, ObjectFacts{}, ObjectFacts{}},
			{"hidden", versioning.ID{}, marker, marker},
			{"hidden", x.marker, marker, marker},
		} {
			want := c.named
			if r.current {
				want = c.current
			}
			x.denied(t, r.name, want, func(a Authorize) error { return r.send(t.Context(), x.s, c.key, c.id, a) })
		}
		a := &asking{}
		err := r.send(t.Context(), x.s, "k", versioning.ID{}, a.authorize)
		if err != nil && !errors.Is(err, ErrNoSuchUpload) || len(a.asked) == 0 {
			t.Errorf("%s allowed: %v, asked %d times", r.name, err, len(a.asked))
		}
	}
}

// denied sends a request that is denied, which is to be asked about want.
func (x *factual) denied(t *testing.T, name string, want ObjectFacts, send func(Authorize) error) {
	t.Helper()
	before := historyText(t, x.s, "b")
	a := &asking{deny: true}
	if err := send(a.authorize); !errors.Is(err, errDenied) {
		t.Errorf("%s: %v", name, err)
	}
	if len(a.asked) == 0 || !sameFacts(a.asked[0], want) {
		t.Errorf("%s: asked about %+v, want %+v", name, a.asked, want)
	}
	if after := historyText(t, x.s, "b"); after != before {
		t.Errorf("%s: history was %q and is %q", name, before, after)
	}
	tags, lock := tagsOf(t, x.s, "k", x.id), lockOf(t, x.s, "k", x.id)
	if len(tags) != 1 || tags[0] != x.facts.Tags[0] || lock != x.facts.Lock {
		t.Errorf("%s: tags %v, lock %+v", name, tags, lock)
	}
	mustClean(t, x.s)
}

func sameFacts(x, y ObjectFacts) bool {
	same := x.Exists == y.Exists && x.Marker == y.Marker && x.Owner == y.Owner && x.Lock == y.Lock && len(x.Tags) == len(y.Tags)
	for i := range x.Tags {
		same = same && x.Tags[i] == y.Tags[i]
	}
	return same && string(x.ACL) == string(y.ACL)
}

// A put that is denied does not read its body, nor judge its condition.
func TestAuthorizeBeforeBody(t *testing.T) {
	s, _ := locked(t)
	condition, err := versioning.WriteCondition("other", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []versioning.Condition{{}, condition} {
		_, err := s.Put(t.Context(), PutRequest{
			Bucket: "b", Key: "k", Body: untouched{t}, Size: 1, Condition: c, Authorize: (&asking{deny: true}).authorize,
		})
		if !errors.Is(err, errDenied) {
			t.Error(err)
		}
	}
}

type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, errDenied
}

// Of one DeleteObjects some entries may be denied; the facts are those that earlier
// entries left.
//
// spec: VD5-18
func TestAuthorizeDeleteObjects(t *testing.T) {
	s, _ := locked(t)
	id := mustLock(t, s, "k", versioning.Lock{})
	deny, allow := &asking{deny: true}, &asking{}
	results, err := s.DeleteObjects(t.Context(), "b", []DeleteRequest{
		{Key: "k", ID: id, Authorize: deny.authorize}, {Key: "k", Authorize: allow.authorize}, {Key: "k", Authorize: deny.authorize},
	})
	if err != nil || !errors.Is(results[0].Err, errDenied) || results[1].Err != nil || !errors.Is(results[2].Err, errDenied) {
		t.Errorf("%+v, %v", results, err)
	}
	if got := historyText(t, s, "b"); got != "k[D] kv" || !deny.asked[1].Marker {
		t.Errorf("%q, %+v", got, deny.asked)
	}
	mustClean(t, s)
}

// Where MFA Delete is Enabled, a request that names a version needs a token, and
// without one nothing of it is done; all others need none.
//
// spec: OL2-7, OL2-8, OL2-9, OL2-11, OL2-12, VD9-6
func TestMFARequired(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	mfa := func(m MFADelete) {
		if err := s.SetVersioning(t.Context(), "b", VersioningChange{State: versioning.Enabled, MFADelete: m, MFA: true}); err != nil {
			t.Fatal(err)
		}
	}
	mfa(MFADeleteEnabled)
	id := mustID(t, s, mustPut(t, s, "b", "k", "x").VersionHeader)
	marker := mustID(t, s, mustDelete(t, s, "b", "k", versioning.ID{}).VersionHeader)
	for _, named := range []versioning.ID{id, marker, versioning.Null} {
		if _, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: named}); !errors.Is(err, ErrMFARequired) {
			t.Error(err)
		}
	}
	if _, err := s.DeleteObjects(t.Context(), "b", []DeleteRequest{{Key: "k"}, {Key: "k", ID: id}}); !errors.Is(err, ErrMFARequired) {
		t.Error(err)
	}
	if got := historyText(t, s, "b"); got != "k[D] kv" {
		t.Errorf("%q", got)
	}
	if _, err := s.DeleteObjects(t.Context(), "b", []DeleteRequest{{Key: "k"}, {Key: "j"}}); err != nil {
		t.Error(err)
	}
	mustTags(t, s, "k", id, Tag{"a", "b"})
	if _, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k", ID: id, MFA: true}); err != nil {
		t.Error(err)
	}
	mfa(MFADeleteDisabled)
	mustDelete(t, s, "b", "k", marker)
	emptyBucket(t, s, "b") // and deletes it
	mustBucket(t, s, "b", versioning.Enabled)
	mfa(MFADeleteEnabled)
	if err := s.DeleteBucket(t.Context(), "b", Maker{}); err != nil {
		t.Error(err)
	}
	mustClean(t, s)
}

// Entries that were read in brief, because the rules ask no more, are whole for who
// authorizes: every one of a DeleteObjects shows its tags.
func TestAuthorizeSeesTagsOfMany(t *testing.T) {
	s, _ := locked(t)
	var requests []DeleteRequest
	seen := make(map[string]string)
	for _, key := range []string{"a", "b", "c"} {
		for _, n := range []string{"1", "2"} {
			res, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: key, Body: strings.NewReader(n), Size: 1, Tags: []Tag{{"of", key + n}}})
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, DeleteRequest{Key: key, ID: mustID(t, s, res.VersionHeader), Authorize: func(f ObjectFacts) error {
				if len(f.Tags) == 1 {
					seen[key+n] = f.Tags[0].Value
				}
				return nil
			}})
		}
	}
	results, err := s.DeleteObjects(t.Context(), "b", requests)
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if results[i].Err != nil {
			t.Error(results[i].Err)
		}
	}
	for _, name := range []string{"a1", "a2", "b1", "b2", "c1", "c2"} {
		if seen[name] != name {
			t.Errorf("of %s the tag %q was seen", name, seen[name])
		}
	}
}
