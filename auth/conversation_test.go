package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestConversations plays testdata. A `verify` is the head of a request; `Authorization: SIGN` in it stands
// for a signature over host and all headers above that line, and `SIGN a => b` for one in which a was
// replaced by b afterwards. `X-Amz-Signature=SIGN` in a query stands for a signature over the query before it and host.
// A last line `SignV2: "text"` gives the string that is signed wherever else SIGN stands.
// A `body` is an aws-chunked body, one piece a line (see writePiece), a `form` the fields of a POST form (see
// converseForm). Rewrite the answers with -rewrite.
func TestConversations(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "verify":
				return converseVerify(t, d)
			case "body":
				return converseBody(t, d)
			case "form":
				return converseForm(t, d)
			}
			t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
			return ""
		})
	})
}

// argument returns the argument called name, or otherwise.
func argument(d *datadriven.TestData, name, otherwise string) string {
	for _, arg := range d.CmdArgs {
		if arg.Key == name && len(arg.Vals) > 0 {
			return arg.Vals[0]
		}
	}
	return otherwise
}

func converseVerify(t *testing.T, d *datadriven.TestData) string {
	now, err := time.Parse(basicISO, argument(d, "now", "20130524T000000Z"))
	if err != nil {
		t.Fatal(err)
	}
	v := exampleVerifier()
	v.Region = argument(d, "region", v.Region)
	if argument(d, "region", "") == "any" {
		v.Region = ""
	}
	r := conversationRequest(t, d)
	s, err := v.Verify(r, argument(d, "hosted", ""), now)
	if err != nil {
		return describeError(err)
	}
	if s.Anonymous {
		return fmt.Sprintf("anonymous, payload %s\n", s.Payload())
	}
	region := s.Region
	if region == "" {
		region = "no region"
	}
	out := fmt.Sprintf("%s in %s, payload %s\n", s.AccessKey, region, s.Payload())
	for _, f := range s.Hoisted() {
		out += "  " + f.Name + ": " + strconv.Quote(f.Value) + "\n"
	}
	return out
}

// conversationRequest reads the request of a `verify` and signs it where it says SIGN.
func conversationRequest(t *testing.T, d *datadriven.TestData) *http.Request {
	lines := strings.Split(strings.TrimRight(d.Input, "\n"), "\n")
	lines = signLinesV2(t, lines, argument(d, "secret", exampleSecret))
	if before, after, ok := strings.Cut(lines[0], "&X-Amz-Signature=SIGN"); ok {
		unsigned := append([]string{before + " HTTP/1.1"}, lines[1:]...)
		r := parseRequest(t, strings.Join(unsigned, "\n")+"\n\n")
		lines[0] = before + "&X-Amz-Signature=" + signQuery(r, argument(d, "secret", exampleSecret)) + after
	}
	for i, line := range lines {
		edit, ok := strings.CutPrefix(line, "Authorization: SIGN")
		if !ok {
			continue
		}
		signed := parseRequest(t, strings.Join(lines[:i], "\n")+"\n\n")
		header := signAll(signed, d)
		if from, to, ok := strings.Cut(strings.TrimSpace(edit), " => "); ok {
			if !strings.Contains(header, from) {
				t.Fatalf("%s: %q is not in %q", d.Pos, from, header)
			}
			header = strings.Replace(header, from, to, 1)
		}
		lines[i] = "Authorization: " + header
	}
	return parseRequest(t, strings.Join(lines, "\n")+"\n\n")
}

// signAll signs host, all headers of r, and the header that `absent=` names. `hash=` is the payload value
// where r does not have it.
func signAll(r *http.Request, d *datadriven.TestData) string {
	names := []string{"host"}
	for name := range r.Header {
		names = append(names, strings.ToLower(name))
	}
	if absent := argument(d, "absent", ""); absent != "" {
		names = append(names, absent)
	}
	slices.Sort(names)
	return signNames(r, names, argument(d, "hash", r.Header.Get(headerAmzSHA256)),
		argument(d, "secret", exampleSecret), argument(d, "signregion", "us-east-1"))
}

// signNames returns the Authorization header of r with the given signed headers.
func signNames(r *http.Request, names []string, payload, secret, region string) string {
	list := strings.Join(names, ";")
	stamp := exampleTime.Format(basicISO)
	if date, err := parseRequestDate(r.Header); err == nil {
		stamp = date.basic
	}
	scope := stamp[:8] + "/" + region + "/s3/aws4_request"
	canonical := appendCanonicalRequest(nil, r, list, payload)
	key := deriveSigningKey(secret, stamp[:8], region)
	sum := sign(key[:], appendStringToSign(nil, stamp, scope, sha256.Sum256(canonical)))
	return "AWS4-HMAC-SHA256 Credential=" + exampleKey + "/" + scope + ", SignedHeaders=" + list + ", Signature=" + hex.EncodeToString(sum[:])
}

// describeError prints an error as it will be answered. Long values are cut.
func describeError(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("unexpected %T: %v\n", err, err)
	}
	out := e.Error() + "\n"
	for _, f := range e.Fields {
		value := strconv.Quote(f.Value)
		if strings.HasSuffix(f.Name, "Bytes") && len(value) > 14 {
			value = value[:13] + `..."`
		}
		out += "  " + f.Name + ": " + value + "\n"
	}
	return out
}

func converseBody(t *testing.T, d *datadriven.TestData) string {
	payload, ok := payloadValues[argument(d, "payload", "")]
	if !ok {
		t.Fatalf("%s: which payload?", d.Pos)
	}
	length, err := strconv.ParseInt(argument(d, "length", "0"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	e := newEncoder(payload)
	for line := range strings.SplitSeq(strings.TrimSpace(d.Input), "\n") {
		writePiece(t, e, line)
	}
	b, err := bodyOf(payload, length, argument(d, "announce", ""), &e.Buffer)
	if err != nil {
		return describeError(err)
	}
	n, err := io.Copy(io.Discard, b)
	if err != nil {
		return fmt.Sprintf("%d bytes, then %s", n, describeError(err))
	}
	out := fmt.Sprintf("%d bytes\n", n)
	for name, values := range b.Trailer() {
		out += fmt.Sprintf("  %s: %s\n", name, values)
	}
	return out
}

// writePiece writes one piece of a body:
//
//	chunk 8192            a right chunk
//	header 2000 8192      the line before a chunk of 8,192 bytes that says 2000 (hexadecimal)
//	data 8192             data
//	trailer name:value    a line of the trailer
//	signature             the signature of the trailer
//	raw "text"            anything, in Go syntax
func writePiece(t *testing.T, e *encoder, line string) {
	verb, rest, _ := strings.Cut(line, " ")
	first, second, _ := strings.Cut(rest, " ")
	switch verb {
	case "chunk":
		e.chunk(pattern(number(t, first)))
	case "header":
		e.header(first, pattern(number(t, second)))
	case "data":
		e.Write(pattern(number(t, first)))
	case "trailer":
		e.trailer(rest)
	case "signature":
		e.trailerSignature()
	case "raw":
		text, err := strconv.Unquote(rest)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		e.WriteString(text)
	default:
		t.Fatalf("unknown piece %q", line)
	}
}

func number(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
