package lifecycle_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
)

func parse(t testing.TB, document string) *lifecycle.Config {
	t.Helper()
	c, err := lifecycle.ParseXML([]byte(document), ids())
	if err != nil {
		t.Fatalf("%.300s: %v", document, err)
	}
	return c
}

// inner returns what stands within the root element of a document that is shown.
func inner(t testing.TB, c *lifecycle.Config) string {
	t.Helper()
	text, ok := strings.CutPrefix(string(c.XML()), `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	text, ended := strings.CutSuffix(text, "</LifecycleConfiguration>")
	if !ok || !ended {
		t.Errorf("not a whole document: %s", c.XML())
	}
	return text
}

const aID = "<ID>a &amp; b</ID>"

// TestXML shows that a configuration comes back in the form in which it was put.
//
// spec: LC2-1
func TestXML(t *testing.T) {
	everyAction := transition("<Days>30</Days>", "STANDARD_IA") + transition("<Days>0</Days>", "GLACIER") +
		"<Expiration><Days>365</Days></Expiration>" +
		noncurrentTransition(newerOf("3"), "DEEP_ARCHIVE") +
		noncurrentExpiration("<NoncurrentDays>9</NoncurrentDays>") + abortAfter("7")
	tests := []struct{ put, want string }{
		{put: aID + legacy + inOneDay},
		{put: aID + "<Prefix></Prefix>" + enabled + inOneDay},
		{put: aID + anything + everyAction},
		{put: aID + "<Filter/><Status>Disabled</Status>" + inOneDay},
		{put: aID + filterOf("<Prefix></Prefix>") + inOneDay},
		{put: aID + filterOf("<Prefix>a&lt;&gt;</Prefix>") + inOneDay},
		{put: aID + filterOf(aTag("k", "")) + inOneDay},
		{put: aID + filterOf(greater1) + inOneDay},
		{put: aID + filterOf(less9) + inOneDay},
		{put: aID + inAnd("<Prefix></Prefix>", aTag("k", "v"), aTag("l", "w"), greater1, less9) + inOneDay},
		{put: aID + inAnd(greater1, less9) + noncurrentExpiration(newerOf("7"))},
		{put: aID + anything + markerElement},
		{put: aID + anything + strings.Replace(markerElement, "true", "false", 1)},
		{
			put:  aID + anything + transition("<Date>2023-05-01T02:00:00+02:00</Date>", "GLACIER"),
			want: aID + anything + transition("<Date>2023-05-01T00:00:00.000Z</Date>", "GLACIER"),
		},
		{ // spec: LC3-17
			put:  aID + expiration("<Date>2017-09-27</Date>"),
			want: aID + expiration("<Date>2017-09-27T00:00:00.000Z</Date>"),
		},
		{
			put:  aID + expiration("<Date>2017-09-27T00:00:00</Date>"),
			want: aID + expiration("<Date>2017-09-27T00:00:00.000Z</Date>"),
		},
		{put: anything + inOneDay, want: "<ID>generated-1</ID>" + anything + inOneDay},
		{put: anything + inOneDay + "<ID></ID>", want: "<ID>generated-1</ID>" + anything + inOneDay},
	}
	for _, test := range tests {
		if test.want == "" {
			test.want = test.put
		}
		c := parse(t, inRule(test.put))
		if got := inner(t, c); got != "<Rule>"+test.want+"</Rule>" {
			t.Errorf("got  %s\nwant <Rule>%s</Rule>", got, test.want)
		}
		wantStored(t, c)
	}
}

// wantStored checks that c is what its stored form is read as.
func wantStored(t testing.TB, c *lifecycle.Config) {
	t.Helper()
	got, err := lifecycle.Decode(c.Encode())
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%s\nis read as %+v, %v\nwant %+v", c.Encode(), got, err, c)
	}
}

func TestParsedFields(t *testing.T) {
	c := parse(t, inRules(
		"<ID>x</ID>"+filterOf(prefixElement)+"<Expiration><Date>2030-01-01</Date></Expiration>"+noncurrentExpiration(newerOf("7"))+abortAfter("5"),
		"<ID>y</ID><Filter/><Status>Disabled</Status>"+markerElement))
	want := []lifecycle.Rule{
		{
			ID: "x", Enabled: true, Filter: lifecycle.Filter{Prefix: "a", HasPrefix: true},
			Expiration: &lifecycle.Expiration{Date: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)},
			Noncurrent: &lifecycle.NoncurrentExpiration{Days: 1, Newer: 7}, AbortDays: 5,
		},
		{ID: "y", Expiration: &lifecycle.Expiration{ExpiredMarker: true}},
	}
	if !reflect.DeepEqual(c.Rules, want) || c.MinimumSize != lifecycle.MinimumSize128K {
		t.Errorf("got %+v", c)
	}
}

// The two values of the header, and the answer to others.
func TestMinimumSize(t *testing.T) {
	c := parse(t, inRule(anything, inOneDay))
	for value, want := range map[string]string{
		"":                         lifecycle.MinimumSize128K,
		"all_storage_classes_128K": lifecycle.MinimumSize128K,
		"varies_by_storage_class":  lifecycle.MinimumSizeVaries,
	} {
		if err := c.SetMinimumSize(value); err != nil || c.MinimumSize != want {
			t.Errorf("%q: %v, %s, want %s", value, err, c.MinimumSize, want)
		}
		wantStored(t, c)
	}
	const want = "InvalidRequest: Invalid TransitionDefaultMinimumObjectSize found: value"
	if err := c.SetMinimumSize("value"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Stored forms are pinned: what old servers stored has to stay readable.
func TestEncoding(t *testing.T) {
	const stored = "1 varies_by_storage_class\n" + `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>a</ID><Filter/><Status>Enabled</Status>` +
		`<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`
	c, err := lifecycle.Decode([]byte(stored))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Encode()); got != stored {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"", "1", "2" + stored[1:], "1 other" + stored[strings.Index(stored, "\n"):], stored[:len(stored)-1]} {
		if c, err := lifecycle.Decode([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, c)
		}
	}
}

// What rules forbid by now is read all the same.
func TestDecodeOfWhatIsForbidden(t *testing.T) {
	for _, r := range slices.Concat(refusedDocuments, refusedTransitions) {
		if _, err := lifecycle.Decode([]byte("1 \n" + r.document)); err != nil {
			t.Errorf("%.300s: %v", r.document, err)
		}
	}
}

func TestTransitionsAreTold(t *testing.T) {
	for document, want := range map[string]bool{
		inRule(anything, inOneDay):                                                            false,
		inRule(anything, transition("<Days>1</Days>", "GLACIER")):                             true,
		inRule("<Filter/><Status>Disabled</Status>", noncurrentTransition(dayOne, "GLACIER")): true,
	} {
		if got := parse(t, document).Transitions(); got != want {
			t.Errorf("%s: %v", document, got)
		}
	}
}

func TestPrefixes(t *testing.T) {
	tests := []struct{ rules, entries, uploads string }{
		{"e b/\ne a/", "a/ b/", ""},
		{"e a\ne ab\nn a/\ne abc\nm b\ne b", "a b", ""},
		{"e \ne a\na x\na xy", "*", "x"},
		{"a b\na \nf q\nt r", "", "*"},
		{"d z\ne y", "y", ""},
		{"e é\ne \xc3", "\xc3", ""},
	}
	for _, test := range tests {
		c := &lifecycle.Config{}
		for line := range strings.Lines(test.rules) {
			c.Rules = append(c.Rules, prefixRule(strings.TrimSuffix(line, "\n")))
		}
		if got := starred(c.Prefixes()); got != test.entries {
			t.Errorf("%q: entries %q, want %q", test.rules, got, test.entries)
		}
		if got := starred(c.UploadPrefixes()); got != test.uploads {
			t.Errorf("%q: uploads %q, want %q", test.rules, got, test.uploads)
		}
	}
}

// prefixRule makes a rule of a letter for its action and a prefix.
func prefixRule(line string) lifecycle.Rule {
	action, prefix, _ := strings.Cut(line, " ")
	r := map[string]lifecycle.Rule{
		"e": {Enabled: true, Expiration: &lifecycle.Expiration{Days: 1}},
		"d": {Enabled: false, Expiration: &lifecycle.Expiration{Days: 1}},
		"m": {Enabled: true, Expiration: &lifecycle.Expiration{ExpiredMarker: true}},
		"f": {Enabled: true, Expiration: &lifecycle.Expiration{}},
		"n": {Enabled: true, Noncurrent: &lifecycle.NoncurrentExpiration{Days: 1}},
		"a": {Enabled: true, AbortDays: 1},
		"t": {Enabled: true, Transitions: []lifecycle.Transition{{StorageClass: "GLACIER"}}},
	}[action]
	r.Filter.Prefix = prefix
	return r
}

// starred joins prefixes, with a star for the empty one.
func starred(prefixes []string) string {
	list := slices.Clone(prefixes)
	for i, p := range list {
		if p == "" {
			list[i] = "*"
		}
	}
	return strings.Join(list, " ")
}

// seedDocuments adds all documents of the tables.
func seedDocuments(f *testing.F) {
	for _, document := range slices.Concat(acceptedDocuments, malformedDocuments) {
		if len(document) < 4096 {
			f.Add([]byte(document))
		}
	}
	for _, r := range slices.Concat(refusedDocuments, refusedTransitions) {
		f.Add([]byte(r.document))
	}
}

// FuzzParseXML: what is accepted is shown and stored as what it was read as.
func FuzzParseXML(f *testing.F) {
	seedDocuments(f)
	f.Fuzz(func(t *testing.T, document []byte) {
		c, err := lifecycle.ParseXML(document, ids())
		if err != nil {
			return
		}
		wantStored(t, c)
		again, err := lifecycle.ParseXML(c.XML(), ids())
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%s\nis shown as %s\nwhich is read as %+v, %v", document, c.XML(), again, err)
		}
	})
}

// FuzzDecode: what is read is stored as what it was read as.
func FuzzDecode(f *testing.F) {
	for _, r := range slices.Concat(refusedDocuments, refusedTransitions) {
		f.Add([]byte("1 varies_by_storage_class\n" + r.document))
	}
	f.Add(parse(f, inRule(anything, inOneDay)).Encode())
	f.Fuzz(func(t *testing.T, stored []byte) {
		if c, err := lifecycle.Decode(stored); err == nil {
			wantStored(t, c)
		}
	})
}
