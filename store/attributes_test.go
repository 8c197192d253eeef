package store

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

func mustTags(t *testing.T, s *Store, key string, id versioning.ID, tags ...Tag) (versionHeader string) {
	t.Helper()
	header, err := s.SetTags(t.Context(), TagRequest{Bucket: "b", Key: key, ID: id, Tags: tags})
	if err != nil {
		t.Fatal(err)
	}
	return header
}

func tagsOf(t *testing.T, s *Store, key string, id versioning.ID) []Tag {
	t.Helper()
	o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: key, ID: id, Operation: versioning.GetObjectTagging})
	if err != nil {
		t.Fatal(err)
	}
	return o.Tags
}

// Tags of one version are changed; nothing else is, of no version: what heads,
// listings and counters show stays, and so does the order of the history.
//
// spec: VD4-23, VD4-24
func TestSetTags(t *testing.T) {
	for _, history := range []struct {
		words string
		state versioning.State
	}{
		{"N", versioning.Unversioned}, {"N", versioning.Enabled}, {"N", versioning.Suspended},
		{"v v N", versioning.Suspended}, {"N v v", versioning.Enabled}, {"v N v", versioning.Suspended},
	} {
		s := openTest(t, nil, nil)
		ids := lay(t, s, history.words, history.state)
		before, text, stats := shown(t, s), historyText(t, s, "b"), mustStatistics(t, s, "b")
		for n, id := range append(ids, versioning.ID{}) {
			want := []Tag{{"n", history.words}, {"é", ""}, {"index", strings.Repeat("x", n)}}
			header := mustTags(t, s, "k", id, want...)
			named := id
			if named.IsZero() {
				named = ids[len(ids)-1]
			}
			wantHeader := s.FormatVersionID(named)
			if history.state == versioning.Unversioned {
				wantHeader = ""
			}
			if header != wantHeader {
				t.Errorf("%v: header %q, want %q", history, header, wantHeader)
			}
			if got := tagsOf(t, s, "k", id); !reflect.DeepEqual(got, want) {
				t.Errorf("%v: version %d has %v", history, n, got)
			}
			mustTags(t, s, "k", id, want...) // nothing changes
			mustTags(t, s, "k", id)
			if got := tagsOf(t, s, "k", id); got != nil {
				t.Errorf("%v: version %d still has %v", history, n, got)
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

// shown is what listings of bucket b show.
func shown(t *testing.T, s *Store) (all []Object) {
	t.Helper()
	page, err := s.ListObjectVersions(t.Context(), VersionsRequest{Bucket: "b", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return append(page.Entries, mustObjects(t, s, ListRequest{Bucket: "b", Limit: 1000}).Objects...)
}

// Tags given with an object belong to its version; the next one begins without.
//
// spec: VD4-24
func TestTagsOfPut(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	want := []Tag{{"a", "1"}, {"b", "2"}}
	first, err := s.Put(t.Context(), PutRequest{Bucket: "b", Key: "k", Body: strings.NewReader("one"), Size: 3, Tags: want})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "b", "k", "two")
	if got := tagsOf(t, s, "k", versioning.ID{}); got != nil {
		t.Errorf("the new version has %v", got)
	}
	if got := tagsOf(t, s, "k", mustID(t, s, first.VersionHeader)); !reflect.DeepEqual(got, want) {
		t.Errorf("the old version has %v", got)
	}
}

// spec: VD4-5, VD4-16, VD4-17
func TestSetTagsRefused(t *testing.T) {
	s := openTest(t, nil, nil)
	ids := lay(t, s, "v D", versioning.Enabled)
	gone := ids[0]
	mustDelete(t, s, "b", "k", gone)
	for name, c := range map[string]struct {
		key  string
		id   versioning.ID
		want error
	}{
		"current marker": {"k", versioning.ID{}, versioning.MethodNotAllowed},
		"named marker":   {"k", ids[1], versioning.MethodNotAllowed},
		"gone version":   {"k", gone, versioning.NoSuchVersion},
		"no null":        {"k", versioning.Null, versioning.NoSuchVersion},
		"absent key":     {"absent", versioning.ID{}, versioning.NoSuchKey},
		"invalid key":    {"a\x00b", versioning.ID{}, ErrInvalidKey},
	} {
		_, err := s.SetTags(t.Context(), TagRequest{Bucket: "b", Key: c.key, ID: c.id, Tags: []Tag{{"a", "b"}}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		var refusal *versioning.Refusal
		if c.want == versioning.MethodNotAllowed && (!errors.As(err, &refusal) || refusal.Marker == nil) {
			t.Errorf("%s: %v carries no marker", name, err)
		}
	}
	if _, err := s.SetTags(t.Context(), TagRequest{Bucket: "none", Key: "k"}); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	if got := historyText(t, s, "b"); got != "k[D]" {
		t.Errorf("history %q", got)
	}
	mustClean(t, s)
}

// A rewrite keeps optional fields of a later version, and refuses a record with
// critical ones.
func TestSetTagsKeepsFields(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	id := mustID(t, s, mustPut(t, s, "b", "k", "body").VersionHeader)
	row := versionKey(mustBucketID(t, s), "k", id.Order())
	mustWrite(t, s, engine.Set(row, append(rowOf(t, s, row), later(laterOptional)...)))
	mustTags(t, s, "k", id, Tag{"a", "b"})
	if got := rowOf(t, s, row); !bytes.HasSuffix(got, later(laterOptional)) {
		t.Errorf("the field is lost from %x", got)
	}
	mustWrite(t, s, engine.Set(row, append(rowOf(t, s, row), later(laterCritical)...)))
	if _, err := s.SetTags(t.Context(), TagRequest{Bucket: "b", Key: "k"}); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

// Tags meet changes of another process, whose locks are its own: none is set on a
// version that went, and of two at once one is kept whole.
func TestSetTagsMeetsChanges(t *testing.T) {
	s := openTest(t, nil, nil)
	other := twin(s)
	mustBucket(t, s, "b", versioning.Suspended)
	const rounds = 100
	for range rounds {
		mustPut(t, s, "b", "k", "body")
		var working sync.WaitGroup
		for n, store := range []*Store{s, other, s} {
			working.Go(func() {
				var err error
				tags := []Tag{{"a", strings.Repeat("x", n)}, {"b", strings.Repeat("x", n)}}
				if n < 2 {
					_, err = store.SetTags(t.Context(), TagRequest{Bucket: "b", Key: "k", Tags: tags})
				} else {
					_, err = store.Delete(t.Context(), "b", DeleteRequest{Key: "k"})
				}
				if err != nil && !errors.Is(err, versioning.MethodNotAllowed) && !errors.Is(err, ErrBusy) {
					t.Error(err)
				}
			})
		}
		working.Wait()
		if got := historyText(t, s, "b"); got != "k[D0]" {
			t.Fatalf("history %q", got)
		}
	}
	mustClean(t, s)
}

// A commit that conflicts, or whose outcome is unknown, is done once.
func TestSetTagsFaults(t *testing.T) {
	s, p := openProbed(t, nil)
	ids := lay(t, s, "N v", versioning.Enabled)
	p.spoil(60)
	for n := range 50 {
		want := []Tag{{"n", strings.Repeat("x", n%7)}}
		_, err := s.SetTags(t.Context(), TagRequest{Bucket: "b", Key: "k", ID: ids[n%2], Tags: want})
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		if got := tagsOf(t, s, "k", ids[n%2]); err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	p.onCommit.Store(nil)
	if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	mustClean(t, s)
}
