package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// The oracle lists in the plainest way: it goes over every entry there ever was
// and leaves out what does not belong on the page.

// shadow is an entry as the oracle remembers it.
type shadow struct {
	key    string
	id     string // as answers show it
	marker bool
	gone   bool // destroyed; it keeps its place, for markers that name it
	null   bool
}

// shadows are all entries there ever were: keys in byte order, newest first.
type shadows []shadow

// put adds an entry on top of its key.
func (l *shadows) put(e shadow) {
	at, _ := slices.BinarySearchFunc(*l, e.key, func(s shadow, key string) int { return strings.Compare(s.key, key) })
	*l = slices.Insert(*l, at, e)
}

// drop destroys the entry with that id that is there.
func (l shadows) drop(key, id string) {
	for i := range l {
		if l[i].key == key && l[i].id == id && !l[i].gone {
			l[i].gone = true
		}
	}
}

// entry is a line of a page: an entry, or a common prefix.
type entry struct {
	key, id string
	marker  bool
	latest  bool
	common  bool
}

func (e entry) String() string {
	return fmt.Sprintf("%q %s marker=%v latest=%v common=%v", e.key, e.id, e.marker, e.latest, e.common)
}

// common returns the common prefix of key, empty if it has none.
func commonPrefix(key, prefix, delimiter string) string {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return ""
	}
	head, _, found := strings.Cut(strings.TrimPrefix(key, prefix), delimiter)
	if !found {
		return ""
	}
	return prefix + head + delimiter
}

// versions lists what a ListObjectVersions with no limit shows.
func (l shadows) versions(r VersionsRequest, idMarker string) (page []entry) {
	last := ""     // the key whose newest entry was seen
	behind := true // an id marker within the key marker was passed
	for i, e := range l {
		if i == 0 || l[i-1].key != e.key {
			behind = true
			if e.key == r.KeyMarker && idMarker != "" && commonPrefix(e.key, r.Prefix, r.Delimiter) == "" {
				behind = false
			}
		}
		latest := !e.gone && e.key != last
		if !e.gone {
			last = e.key
		}
		common := commonPrefix(e.key, r.Prefix, r.Delimiter)
		switch {
		case !strings.HasPrefix(e.key, r.Prefix):
		case common != "":
			done := len(page) > 0 && page[len(page)-1].key == common && page[len(page)-1].common
			if common > r.KeyMarker && !done && !e.gone {
				page = append(page, entry{key: common, common: true})
			}
		case e.key == r.KeyMarker && idMarker != "" && !behind:
			// A null entry that was replaced has the name of the one that is there.
			behind = e.id == idMarker && (!e.gone || !e.null)
		case e.key < r.KeyMarker, e.key == r.KeyMarker && idMarker == "":
		case !e.gone:
			page = append(page, entry{key: e.key, id: e.id, marker: e.marker, latest: latest})
		}
	}
	return page
}

// objects lists what a ListObjects with no limit shows.
func (l shadows) objects(r ListRequest) (page []entry) {
	current := shadows(nil)
	last := ""
	for _, e := range l {
		if e.gone || e.key == last {
			continue
		}
		last = e.key
		if !e.marker {
			current = append(current, e)
		}
	}
	v := VersionsRequest{Prefix: r.Prefix, Delimiter: r.Delimiter, KeyMarker: r.After}
	for _, e := range current.versions(v, "") {
		page = append(page, entry{key: e.key, common: e.common})
	}
	return page
}

// cut keeps the first limit lines of a page; more says that there were others.
func cut(page []entry, limit int) (kept []entry, more bool) {
	if limit <= 0 {
		return nil, false
	}
	limit = min(limit, maxPage)
	return page[:min(limit, len(page))], len(page) > limit
}

// lines merges the entries and common prefixes of a page as they are ordered.
func versionLines(p VersionsPage) (page []entry) {
	prefixes := p.CommonPrefixes
	for _, o := range p.Entries {
		for len(prefixes) > 0 && prefixes[0] < o.Key {
			page = append(page, entry{key: prefixes[0], common: true})
			prefixes = prefixes[1:]
		}
		page = append(page, entry{key: o.Key, id: o.VersionID, marker: o.DeleteMarker, latest: o.Latest})
	}
	for _, c := range prefixes {
		page = append(page, entry{key: c, common: true})
	}
	return page
}

func objectLines(p ListPage) (page []entry) {
	v := VersionsPage{CommonPrefixes: p.CommonPrefixes}
	for _, o := range p.Objects {
		v.Entries = append(v.Entries, Object{Key: o.Key})
	}
	return versionLines(v)
}

// The alphabet of random keys, prefixes, markers and delimiters: characters that
// sort and roll up in ways that are easy to get wrong.
var listPieces = []string{"a", "b", "/", "//", "a/", "\x01", "\x7f", "é", "\U0010ffff", " ", "0", "ab"}

func randomText(rng *rand.Rand, most int) string {
	var b strings.Builder
	for range rng.IntN(most + 1) {
		b.WriteString(listPieces[rng.IntN(len(listPieces))])
	}
	return b.String()
}

// randomHistory makes random histories in bucket b and returns what the oracle
// remembers of them.
func randomHistory(t *testing.T, s *Store, rng *rand.Rand, steps int) shadows {
	t.Helper()
	var l shadows
	state := versioning.Unversioned
	mustBucket(t, s, "b", state)
	keys := []string{"a/\x01", "a0", "a"}
	for range 12 {
		keys = append(keys, "k"+randomText(rng, 3), "a/"+randomText(rng, 2))
	}
	for step := range steps {
		if step == steps/4 || step > steps/4 && rng.IntN(20) == 0 {
			state = versioning.Enabled + versioning.State(rng.IntN(2))
			mustState(t, s, "b", state)
		}
		key := keys[rng.IntN(len(keys))]
		e := shadow{key: key, id: "null", null: true}
		switch rng.IntN(10) {
		case 0, 1, 2, 3, 4:
			header := mustPut(t, s, "b", key, "").VersionHeader
			if state == versioning.Enabled {
				e.id, e.null = header, false
			} else {
				l.drop(key, "null")
			}
			l.put(e)
		case 5, 6:
			header := mustDelete(t, s, "b", key, versioning.ID{}).VersionHeader
			if state != versioning.Enabled {
				l.drop(key, "null")
			}
			if state != versioning.Unversioned {
				e.id, e.null, e.marker = header, header == "null", true
				l.put(e)
			}
		default:
			if len(l) > 0 {
				e = l[rng.IntN(len(l))]
				mustDelete(t, s, "b", e.key, mustID(t, s, e.id))
				l.drop(e.key, e.id)
			}
		}
	}
	return l
}

// randomMarker is a key, a common prefix, or something between keys.
func randomMarker(rng *rand.Rand, l shadows) string {
	e := l[rng.IntN(len(l))]
	switch rng.IntN(6) {
	case 0:
		return ""
	case 1:
		return randomText(rng, 3)
	case 2:
		return e.key[:rng.IntN(len(e.key)+1)]
	case 3:
		return e.key + "\x00" + randomText(rng, 2)
	}
	return e.key
}

// TestListingsAgreeWithOracle plays random listings against the oracle.
//
// spec: LS1-1, LS1-7, LS1-8, LS2-7, LS2-8, LS2-10, LS2-11, LS2-12, LS2-16, LS2-19, LS3-1, LS3-2, LS6-3
func TestListingsAgreeWithOracle(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	rounds, listings := 6, 1500
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		s := openTest(t, nil, nil)
		l := randomHistory(t, s, rng, 150)
		if len(l) == 0 {
			continue
		}
		for range listings {
			checkObjects(t, s, rng, l)
			checkVersions(t, s, rng, l)
		}
		if t.Failed() {
			return
		}
	}
}

func checkObjects(t *testing.T, s *Store, rng *rand.Rand, l shadows) {
	t.Helper()
	r := ListRequest{
		Bucket: "b", Prefix: randomPrefix(rng, l), Delimiter: randomDelimiter(rng),
		After: randomMarker(rng, l), Limit: rng.IntN(8),
	}
	want, more := cut(l.objects(r), r.Limit)
	page, err := s.ListObjects(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	got := objectLines(page)
	last := ""
	if len(want) > 0 {
		last = want[len(want)-1].key
	}
	if !slices.Equal(got, want) || page.Truncated != more || page.Last != last {
		t.Errorf("%+v: got %v truncated=%v last %q,\nwant %v truncated=%v last %q", r, got, page.Truncated, page.Last, want, more, last)
	}
}

func checkVersions(t *testing.T, s *Store, rng *rand.Rand, l shadows) {
	t.Helper()
	r := VersionsRequest{
		Bucket: "b", Prefix: randomPrefix(rng, l), Delimiter: randomDelimiter(rng),
		KeyMarker: randomMarker(rng, l), Limit: rng.IntN(8),
	}
	id := ""
	if r.KeyMarker != "" && rng.IntN(2) == 0 {
		id = randomIDMarker(rng, l, r.KeyMarker)
		r.IDMarker = mustID(t, s, id)
	}
	want, more := cut(l.versions(r, id), r.Limit)
	page, err := s.ListObjectVersions(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var last entry
	if len(want) > 0 {
		last = want[len(want)-1]
	}
	got := versionLines(page)
	if !slices.Equal(got, want) || page.Truncated != more ||
		len(want) > 0 && (page.NextKeyMarker != last.key || page.NextVersionIDMarker != last.id) {
		t.Errorf("%+v (%s): got %v truncated=%v next %q %q,\nwant %v truncated=%v", r, id, got, page.Truncated,
			page.NextKeyMarker, page.NextVersionIDMarker, want, more)
	}
}

// randomIDMarker is the id of an entry of key, there or gone, or null.
func randomIDMarker(rng *rand.Rand, l shadows, key string) string {
	ids := []string{"null"}
	for _, e := range l {
		if e.key == key {
			ids = append(ids, e.id)
		}
	}
	return ids[rng.IntN(len(ids))]
}

func randomPrefix(rng *rand.Rand, l shadows) string {
	key := l[rng.IntN(len(l))].key
	switch rng.IntN(4) {
	case 0:
		return key[:rng.IntN(len(key)+1)]
	case 1:
		return randomText(rng, 1) + strings.Repeat("\x00", rng.IntN(2))
	}
	return ""
}

func randomDelimiter(rng *rand.Rand) string {
	return []string{"", "/", "//", "a", "é", "\x01", "a/", "\xc3", "\x00", "zz"}[rng.IntN(10)]
}
