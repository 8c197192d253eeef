package store

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/versioning"
)

// same describes a copy as its source.
func same(source Object) (Description, error) {
	return Description{System: source.System, User: source.User, Tags: source.Tags, StorageClass: source.StorageClass}, nil
}

// copyOf is a request that copies key from of bucket b to key to.
func copyOf(from string, id versioning.ID, to string) CopyRequest {
	return CopyRequest{
		Source: CopySource{Bucket: "b", Key: from, ID: id, Length: -1}, Bucket: "b", Key: to, Describe: same,
	}
}

func mustCopy(t *testing.T, s *Store, r CopyRequest) CopyResult {
	t.Helper()
	res, err := s.Copy(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func md5Of(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// A copy has the bytes of its source, their MD5 as ETag, the wanted checksum or
// the one of its source, and is described as it was told; the source stays.
//
// spec: VD3-2, WI4-5, WI4-16
func TestCopy(t *testing.T) {
	for name, body := range map[string]string{"empty": "", "inline": "body", "file": strings.Repeat("0123456789", 100)} {
		for _, wanted := range []checksum.Algorithm{checksum.None, checksum.CRC64NVME, checksum.SHA256} {
			s := openTest(t, nil, nil)
			mustBucket(t, s, "b", versioning.Unversioned)
			source := mustPut(t, s, "b", "from", body)
			r := copyOf("from", versioning.ID{}, "to")
			r.Algorithm = wanted
			want := Description{
				System: []Pair{{"Content-Type", "a/b"}}, User: []Pair{{"n", "v"}}, Tags: []Tag{{"t", "u"}}, StorageClass: "GLACIER",
			}
			r.Describe = func(o Object) (Description, error) {
				if o.ETag != source.ETag || o.Size != int64(len(body)) || o.Latest {
					t.Errorf("%s: described from %+v", name, o)
				}
				return want, nil
			}
			res := mustCopy(t, s, r)
			algorithm := wanted
			if wanted == checksum.None {
				algorithm = checksum.CRC64NVME
			}
			sums := []checksum.Value{checksum.Of(algorithm, []byte(body))}
			if res.ETag != md5Of(body) || !reflect.DeepEqual(res.Checksums, sums) || res.Size != int64(len(body)) {
				t.Errorf("%s: %+v", name, res)
			}
			o, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "to"})
			if err != nil {
				t.Fatal(err)
			}
			got := Description{System: o.System, User: o.User, Tags: o.Tags, StorageClass: o.StorageClass}
			if !reflect.DeepEqual(got, want) || o.ETag != res.ETag || o.ChecksumType != FullObject || !reflect.DeepEqual(o.Checksums, sums) {
				t.Errorf("%s: %+v", name, o)
			}
			mustRead(t, s, "b", "to", versioning.ID{}, body)
			mustDelete(t, s, "b", "from", versioning.ID{})
			mustReclaimed(t, s)
			mustRead(t, s, "b", "to", versioning.ID{}, body)
			mustClean(t, s)
			mustDelete(t, s, "b", "to", versioning.ID{})
			if got := settled(t, s, "b"); got != (Statistics{}) || len(blobFiles(t, s.fs)) != 0 {
				t.Errorf("%s: left %+v, files %v", name, got, blobFiles(t, s.fs))
			}
			mustClean(t, s)
		}
	}
}

// What a copy answers and what it makes of its key's history, which may be that of
// its source, in each state.
//
// spec: VD3-2, VD3.1-10, VD3.1-11, VD3.1-3, VD3.1-5, WI5-8
func TestCopyStates(t *testing.T) {
	const newID, sourceID = "new", "source"
	for _, c := range []struct {
		before      string // oldest first
		from        int    // of before; -1 is the current one
		state       versioning.State
		after       string // newest first
		id, source  string // headers
		wantsLatest bool
	}{
		{"N", -1, versioning.Unversioned, "N", "", "", true},
		{"N", 0, versioning.Unversioned, "N", "", "", true},
		{"N", -1, versioning.Enabled, "v,N", newID, "", true},
		{"v v", -1, versioning.Enabled, "v,v,v", newID, sourceID, true},
		{"v v", 1, versioning.Enabled, "v,v,v", newID, sourceID, true},
		{"v v", 0, versioning.Enabled, "v,v,v", newID, sourceID, false},
		{"v D", 0, versioning.Enabled, "v,D,v", newID, sourceID, false},
		{"N v", 0, versioning.Enabled, "v,v,N", newID, "", false},
		{"v N", -1, versioning.Suspended, "N,v", "null", "", true},
		{"v N", 0, versioning.Suspended, "N,v", "null", sourceID, false},
		{"N v", 0, versioning.Suspended, "N,v", "null", "", false},
		{"v DN", 0, versioning.Suspended, "N,v", "null", sourceID, false},
		{"v", -1, versioning.Suspended, "N,v", "null", sourceID, true},
	} {
		s := openTest(t, nil, nil)
		ids := lay(t, s, c.before, c.state)
		from, named := c.from, versioning.ID{}
		if from < 0 {
			from = len(ids) - 1
		} else {
			named = ids[from]
		}
		body := string(pattern(10 + from*100))
		r := copyOf("k", named, "k")
		r.Describe = func(o Object) (Description, error) {
			if o.Latest != c.wantsLatest {
				t.Errorf("%+v: latest is %v", c, o.Latest)
			}
			return same(o)
		}
		res := mustCopy(t, s, r)
		current, err := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{newID: current.VersionID, sourceID: s.FormatVersionID(ids[from]), "null": "null"}
		if res.VersionHeader != values[c.id] || res.SourceVersionHeader != values[c.source] {
			t.Errorf("%+v: %+v", c, res)
		}
		if got := words(historyText(t, s, "b")); got != c.after {
			t.Errorf("%+v: history %q", c, got)
		}
		mustRead(t, s, "b", "k", versioning.ID{}, body)
		if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
			t.Errorf("%+v: %+v, want %+v", c, got, want)
		}
		mustClean(t, s)
	}
}

// spec: VD4-9, VD4-16, VD4-17
func TestCopyRefused(t *testing.T) {
	s := openTest(t, nil, nil)
	ids := lay(t, s, "v D", versioning.Enabled)
	mustBucket(t, s, "other", versioning.Unversioned)
	mustPut(t, s, "other", "there", "body")
	there := CopySource{Bucket: "other", Key: "there", Length: -1}
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		source      CopySource
		bucket, key string
		describe    error
		condition   [2]string // If-Match, If-None-Match
		want        error
		about       string // bucket that the error names
	}{
		"current marker":  {CopySource{Bucket: "b", Key: "k"}, "other", "to", nil, [2]string{}, versioning.NoSuchKey, "b"},
		"named marker":    {CopySource{Bucket: "b", Key: "k", ID: ids[1]}, "other", "to", nil, [2]string{}, versioning.CopySourceIsMarker, "b"},
		"no null":         {CopySource{Bucket: "b", Key: "k", ID: versioning.Null}, "other", "to", nil, [2]string{}, versioning.NoSuchVersion, "b"},
		"absent":          {CopySource{Bucket: "b", Key: "absent"}, "other", "to", nil, [2]string{}, versioning.NoSuchKey, "b"},
		"no source":       {CopySource{Bucket: "none", Key: "k"}, "other", "to", nil, [2]string{}, ErrNoSuchBucket, "none"},
		"no destination":  {there, "none", "to", nil, [2]string{}, ErrNoSuchBucket, "none"},
		"long key":        {there, "b", strings.Repeat("k", 1025), nil, [2]string{}, ErrKeyTooLong, "b"},
		"describe":        {there, "b", "to", refused, [2]string{`"e"`, ""}, refused, "b"},
		"there already":   {there, "other", "there", nil, [2]string{"", "*"}, versioning.PreconditionFailed, "other"},
		"another ETag":    {there, "other", "there", nil, [2]string{`"e"`, ""}, versioning.PreconditionFailed, "other"},
		"If-Match absent": {there, "b", "absent", nil, [2]string{`"e"`, ""}, versioning.NoSuchKey, "b"},
		"If-Match marker": {there, "b", "k", nil, [2]string{`"e"`, ""}, versioning.NoSuchKey, "b"},
	} {
		condition, err := versioning.WriteCondition(c.condition[0], c.condition[1])
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Copy(t.Context(), CopyRequest{
			Source: c.source, Bucket: c.bucket, Key: c.key, Condition: condition,
			Describe: func(Object) (Description, error) { return Description{}, c.describe },
		})
		var about *Error
		if !errors.Is(err, c.want) || !errors.As(err, &about) || about.Bucket != c.about {
			t.Errorf("%s: %v, want %v about %s", name, err, c.want, c.about)
		}
	}
	if got := historyText(t, s, "b") + " " + historyText(t, s, "other"); got != "k[D] kv there[v0]" {
		t.Errorf("history %q", got)
	}
	mustClean(t, s)
}

// A copy has the bytes of one version, though its source is written over and
// destroyed and others write its key.
//
// spec: VD8-2
func TestCopyRaces(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended} {
		s := openTest(t, nil, nil)
		mustBucket(t, s, "b", state)
		const rounds = 60
		body := func(n int) string { return strings.Repeat(string(rune('a'+n%26)), 50+300*(n%2)) }
		mustPut(t, s, "b", "from", body(0))
		var working sync.WaitGroup
		working.Go(func() {
			for n := range rounds {
				mustPut(t, s, "b", "from", body(n))
			}
		})
		for _, to := range []string{"to", "to", "from"} {
			working.Go(func() {
				for range rounds {
					res, err := s.Copy(t.Context(), copyOf("from", versioning.ID{}, to))
					if err != nil {
						t.Error(err)
						return
					}
					got, err := read(t, s, "b", to, versioning.ID{})
					if err != nil || got == "" || strings.Trim(got, got[:1]) != "" || len(got) != 50 && len(got) != 350 {
						t.Errorf("%d bytes, %v after %+v", len(got), err, res)
					}
				}
			})
		}
		working.Wait()
		if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
			t.Errorf("%v: %+v, want %+v", state, got, want)
		}
		if files := blobFiles(t, s.fs); int64(len(files)) != mustClean(t, s).Files {
			t.Errorf("%v: files %v", state, files)
		}
	}
}
