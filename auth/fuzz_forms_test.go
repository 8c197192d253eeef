package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzAuthorizationV2: whatever the header says, the answer is a refusal of ours that tells no secret; and what was
// understood is understood again.
func FuzzAuthorizationV2(f *testing.F) {
	for _, seed := range []string{"AWS ", "AWS :", "AWS a:b", "AWS " + exampleKey + ":frJIUN8DYpKDtOLCwo//yllqDzg=", "AWS a b:c", "AWS a:b:c", "AWS\ta:b"} {
		f.Add(seed)
	}
	v := exampleVerifier()
	f.Fuzz(func(t *testing.T, header string) {
		r := parseRequest(t, "DELETE /bucket/key?versionId=null HTTP/1.1\nHost: localhost\nDate: Fri, 24 May 2013 00:00:00 GMT\n\n")
		r.Header.Set(headerAuthorization, header)
		s, err := v.Verify(r, "", exampleTime)
		var refusal *Error
		if header != "" && (!errors.As(err, &refusal) || strings.Contains(fmt.Sprint(refusal, refusal.Fields), exampleSecret)) {
			t.Fatalf("%q: %+v, %v", header, s.Identity, err)
		}
		accessKey, signature, ok := parseAuthorizationV2(header)
		if !ok {
			return
		}
		if key, again, ok := parseAuthorizationV2("AWS " + accessKey + ":" + signature); !ok || key != accessKey || again != signature {
			t.Fatalf("%q: %q and %q, then %q and %q", header, accessKey, signature, key, again)
		}
	})
}

// FuzzSignedQuery: a signature over one query is none over a query that means something else, however the two are
// written; and a query nobody signed is anonymous only if it does not look signed.
func FuzzSignedQuery(f *testing.F) {
	for _, pair := range [][2]string{
		{"versionId=null", "versionId"}, {"uploadId=1&versionId=2", "uploadId=1%26versionId%3D2"}, {"acl&versionId=3", "versionId=3&acl="},
		{"x-amz-meta-a=b&x-amz-meta-c=d", "x-amz-meta-a=b%0Ax-amz-meta-c%3Ad"}, {"", "X-Amz-Signature=a"}, {"content-type=a", "content-md5=a"},
		{"x-amz-meta-a=b", "X-Amz-Meta-A=b"}, {"delete", "delete=%26acl"}, {"a+b", "a%20b"}, {"response-expires=1", "tagging"}, {"%zz&&=", "%"},
	} {
		f.Add(pair[0], pair[1])
	}
	v := exampleVerifier()
	f.Fuzz(func(t *testing.T, signed, sent string) {
		if _, err := url.ParseQuery(signed); err != nil {
			return // the server does not look at what it cannot decode
		}
		if _, err := url.ParseQuery(sent); err != nil {
			return
		}
		if s, err := v.Verify(deletion(sent), "", exampleTime); err == nil && (!s.Anonymous || queryMechanism(deletion(sent)) != mechanismNone) {
			t.Fatalf("%q: %+v", sent, s.Identity)
		}
		for name, sign := range map[string]func(string) string{"V2": presignedV2, "V4": presignedV4} {
			signature := sign(signed)
			if _, err := v.Verify(deletion(signed+signature), "", exampleTime); err != nil {
				continue
			}
			if _, err := v.Verify(deletion(sent+signature), "", exampleTime); err == nil && meaning(signed) != meaning(sent) {
				t.Fatalf("%s: a signature over %q is good for %q", name, signed, sent)
			}
		}
	})
}

// deletion is a DELETE with the given query.
func deletion(query string) *http.Request {
	return &http.Request{Method: "DELETE", Host: "localhost", URL: &url.URL{}, RequestURI: "/bucket/key?" + query, Header: http.Header{}}
}

// presignedV2 returns the parameters that sign query.
func presignedV2(query string) string {
	const expires = "1369353600"
	r := requestV2{Request: deletion(query), date: expires, presigned: true}
	r.query = parseSignedQuery(r.Request)
	r.hoisted = r.query.hoisted(r.Header, hoistableV2)
	signature := signV2(exampleSecret, r.stringToSign("/bucket/key"))
	return "&AWSAccessKeyId=" + exampleKey + "&Expires=" + expires + "&Signature=" + url.QueryEscape(signature)
}

// presignedV4 returns the parameters that sign query.
func presignedV4(query string) string {
	out := "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + exampleKey + "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
	r := deletion(query + out)
	r.URL.RawQuery = out // only for signQuery
	return out + "&X-Amz-Signature=" + signQuery(r, exampleSecret)
}

// meaning writes what a query asks for in one way.
func meaning(query string) string {
	var parts []string
	for _, p := range parseSignedQuery(deletion(query)) {
		if hoistableV2(p.name) {
			p.name = strings.ToLower(p.name)
		}
		if p.value == "" && strings.HasPrefix(p.name, "content-") {
			continue
		}
		parts = append(parts, fmt.Sprintf("%q=%q", p.name, p.value))
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

// FuzzPostPolicy: any document is a policy or refused as none; a policy is JSON; and a form that it allows is not
// allowed with one field more, of which no condition speaks.
func FuzzPostPolicy(f *testing.F) {
	example, err := base64.StdEncoding.DecodeString(examplePolicy)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		"", "{", "{}", "[]", "null", string(example), `{"expiration":"2013-05-24T12:00:00Z","conditions":[]}`,
		`{"expiration":"2013-05-24T12:00:00,5Z","conditions":[["eq","$key","a"],{"bucket":"bucket"}]}`,
		`{"conditions":[["content-length-range",1,"2"],["content-length-range",1e3,2],{"":""},[null],[[]],{"a":{}}],"expiration":1}`,
		`{"expiration":"2013-05-24T12:00:00Z","conditions":[["starts-with","$",""],["eq","$x-ignore-a","\ud800"]]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		p, err := ParsePostPolicy(base64.StdEncoding.EncodeToString([]byte(document)))
		if err != nil {
			if !errors.Is(err, InvalidPolicyDocument) {
				t.Fatalf("%q: %v", document, err)
			}
			return
		}
		if smallest, largest := p.LengthRange(); !json.Valid([]byte(document)) || smallest < 0 || largest < 0 {
			t.Fatalf("%q is a policy with %d to %d bytes", document, smallest, largest)
		}
		var form Form
		for _, c := range p.conditions {
			form = append(form, FormField{c.field, c.value})
		}
		if p.Check(form, "bucket") == nil && p.Check(append(form, FormField{"no condition has this", ""}), "bucket") == nil {
			t.Fatalf("%q allows any field", document)
		}
	})
}
