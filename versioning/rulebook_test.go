package versioning_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

const rulebookFile = "testdata/rulebook.golden"

// The golden file begins with this.
const rulebookHead = `# The rule book: what every request does to every key, in every state of the bucket.
# Written by the tests ("go test ./versioning -rewrite"); each change of a line is a change of a rule.
#
#   state  request  [before]  ->  [after]  answer
#   state  request  [before]  ->  refused: reason
#   state  request  [before]  impossible: why no bucket gets there
#
# U, E, S      bucket never versioned, versioning enabled, suspended
# [D2 v1]      entries, newest first, numbered by age: v object version, N null object, D delete marker,
#              DN null delete marker; v1!hold is locked. What a request inserts has the next number.
# id=          x-amz-version-id; not sent if missing. x is an id that no entry of the key has
# delete-marker   x-amz-delete-marker: true is sent
# marker=      delete marker that a refusal shows
# since=absent, since=current   the key was absent when the upload began, or its entry is still current
# since=object, since=marker    an object or a delete marker was current that is so no more
# If-Match:same, :other   the ETag of the current entry, and one that no entry has
`

// bucket is a state with its letter.
type bucket struct {
	letter string
	state  versioning.State
}

var states = []bucket{{"U", versioning.Unversioned}, {"E", versioning.Enabled}, {"S", versioning.Suspended}}

// asked is a change and how the rule book names it.
type asked struct {
	text string
	change
}

// rulebook collects the lines of the golden file.
type rulebook struct {
	t    *testing.T
	text strings.Builder
}

func (b *rulebook) line(state, request string, before fmt.Stringer, rest string) {
	line := fmt.Sprintf("%s  %-28s  %-28v  %s", state, request, before, rest)
	b.text.WriteString(strings.TrimRight(line, " ") + "\n")
}

// change adds the line of one write or delete.
func (b *rulebook) change(state string, before history, c asked) {
	after, answer, err := before.play(b.t, c.change)
	if err != nil {
		b.line(state, c.text, before, "->  "+refusalText(err))
		return
	}
	b.line(state, c.text, before, fmt.Sprintf("->  %-28v  %s", after, answerText(answer, after, before)))
}

// answerText shows an answer; hs are histories that have its entry, if one has.
func answerText(a versioning.Answer, hs ...history) string {
	var words []string
	if !a.VersionID.IsZero() {
		words = append(words, "id="+idText(a.VersionID, hs...))
	}
	if a.DeleteMarker {
		words = append(words, "delete-marker")
	}
	return strings.Join(words, " ")
}

var reasonNames = map[versioning.Reason]string{
	versioning.NoSuchKey:          "NoSuchKey",
	versioning.NoSuchVersion:      "NoSuchVersion",
	versioning.MethodNotAllowed:   "MethodNotAllowed",
	versioning.CopySourceIsMarker: "CopySourceIsMarker",
	versioning.PreconditionFailed: "PreconditionFailed",
	versioning.NotImplemented:     "NotImplemented",
	versioning.ObjectLocked:       "ObjectLocked",
	versioning.InvalidBucketState: "InvalidBucketState",
	versioning.MalformedVersionID: "MalformedVersionID",
	versioning.EmptyVersionID:     "EmptyVersionID",

	versioning.ConditionalConflict: "ConditionalConflict",
}

// refusalText shows everything that a refusal says.
func refusalText(err error) string {
	var r *versioning.Refusal
	if !errors.As(err, &r) || reasonNames[r.Reason] == "" {
		return fmt.Sprintf("unexpected error: %v", err)
	}
	text := "refused: " + reasonNames[r.Reason]
	if r.Condition != "" {
		text += " " + r.Condition
	}
	if r.Several {
		text += " several"
	}
	if r.Marker != nil {
		text += " marker=" + name(r.Marker)
	}
	return text
}

func TestRuleBook(t *testing.T) {
	b := &rulebook{t: t}
	b.text.WriteString(rulebookHead)
	b.text.WriteString("\n# Refused before the key is looked at\n\n")
	b.refusedUnseen()
	b.text.WriteString("\n# Writes and deletes\n\n")
	b.changes()
	b.text.WriteString("\n# Completed uploads: what was current when the upload began counts too\n\n")
	b.completions()
	b.text.WriteString("\n# Locks: the same with one entry that has a lock setting\n\n")
	b.locks()
	b.text.WriteString("\n# Reads, and changes of what an entry holds\n\n")
	b.reads()
	compareGolden(t, rulebookFile, b.text.String())
}

// compareGolden holds got against a file, or writes it with -rewrite, the flag
// that the datadriven tests have as well.
func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if flag.Lookup("rewrite").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(data), "\n")
	lines := strings.Split(got, "\n")
	if len(lines) != len(want) {
		t.Errorf("%s: %d lines, want %d", file, len(lines), len(want))
	}
	shown := 0
	for i := range min(len(lines), len(want)) {
		if lines[i] == want[i] {
			continue
		}
		if shown++; shown > 20 {
			t.Errorf("%s: and more", file)
			return
		}
		t.Errorf("%s:%d:\n got %s\nwant %s", file, i+1, lines[i], want[i])
	}
}
