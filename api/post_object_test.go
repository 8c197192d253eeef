package api

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// postTest is a form and what it is sent with.
type postTest struct {
	fields   []pair
	filename string
	content  string
	after    []pair // fields after the file
	noFile   bool
}

// body returns the form and its media type.
func (p *postTest) body(t testing.TB) (body []byte, kind string) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	write := func(fields []pair) {
		for _, f := range fields {
			if err := w.WriteField(f.name, f.value); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(p.fields)
	if !p.noFile {
		head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + p.filename + `"`}}
		part, err := w.CreatePart(head)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(p.content)); err != nil {
			t.Fatal(err)
		}
	}
	write(p.after)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), w.FormDataContentType()
}

// post sends a form.
func (s *testServer) post(target string, p *postTest) answer {
	s.t.Helper()
	body, kind := p.body(s.t)
	r := s.request("POST", target, body)
	r.Header.Set("Content-Type", kind)
	s.http.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s.send(r)
}

// signed returns the fields of a form that the root account signed: conditions are
// those besides the bucket and the signature's own.
func (s *testServer) signed(conditions string, fields ...pair) []pair {
	return s.signedBy("", conditions, fields...)
}

// signedBy is signed for a form that somebody else signed.
func (s *testServer) signedBy(name, conditions string, fields ...pair) []pair {
	now := s.clock.Now()
	date := now.Format("20060102T150405Z")
	scope := keyOf(name) + "/" + date[:8] + "/us-east-1/s3/aws4_request"
	own := []pair{{"x-amz-algorithm", "AWS4-HMAC-SHA256"}, {"x-amz-credential", scope}, {"x-amz-date", date}}
	policy := `{"expiration":"` + now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z") + `","conditions":[{"bucket":"bucket"},` + conditions
	for _, f := range own {
		policy += `,["eq","$` + f.name + `","` + f.value + `"]`
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(strings.Replace(policy, "},,", "},", 1) + "]}"))
	key := []byte("AWS4" + secretOf(name))
	for _, part := range []string{date[:8], "us-east-1", "s3", "aws4_request", encoded} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	all := append(fields, own...)
	return append(all, pair{"policy", encoded}, pair{"x-amz-signature", hex.EncodeToString(key)})
}

const anyKey = `["starts-with","$key",""]`

// TestPostObject stores objects by form, in each of the ways to be answered.
//
// spec: WI1.4-1, WI1.4-2, WI1.1-3
func TestPostObject(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	tests := []struct {
		field          pair
		status         int
		location, body string
	}{
		{pair{}, 204, "http://HOST/bucket/dir%2Fa%20b.txt", ""},
		{pair{"success_action_status", "200"}, 200, "http://HOST/bucket/dir%2Fa%20b.txt", ""},
		{pair{"success_action_status", "204"}, 204, "http://HOST/bucket/dir%2Fa%20b.txt", ""},
		{pair{"success_action_status", "500"}, 204, "http://HOST/bucket/dir%2Fa%20b.txt", ""},
		{pair{"success_action_status", "201"}, 201, "http://HOST/bucket/dir%2Fa%20b.txt",
			"<PostResponse><Location>http://HOST/bucket/dir%2Fa%20b.txt</Location><Bucket>bucket</Bucket><Key>dir/a b.txt</Key>" +
				"<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag></PostResponse>"},
		{pair{"success_action_redirect", "https://example.com/done?x=1;2&a=%2f"}, 303,
			"https://example.com/done?x=1;2&a=%2f&bucket=bucket&key=dir%2Fa+b.txt&etag=%225d41402abc4b2a76b9719d911017c592%22", ""},
		{pair{"success_action_redirect", "http://example.com"}, 303,
			"http://example.com?bucket=bucket&key=dir%2Fa+b.txt&etag=%225d41402abc4b2a76b9719d911017c592%22", ""},
		{pair{"success_action_redirect", "javascript:alert(1)"}, 204, "http://HOST/bucket/dir%2Fa%20b.txt", ""},
	}
	for _, test := range tests {
		fields := []pair{{"key", "dir/${filename}"}}
		conditions := anyKey
		if test.field.name != "" {
			fields = append(fields, test.field)
			conditions += `,["starts-with","$` + test.field.name + `",""]`
		}
		a := s.post("/bucket", &postTest{fields: s.signed(conditions, fields...), filename: `C:\\x\\a b.txt`, content: "hello",
			after: []pair{{"ignored", "x"}}})
		host := strings.TrimPrefix(s.http.URL, "http://")
		body := strings.ReplaceAll(string(a.body), host, "HOST")
		if a.status != test.status || strings.ReplaceAll(a.header.Get("Location"), host, "HOST") != test.location || !strings.HasSuffix(body, test.body) {
			t.Errorf("%v: %d %q %s", test.field, a.status, a.header.Get("Location"), body)
		}
		if a.header.Get("Etag") != `"5d41402abc4b2a76b9719d911017c592"` || a.header.Get("X-Amz-Checksum-Crc64nvme") == "" {
			t.Errorf("%v: %v", test.field, a.header)
		}
		if got := s.must("GET", "/bucket/dir/a%20b.txt", ""); string(got.body) != "hello" {
			t.Errorf("stored %q", got.body)
		}
		s.must("DELETE", "/bucket/dir/a%20b.txt", "")
	}
}

// TestPostObjectFields stores what the fields of a form say besides the file.
//
// spec: WI1.4-1, WI4-8
func TestPostObjectFields(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	fields := []pair{
		{"Key", "k"}, {"acl", "private"}, {"content-type", "text/plain"}, {"Cache-Control", "no-cache"}, {"x-amz-meta-Color", "grün"},
		{"x-amz-storage-class", "STANDARD_IA"}, {"x-amz-checksum-crc32", "NhCmhg=="},
		{"tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"},
	}
	conditions := anyKey
	for _, f := range fields[1:] {
		conditions += `,["starts-with","$` + f.name + `",""]`
	}
	a := s.post("/bucket", &postTest{fields: s.signed(conditions, fields...), content: "hello"})
	if a.status != 204 || !versionID.MatchString(a.header.Get("X-Amz-Version-Id")) || a.header.Get("X-Amz-Checksum-Crc32") != "NhCmhg==" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	h := s.must("HEAD", "/bucket/k", "").header
	want := map[string]string{
		"Content-Type": "text/plain", "Cache-Control": "no-cache", "X-Amz-Meta-Color": "=?UTF-8?B?Z3LDvG4=?=",
		"X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Tagging-Count": "1", "X-Amz-Version-Id": a.header.Get("X-Amz-Version-Id"),
	}
	for name, value := range want {
		if h.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, h.Get(name), value)
		}
	}
}

// TestPostObjectRefused sends forms that are refused, and looks whether anything was
// stored.
//
// spec: WI1.4-3, WI1.4-4, WI1.4-5, WI1.4-6, WI1.4-7, WI1.4-8, WI1.4-9, WI2.2-11, WI2.2-26, WI2.2-33
func TestPostObjectRefused(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	key := pair{"key", "k"}
	replace := func(fields []pair, name, value string) []pair {
		for i := range fields {
			if fields[i].name == name {
				fields[i].value = value
			}
		}
		return fields
	}
	expired := base64.StdEncoding.EncodeToString([]byte(`{"expiration":"2020-01-01T00:00:00Z","conditions":[]}`))
	tests := []struct {
		name   string
		form   postTest
		status int
		want   []string
	}{
		{"condition", postTest{fields: s.signed(`["eq","$key","other"]`, key)}, 403,
			[]string{"AccessDenied", `Invalid according to Policy: Policy Condition failed: [&quot;eq&quot;, &quot;$key&quot;, &quot;other&quot;]`}},
		{"extra field", postTest{fields: s.signed(anyKey, key, pair{"acl", "private"})}, 403,
			[]string{"AccessDenied", "Invalid according to Policy: Extra input fields: acl"}},
		{"too large", postTest{fields: s.signed(anyKey+`,["content-length-range",1,3]`, key), content: "hello"}, 400,
			[]string{"EntityTooLarge", "<ProposedSize>5</ProposedSize>", "<MaxSizeAllowed>3</MaxSizeAllowed>"}},
		{"too small", postTest{fields: s.signed(anyKey+`,["content-length-range",6,9]`, key), content: "hello"}, 400,
			[]string{"EntityTooSmall", "<ProposedSize>5</ProposedSize>", "<MinSizeAllowed>6</MinSizeAllowed>"}},
		{"no key", postTest{fields: s.signed(anyKey)}, 400, []string{"InvalidArgument",
			"Bucket POST must contain a field named &apos;key&apos;.  If it is specified, please check the order of the fields."}},
		{"key after file", postTest{fields: s.signed(anyKey), after: []pair{key}}, 400, []string{"InvalidArgument", "named &apos;key&apos;"}},
		{"empty key", postTest{fields: s.signed(anyKey, pair{"key", ""})}, 400, []string{"InvalidArgument", "greater than 0"}},
		{"no file", postTest{fields: s.signed(anyKey, key), noFile: true}, 400, []string{"InvalidArgument", "POST requires exactly one file upload per request."}},
		{"long key", postTest{fields: s.signed(anyKey, pair{"key", strings.Repeat("k", 1025)})}, 400, []string{"KeyTooLongError"}},
		{"wrong signature", postTest{fields: replace(s.signed(anyKey, key), "x-amz-signature", strings.Repeat("0", 64))}, 403, []string{"SignatureDoesNotMatch"}},
		{"changed policy", postTest{fields: replace(s.signed(anyKey, key), "policy", expired)}, 403, []string{"SignatureDoesNotMatch"}},
		{"no policy", postTest{fields: s.signed(anyKey, key)[:4]}, 400, []string{"InvalidArgument"}},
		{"anonymous", postTest{fields: []pair{key}}, 403, []string{"AccessDenied"}},
		{"fields too long", postTest{fields: s.signed(anyKey, key, pair{"x-ignore-me", strings.Repeat("x", 21<<10)})}, 400,
			[]string{"MaxPostPreDataLengthExceeded", "<MaxPostPreDataLengthBytes>20480</MaxPostPreDataLengthBytes>"}},
		{"public", postTest{fields: s.signed(anyKey+`,["eq","$acl","public-read"]`, key, pair{"acl", "public-read"})}, 400, []string{"AccessControlListNotSupported"}},
		{"digest", postTest{fields: s.signed(anyKey+`,["starts-with","$x-amz-checksum-crc32",""]`, key, pair{"x-amz-checksum-crc32", "AAAAAA=="}), content: "hello"}, 400, []string{"BadDigest"}},
		{"tags", postTest{fields: s.signed(anyKey+`,["starts-with","$tagging",""]`, key, pair{"tagging", "a=b"})}, 400, []string{"MalformedXML"}},
		{"redirect", postTest{fields: s.signed(anyKey+`,["starts-with","$x-amz-website-redirect-location",""]`, key, pair{"x-amz-website-redirect-location", "example.com"})}, 400,
			[]string{"InvalidRedirectLocation"}},
		{"header in a value", postTest{fields: s.signed(anyKey+`,["starts-with","$x-amz-meta-a",""]`, key, pair{"x-amz-meta-a", "1\r\nSet-Cookie: x"})}, 400, []string{"InvalidArgument"}},
	}
	for _, test := range tests {
		a := s.post("/bucket", &test.form)
		for _, want := range test.want {
			if a.status != test.status || !strings.Contains(string(a.body), want) {
				t.Errorf("%s: %d, no %q in %s", test.name, a.status, want, a.body)
			}
		}
	}
	s.clock.Advance(-3 * time.Hour)
	form := postTest{fields: s.signed(anyKey, key)}
	s.clock.Advance(3 * time.Hour)
	if a := s.post("/bucket", &form); a.status != 403 || !strings.Contains(string(a.body), "Invalid according to Policy: Policy expired.") {
		t.Errorf("expired: %d %s", a.status, a.body)
	}
	if a := s.must("GET", "/bucket?versions", ""); strings.Contains(string(a.body), "<Version>") {
		t.Errorf("something was stored: %s", a.body)
	}
}

// TestPostObjectMalformed sends bodies that are no forms.
//
// spec: WI1.4-9, WI2.2-33
func TestPostObjectMalformed(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	good := "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"
	tests := []struct {
		name, kind, body string
		status           int
		code             string
	}{
		{"no type", "", good, 412, "PreconditionFailed"},
		{"another type", "application/x-www-form-urlencoded", "key=k", 412, "Bucket POST must be of the enclosure-type multipart/form-data"},
		{"no boundary", "multipart/form-data", good, 400, "MalformedPOSTRequest"},
		{"other boundary", "multipart/form-data; boundary=c", good, 400, "MalformedPOSTRequest"},
		{"nothing", "multipart/form-data; boundary=b", "", 400, "MalformedPOSTRequest"},
		{"cut in a field", "multipart/form-data; boundary=b", good[:60], 400, "MalformedPOSTRequest"},
		{"anonymous", "multipart/form-data; boundary=b", good, 403, "AccessDenied"},
		{"part without name", "multipart/form-data; boundary=b", strings.Replace(good, `"file"`, `""; filename="f"`, 1), 400, "MalformedPOSTRequest"},
		{"long part without name", "multipart/form-data; boundary=b", strings.Replace(good, "name=\"file\"\r\n\r\n", "name=\"\"\r\n\r\n"+strings.Repeat("x", 64<<10), 1), 400, "MalformedPOSTRequest"},
		{"long header", "multipart/form-data; boundary=b", "--b\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 400, "MaxPostPreDataLengthExceeded"},
	}
	for _, test := range tests {
		r := s.request("POST", "/bucket", []byte(test.body))
		if test.kind != "" {
			r.Header.Set("Content-Type", test.kind)
		}
		if a := s.send(r); a.status != test.status || !strings.Contains(string(a.body), test.code) {
			t.Errorf("%s: %d %s", test.name, a.status, a.body)
		}
	}
	// With a header signature the file is taken too, and its end is looked at.
	for body, want := range map[string]int{good: 204, good[:len(good)-7]: 400} {
		if a := s.do("POST", "/bucket", body, "Content-Type", "multipart/form-data; boundary=b"); a.status != want {
			t.Errorf("%q: %d %s", body, a.status, a.body)
		}
	}
}

// TestPostObjectToNowhere sends forms to a bucket that is not there: what is wrong with
// the form and who sends it come first.
//
// spec: AP3.1-2, AP3.1-3, AP3.1-4, WI1.4-9
func TestPostObjectToNowhere(t *testing.T) {
	s := newTestServer(t, nil)
	key := pair{"key", "k"}
	replaced := func(name, value string) postTest {
		fields := s.signed(anyKey, key)
		for i := range fields {
			if fields[i].name == name {
				fields[i].value = value
			}
		}
		return postTest{fields: fields}
	}
	tests := []struct {
		form   postTest
		status int
		code   string
	}{
		{replaced("x-amz-signature", strings.Repeat("0", 64)), 403, "SignatureDoesNotMatch"},
		{replaced("x-amz-algorithm", "AWS4"), 400, "InvalidArgument"},
		{postTest{fields: s.signed(anyKey, key), noFile: true}, 400, "InvalidArgument"},
		{postTest{fields: s.signed(anyKey)}, 400, "InvalidArgument"},
		{postTest{fields: []pair{key}}, 404, "NoSuchBucket"},
		{postTest{fields: s.signed(`["eq","$key","other"]`, key)}, 404, "NoSuchBucket"},
		{postTest{fields: s.signed(anyKey, key)}, 404, "NoSuchBucket"},
	}
	for n, test := range tests {
		if a := s.post("/nowhere", &test.form); a.status != test.status || !strings.Contains(string(a.body), "<Code>"+test.code) {
			t.Errorf("%d: %d %s, want %d %s", n, a.status, a.body, test.status, test.code)
		}
	}
	if a := s.do("POST", "/nowhere", "key=k", "Content-Type", "text/plain"); a.status != 412 {
		t.Errorf("no form: %d %s", a.status, a.body)
	}
}

// TestPostObjectOfHost sends a form to a bucket that stands in the host, with a file
// that has its boundary in it.
//
// spec: WI1.4-2, WI2-1
func TestPostObjectOfHost(t *testing.T) {
	s := newTestServer(t, func(o *Options) { o.Domains = []string{"s3.test"} })
	s.must("PUT", "/bucket", "")
	content := strings.Repeat("\r\n--b\r\n", 100_000)
	p := postTest{fields: s.signed(anyKey, pair{"key", "a/é"}), content: content}
	body, kind := p.body(t)
	r := s.request("POST", "/", body)
	r.Host = "bucket.s3.test"
	r.Header.Set("Content-Type", kind)
	a := s.send(r)
	if a.status != 204 || a.header.Get("Location") != "http://bucket.s3.test/a%2F%C3%A9" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if got := s.must("GET", "/bucket/a/%C3%A9", ""); string(got.body) != content {
		t.Errorf("%d bytes were stored of %d", len(got.body), len(content))
	}
}
