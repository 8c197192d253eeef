package lifecycle_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/seed61737384/tombstone/lifecycle"
)

// Conversations with rules, written as parseRules and parseHistory read them.
//
//	rules                                   the rules for what follows, until the next ones
//	fold now=T [locks=T] [state=S]          the verdicts on a history, in Enabled unless another state is named
//	upload                                  lines of a key and a time of initiation: what is told of each upload
//	object                                  a history: what is told of each entry as if it were current
func TestRules(t *testing.T) {
	datadriven.Walk(t, "testdata/rules", func(t *testing.T, path string) {
		var c *lifecycle.Config
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "rules":
				c = parseRules(t, d.Input)
				return ""
			case "fold":
				return foldText(t, c, d)
			case "upload":
				return uploadText(t, c, d.Input)
			case "object":
				return objectText(t, c, d.Input)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func foldText(t *testing.T, c *lifecycle.Config, d *datadriven.TestData) string {
	at := lifecycle.Instant{State: states["enabled"]}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "now":
			at.Now = instant(t, arg.Vals[0])
		case "locks":
			at.Locks = instant(t, arg.Vals[0])
		case "state":
			at.State = states[arg.Vals[0]]
		}
	}
	if at.Locks.IsZero() {
		at.Locks = at.Now
	}
	var lines []string
	f := lifecycle.NewFold(c, at, func(v *lifecycle.Verdict) { lines = append(lines, verdictText(v, at)+"\n") })
	for _, e := range parseHistory(t, d.Input) {
		f.Next(&e)
	}
	f.End()
	return strings.Join(lines, "")
}

func uploadText(t *testing.T, c *lifecycle.Config, input string) string {
	var lines []string
	for line := range strings.Lines(input) {
		words := strings.Fields(line)
		r, due, ok := c.ForUpload(words[0], instant(t, words[1]))
		if !ok {
			lines = append(lines, words[0]+"  nothing\n")
			continue
		}
		date, id := lifecycle.AbortHeaders(r, due)
		lines = append(lines, words[0]+"  "+date+"  "+id+"\n")
	}
	return strings.Join(lines, "")
}

func objectText(t *testing.T, c *lifecycle.Config, input string) string {
	var lines []string
	for _, e := range parseHistory(t, input) {
		text := "nothing"
		if r, due, ok := c.ForCurrent(&e); ok {
			text = lifecycle.ExpirationHeader(r, due)
		}
		lines = append(lines, e.Key+"  "+text+"\n")
	}
	return strings.Join(lines, "")
}
