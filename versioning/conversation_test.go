package versioning_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/seed61737384/tombstone/versioning"
)

// conversation is one bucket that a file of testdata/conversations talks to. Each
// request takes a minute, each entry has the next number as its order.
//
//	bucket enabled|suspended|unversioned [lock]   change the state; lock configures Object Lock
//	put k [etag=] [if-match=] [if-none-match=]    store an object
//	copy k from=j [version=]                      store a copy of an object
//	delete k [version=] [if-match=] [bypass]      delete the key, or a version
//	GetObject k [version=]                        read, or any other operation by its name
//	retain k [version=] mode= for=                set the retention of a version
//	hold k [version=] on|off                      set its legal hold
//	advance 24h                                   let time pass
//	history k                                     show all entries, newest first
//
// A version is named as the histories show it (v3), by null, or by any other text.
// Answers are written as in the golden file of the rule book.
type conversation struct {
	t     *testing.T
	codec *versioning.IDCodec
	state versioning.State
	lock  bool
	now   time.Time
	last  versioning.Order
	keys  map[string]history
	ever  history // every entry that there was, to show ids by name
}

func TestConversations(t *testing.T) {
	datadriven.Walk(t, "testdata/conversations", func(t *testing.T, path string) {
		c := &conversation{codec: newCodec(t, 1), now: noon, keys: map[string]history{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			c.t = t
			c.now = c.now.Add(time.Minute)
			text, err := c.say(d)
			if err != nil {
				return refusalText(err)
			}
			return text
		})
	})
}

func (c *conversation) say(d *datadriven.TestData) (string, error) {
	switch d.Cmd {
	case "bucket":
		return c.bucket(d)
	case "put":
		return c.put(d)
	case "copy":
		return c.copy(d)
	case "delete":
		return c.delete(d)
	case "retain", "hold":
		return c.protect(d)
	case "advance":
		return c.advance(d)
	case "history":
		return c.show(d.CmdArgs[0].Key), nil
	}
	for op, text := range operationNames {
		if d.Cmd == text {
			v, answer, err := c.find(d, versioning.Operation(op))
			if err != nil {
				return "", err
			}
			return strings.TrimSpace(name(v) + "  " + answerText(answer, c.ever)), nil
		}
	}
	d.Fatalf(c.t, "unknown command %s", d.Cmd)
	return "", nil
}

// arg returns the value of an argument, empty if it was not given.
func arg(d *datadriven.TestData, key string) string {
	if a, ok := d.Arg(key); ok {
		return a.Vals[0]
	}
	return ""
}

func (c *conversation) bucket(d *datadriven.TestData) (string, error) {
	to := map[string]versioning.State{
		"unversioned": versioning.Unversioned, "enabled": versioning.Enabled, "suspended": versioning.Suspended,
	}[d.CmdArgs[0].Key]
	if err := versioning.ChangeState(c.lock, to); err != nil {
		return "", err
	}
	c.state = to
	c.lock = c.lock || d.HasArg("lock")
	return c.state.String(), nil
}

func (c *conversation) put(d *datadriven.TestData) (string, error) {
	condition, err := versioning.WriteCondition(arg(d, "if-match"), arg(d, "if-none-match"))
	if err != nil {
		return "", err
	}
	r := versioning.PutRequest{Order: c.last + 1, Now: c.now, Condition: condition}
	return c.play(d.CmdArgs[0].Key, put(c.state, r), arg(d, "etag"))
}

func (c *conversation) copy(d *datadriven.TestData) (string, error) {
	source, _, err := c.findIn(arg(d, "from"), d, versioning.CopySource)
	if err != nil {
		return "", err
	}
	r := versioning.PutRequest{Order: c.last + 1, Now: c.now, Copy: true}
	return c.play(d.CmdArgs[0].Key, put(c.state, r), source.ETag)
}

func (c *conversation) delete(d *datadriven.TestData) (string, error) {
	id, err := c.version(d)
	if err != nil {
		return "", err
	}
	condition, err := versioning.DeleteCondition(arg(d, "if-match"), id)
	if err != nil {
		return "", err
	}
	r := versioning.DeleteRequest{
		ID: id, Order: c.last + 1, Now: c.now, Condition: condition, BypassGovernance: d.HasArg("bypass"),
	}
	return c.play(d.CmdArgs[0].Key, del(c.state, r), "")
}

// play applies a change to a key, with the checks of the rule book, and fills in
// what the store would.
func (c *conversation) play(key string, ch change, etag string) (string, error) {
	after, answer, err := c.keys[key].play(c.t, ch)
	if err != nil {
		return "", err
	}
	c.keys[key] = after
	if len(after) > 0 && after[0].Order > c.last {
		c.last = after[0].Order
		after[0].ETag, after[0].LastModified = etag, c.now
		c.ever = append(c.ever, after[0])
	}
	return strings.TrimSpace(fmt.Sprintf("%v  %s", after, answerText(answer, c.ever))), nil
}

var entryName = regexp.MustCompile(`^(v|N|D|DN)([0-9]+)$`)

// version reads the version id of a request, the zero ID if it has none.
func (c *conversation) version(d *datadriven.TestData) (versioning.ID, error) {
	if !d.HasArg("version") {
		return versioning.ID{}, nil
	}
	text := arg(d, "version")
	if m := entryName.FindStringSubmatch(text); m != nil {
		order, err := strconv.ParseUint(m[2], 10, 64)
		if err != nil {
			d.Fatalf(c.t, "%v", err)
		}
		text = c.codec.Format(versioning.IDOf(versioning.Order(order)))
	}
	return c.codec.Parse(text)
}

func (c *conversation) find(d *datadriven.TestData, op versioning.Operation) (*versioning.Version, versioning.Answer, error) {
	return c.findIn(d.CmdArgs[0].Key, d, op)
}

func (c *conversation) findIn(key string, d *datadriven.TestData, op versioning.Operation) (*versioning.Version, versioning.Answer, error) {
	id, err := c.version(d)
	if err != nil {
		return nil, versioning.Answer{}, err
	}
	return versioning.Read(c.state, c.keys[key].facts(id), &versioning.ReadRequest{Operation: op, ID: id})
}

// protect sets what rules of another place have allowed to set.
func (c *conversation) protect(d *datadriven.TestData) (string, error) {
	op := versioning.PutObjectRetention
	if d.Cmd == "hold" {
		op = versioning.PutObjectLegalHold
	}
	v, _, err := c.find(d, op)
	switch {
	case err != nil:
		return "", err
	case d.Cmd == "retain":
		length, err := time.ParseDuration(arg(d, "for"))
		if err != nil {
			d.Fatalf(c.t, "%v", err)
		}
		v.Lock.Mode = map[string]versioning.Mode{"governance": versioning.Governance, "compliance": versioning.Compliance}[arg(d, "mode")]
		v.Lock.Until = c.now.Add(length)
	case d.HasArg("on"):
		v.Lock.Hold = versioning.HoldOn
	case d.HasArg("off"):
		v.Lock.Hold = versioning.HoldOff
	}
	return c.line(v), nil
}

func (c *conversation) advance(d *datadriven.TestData) (string, error) {
	length, err := time.ParseDuration(d.CmdArgs[0].Key)
	if err != nil {
		d.Fatalf(c.t, "%v", err)
	}
	c.now = c.now.Add(length)
	return c.now.Format(time.DateTime), nil
}

func (c *conversation) show(key string) string {
	if len(c.keys[key]) == 0 {
		return "absent"
	}
	var lines []string
	for i, v := range c.keys[key] {
		line := c.line(v)
		if i == 0 {
			line += "  current"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// line shows all that is known of an entry.
func (c *conversation) line(v *versioning.Version) string {
	words := []string{name(v), v.LastModified.Format("15:04")}
	if v.ETag != "" {
		words = append(words, "etag="+v.ETag)
	}
	if v.Lock.Mode != versioning.NoRetention {
		words = append(words, v.Lock.Mode.String(), "until", v.Lock.Until.Format("15:04"))
	}
	if v.Lock.Hold != versioning.HoldNever {
		words = append(words, "hold", v.Lock.Hold.String())
	}
	return strings.Join(words, "  ")
}
