package policy_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/seed61737384/tombstone/auth/policy"
)

// TestParse plays testdata/parse: each command is the kind of a policy, its
// input the text. The answer is the error with position, message and detail, or
// "ok" and, for a bucket's, whether it is public. "pad=N" puts N blanks before
// the last brace, "fill=N" replaces FILL by N letters.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			text := d.Input
			if d.HasArg("fill") {
				var n int
				d.ScanArgs(t, "fill", &n)
				text = strings.ReplaceAll(text, "FILL", strings.Repeat("x", n))
			}
			if d.HasArg("pad") {
				var n int
				d.ScanArgs(t, "pad", &n)
				text = strings.TrimSuffix(text, "}") + strings.Repeat(" ", n) + "}"
			}
			return parseAnswer(t, d.Cmd, text)
		})
	})
}

func parseAnswer(t *testing.T, kind, text string) string {
	t.Helper()
	var document *policy.Document
	var err error
	switch kind {
	case "identity":
		document, err = policy.Parse(policy.Identity, []byte(text))
	case "bucket":
		document, err = policy.ParseBucket("b", []byte(text))
	default:
		t.Fatalf("unknown kind %s", kind)
	}
	var syntax *policy.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return err.Error() + "\n"
	case err != nil:
		t.Fatalf("%v is no SyntaxError", err)
	case !bytes.Equal(document.JSON(), []byte(text)):
		t.Fatalf("JSON returns another text")
	case kind == "bucket":
		return fmt.Sprintf("ok public=%v\n", document.Public())
	}
	return "ok\n"
}

func TestMentions(t *testing.T) {
	d, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*",
		"Resource": "arn:aws:s3:::b/${aws:UserName}/*",
		"Condition": {"StringEquals": {"s3:ExistingObjectTag/Project": "${aws:PrincipalTag/project, 'none'}"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]bool{
		"s3:existingobjecttag/": true, "aws:username": true, "aws:principaltag/project": true, "s3:requestobjecttag": false,
	} {
		if got := d.Mentions(prefix); got != want {
			t.Errorf("Mentions(%q) = %v", prefix, got)
		}
	}
	var none *policy.Document
	if none.Mentions("") || none.Public() {
		t.Error("no policy mentions a key or is public")
	}
}
