package api

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"
)

// readLeaf reads a document whose root holds text alone.
func readLeaf(data string) (string, error) {
	r, err := openXML([]byte(data), "R")
	if err != nil {
		return "", err
	}
	text, err := r.text()
	if err == nil {
		err = r.finish()
	}
	return text, err
}

// spec: VD5-29, WI2.1-2
func TestXMLText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"<R>a</R>", "a"},
		{"\ufeff<?xml version='1.0' encoding='utf-8'?>\n<!-- c --><R>a</R>\n", "a"},
		{"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><R>a</R>", "a"},
		{"<R/>", ""},
		{"<R />", ""},
		{"<R></R >", ""},
		{`<s3:R xmlns:s3="urn:x" a='1'>a</s3:R>`, "a"},
		{"<R>&lt;&gt;&amp;&quot;&apos;</R>", `<>&"'`},
		{"<R>&#13;&#x1;&#xA;&#x1F600;&#xFFFE;</R>", "\r\x01\n\U0001F600\uFFFE"},
		{"<R>a<![CDATA[<&b]]>c<!-- d --><?p i?>e</R>", "a<&bce"},
		{"<R>a\r\nb\rc</R>", "a\nb\nc"},
		{"<R> a </R>", " a "},
		{"<R>grün 😀</R>", "grün 😀"},
	}
	for _, test := range tests {
		if got, err := readLeaf(test.in); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.in, got, err, test.want)
		}
	}
	refused := []string{
		"", "a", "<R>", "<R>a", "<R>a</S>", "<S>a</S>", "<R>a</R>b", "<R>a</R><R/>", "a<R/>", "<R><S/></R>", "<R>a</R", "< R/>",
		"<R>&x;</R>", "<R>&#0;</R>", "<R>&#xD800;</R>", "<R>&#x110000;</R>", "<R>&#;</R>", "<R>&#x;</R>", "<R>&#-1;</R>", "<R>&amp</R>", "<R>&</R>",
		"<R>\x01</R>", "<R>\xff</R>", "<R>\uFFFE</R>", "<R>]]></R>", "<R><![CDATA[a</R>", "<R><!-- a</R>",
		"<R a>x</R>", "<R a=1>x</R>", `<R a="<">x</R>`, `<R a="1"b="2">x</R>`, `<R a="&x;">x</R>`,
		"<!DOCTYPE R><R>a</R>", `<!DOCTYPE R [<!ENTITY x "y">]><R>&x;</R>`, `<?xml version="1.0" encoding="ISO-8859-1"?><R>a</R>`,
		"<R>" + strings.Repeat("<R>", 100),
	}
	for _, in := range refused {
		if got, err := readLeaf(in); err == nil {
			t.Errorf("%q was read as %q", in, got)
		}
	}
}

// FuzzEscape checks that what is written can be read back, by the reader of this
// package and, where XML 1.0 allows the characters, by the standard library's.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a&b<c>\"d'", "\r\n\t", "\x01\x1f\x7f", "\uFFFE\uFFFF\uFFFD", "grün\U0001F600", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc := "<R>" + string(appendEscaped(nil, s)) + "</R>"
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return
		}
		if got, err := readLeaf(doc); err != nil || got != s {
			t.Fatalf("%q was written as %q and read as %q, %v", s, doc, got, err)
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF }) {
			return
		}
		var v struct {
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte(doc), &v); err != nil || v.Text != s {
			t.Fatalf("%q was written as %q, which the standard library reads as %q, %v", s, doc, v.Text, err)
		}
	})
}

// agreesWithStandard fails if data was accepted although the standard library says
// that it is no XML, references to odd characters aside.
func agreesWithStandard(t *testing.T, data []byte) {
	t.Helper()
	if bytes.Contains(data, []byte("&#")) {
		return
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.Token(); err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("%q was accepted; the standard library says %v", data, err)
			}
			return
		}
	}
}

func FuzzDelete(f *testing.F) {
	for _, s := range []string{
		`<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>k</Key><VersionId>v</VersionId><ETag>e</ETag></Object><Quiet>true</Quiet></Delete>`,
		`<Delete><Object><Key>a&#13;&#x1;</Key></Object></Delete>`,
		`<Delete><Object><Key><![CDATA[x]]></Key></Object></Delete>`,
		`<Delete><Object><Key/></Object></Delete>`, `<Delete/>`, `<!DOCTYPE d><Delete/>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseDelete(data)
		if err != nil {
			if f := translate(err, place{}); f.code != "MalformedXML" && f.code != "NotImplemented" {
				t.Fatalf("%q is refused with %v", data, err)
			}
			return
		}
		if len(list.objects) == 0 || len(list.objects) > maxDeleted || len(list.distinct()) == 0 {
			t.Fatalf("%q was accepted with %d objects", data, len(list.objects))
		}
		for _, o := range list.objects {
			if o.key == "" || !utf8.ValidString(o.key) || strings.ContainsRune(o.key, 0) {
				t.Fatalf("%q was accepted with the key %q", data, o.key)
			}
		}
		agreesWithStandard(t, data)
	})
}

func FuzzVersioning(f *testing.F) {
	for _, s := range []string{
		`<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`,
		`<VersioningConfiguration xmlns="x"><MfaDelete>Disabled</MfaDelete><Status>Suspended</Status></VersioningConfiguration>`,
		`<VersioningConfiguration><Status> Enabled</Status></VersioningConfiguration>`,
		`<VersioningConfiguration/>`, `<?xml version="1.0"?><!-- c --><VersioningConfiguration/>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		change, err := parseVersioning(data)
		if err != nil {
			if f := translate(err, place{}); f.code != "MalformedXML" && f.code != "IllegalVersioningConfigurationException" {
				t.Fatalf("%q is refused with %v", data, err)
			}
			return
		}
		if change.State.String() == "" {
			t.Fatalf("%q was accepted with no state", data)
		}
		agreesWithStandard(t, data)
	})
}

// What a RestoreObject or CreateBucket is sent either is what the standard's reader takes
// for well-formed, or is refused by its own mistake.
func FuzzChildren(f *testing.F) {
	for _, s := range []string{
		`<RestoreRequest><Days>1</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>`,
		`<RestoreRequest><Days>0</Days></RestoreRequest>`, `<RestoreRequest><Days>1</Days><Days>1</Days></RestoreRequest>`,
		`<RestoreRequest><Type>SELECT</Type></RestoreRequest>`, `<RestoreRequest/>`,
		`<CreateBucketConfiguration><LocationConstraint>EU</LocationConstraint></CreateBucketConfiguration>`,
		`<CreateBucketConfiguration><Tags><Tag><Key>k</Key><Value>v</Value></Tag></Tags></CreateBucketConfiguration>`,
		`<CreateBucketConfiguration><Bucket/></CreateBucketConfiguration>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var restore restoreWanted
		var bucket bucketWanted
		for root, read := range map[string]func(*xmlReader, string) error{
			"RestoreRequest": restore.take, "CreateBucketConfiguration": bucket.take,
		} {
			if err := readChildren(data, root, read); err != nil {
				if f := translate(err, place{}); f.code == "InternalError" {
					t.Fatalf("%q is refused with %v", data, err)
				}
				continue
			}
			agreesWithStandard(t, data)
		}
		if restore.days < 0 {
			t.Fatalf("%q: %d days", data, restore.days)
		}
	})
}
