package auth

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// signQuery returns the signature of a presigned request of Version 4 that has all parameters but this one.
func signQuery(r *http.Request, secret string) string {
	q := r.URL.Query()
	_, scope, _ := strings.Cut(q.Get(argCredential), "/")
	day, rest, _ := strings.Cut(scope, "/")
	region, _, _ := strings.Cut(rest, "/")
	payload := cmp.Or(q.Get(argSHA256), r.Header.Get(headerAmzSHA256), "UNSIGNED-PAYLOAD")
	canonical := appendCanonicalRequest(nil, r, q.Get(argSignedHeaders), payload)
	key := deriveSigningKey(secret, day, region)
	sum := sign(key[:], appendStringToSign(nil, q.Get(argDate), scope, sha256.Sum256(canonical)))
	return hex.EncodeToString(sum[:])
}

// signLinesV2 replaces SIGN by the signature of the text in the last line, if that is one.
func signLinesV2(t *testing.T, lines []string, secret string) []string {
	last := len(lines) - 1
	quoted, ok := strings.CutPrefix(lines[last], "SignV2: ")
	if !ok {
		return lines
	}
	text, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatalf("%s: %v", quoted, err)
	}
	signature := hmacSHA1(secret, text)
	lines = append([]string{strings.Replace(lines[0], "Signature=SIGN", "Signature="+url.QueryEscape(signature), 1)}, lines[1:last]...)
	for i := range lines {
		lines[i] = strings.Replace(lines[i], ":SIGN", ":"+signature, 1)
	}
	return lines
}

// hmacSHA1 signs as docs/spec/wire.md §1.1 says, not by the code under test.
func hmacSHA1(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// converseForm verifies a form and holds it against its policy. Lines are `name: value`; a policy is written as JSON
// or, after a quote, as a Go string of what its field holds; SIGN stands for the signature over it.
func converseForm(t *testing.T, d *datadriven.TestData) string {
	now, err := time.Parse(basicISO, argument(d, "now", "20130524T000000Z"))
	if err != nil {
		t.Fatal(err)
	}
	v := exampleVerifier()
	if argument(d, "region", "") == "any" {
		v.Region = ""
	}
	form := parseForm(t, d)
	s, p, err := v.VerifyForm(form, now)
	if err != nil {
		return describeError(err)
	}
	if s.Anonymous {
		return fmt.Sprintf("anonymous, policy %v\n", p)
	}
	if err := p.Check(form, argument(d, "bucket", "bucket")); err != nil {
		return describeError(err)
	}
	size, err := strconv.ParseInt(argument(d, "size", "0"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckLength(size); err != nil {
		return describeError(err)
	}
	smallest, largest := p.LengthRange()
	return fmt.Sprintf("%s in %q, %d to %d bytes\n", s.AccessKey, s.Region, smallest, largest)
}

func parseForm(t *testing.T, d *datadriven.TestData) Form {
	var form Form
	for line := range strings.SplitSeq(strings.TrimSpace(d.Input), "\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("%s: %q is no field", d.Pos, line)
		}
		form = append(form, FormField{name, encodePolicy(t, name, strings.TrimSpace(value))})
	}
	policy, _ := form.Lookup(fieldPolicy)
	credential, _ := form.Lookup(fieldCredential)
	for i, f := range form {
		switch {
		case f.Value == "SIGN" && strings.EqualFold(f.Name, fieldSignatureV2):
			form[i].Value = hmacSHA1(argument(d, "secret", exampleSecret), policy)
		case f.Value == "SIGN":
			form[i].Value = signPolicy(policy, credential, argument(d, "secret", exampleSecret))
		}
	}
	return form
}

func encodePolicy(t *testing.T, name, value string) string {
	if !strings.EqualFold(name, fieldPolicy) {
		return value
	}
	if !strings.HasPrefix(value, `"`) {
		return base64.StdEncoding.EncodeToString([]byte(value))
	}
	text, err := strconv.Unquote(value)
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return text
}

func signPolicy(policy, credential, secret string) string {
	parts := strings.Split(credential, "/")
	if len(parts) < 5 {
		return "00"
	}
	key := deriveSigningKey(secret, parts[len(parts)-4], parts[len(parts)-3])
	sum := sign(key[:], []byte(policy))
	return hex.EncodeToString(sum[:])
}
