package api

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/store"
)

// taggingHeader carries the tags of an object that is stored, in canonical form.
const taggingHeader = "X-Amz-Tagging"

// The lengths of a tag's parts, in characters (spec WI3-8).
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// reservedTagPrefix begins the keys of tags that nobody may set (spec WI3-8).
const reservedTagPrefix = "aws:"

// tagRules are what is said of tags of one kind of resource.
type tagRules struct {
	limit    int
	tooMany  string // message of BadRequest
	reserved string // message of InvalidTag for a key that begins with reservedTagPrefix
}

// The kinds of resource that have tags.
var (
	objectTags = tagRules{10, "Object tags cannot be greater than 10", "Your TagKey cannot be prefixed with aws:"}
	bucketTags = tagRules{50, "Bucket tag count cannot be greater than 50", "System tags cannot be added/updated by requester"}
)

// check holds tags against the rules (spec WI3-8).
func (rules *tagRules) check(tags []store.Tag) error {
	if len(tags) > rules.limit {
		return refuseWith("BadRequest", rules.tooMany)
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		switch {
		case seen[t.Key]:
			return refuseWith("InvalidTag", "Cannot provide multiple Tags with the same key", "TagKey", t.Key)
		case strings.HasPrefix(t.Key, reservedTagPrefix):
			return refuseWith("InvalidTag", rules.reserved, "TagKey", t.Key)
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || !isTagText(t.Key):
			return refuseWith("InvalidTag", "The TagKey you have provided is invalid", "TagKey", t.Key)
		case utf8.RuneCountInString(t.Value) > maxTagValue || !isTagText(t.Value):
			return refuseWith("InvalidTag", "The TagValue you have provided is invalid", "TagKey", t.Key, "TagValue", t.Value)
		}
		seen[t.Key] = true
	}
	return nil
}

// isTagText reports whether a key or value has only the characters that tags may
// have: letters, digits and spaces of any script, and + - = . _ : / @.
func isTagText(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Z, r) && !strings.ContainsRune("+-=._:/@", r)
	}) < 0
}

// parse reads a Tagging document and holds it against the rules.
func (rules *tagRules) parse(data []byte) ([]store.Tag, error) {
	r, err := openXML(data, "Tagging")
	if err != nil {
		return nil, refuse("MalformedXML")
	}
	tags, err := readTagging(r)
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		return nil, refuse("MalformedXML")
	}
	return tags, rules.check(tags)
}

// readTagging reads the one TagSet that a Tagging holds, to its end.
func readTagging(r *xmlReader) (tags []store.Tag, err error) {
	if name, ok, err := r.child(); err != nil || !ok || name != "TagSet" {
		return nil, errXML
	}
	if tags, err = readTags(r); err != nil {
		return nil, err
	}
	return tags, readEnd(r)
}

// readTags reads the tags that the open element holds, to its end.
func readTags(r *xmlReader) (tags []store.Tag, err error) {
	err = r.each(func(name string) error {
		if name != "Tag" {
			return errXML
		}
		tag, err := readTag(r)
		tags = append(tags, tag)
		return err
	})
	return tags, err
}

// readEnd leaves an element that has to end here.
func readEnd(r *xmlReader) error {
	if _, ok, err := r.child(); err != nil || ok {
		return errXML
	}
	return nil
}

// readTag reads a Tag: a Key and a Value, in any order.
func readTag(r *xmlReader) (store.Tag, error) {
	values := make(map[string]string, 2)
	for {
		name, ok, err := r.child()
		if err != nil {
			return store.Tag{}, err
		}
		if !ok {
			break
		}
		text, err := r.text()
		if _, again := values[name]; err != nil || again || name != "Key" && name != "Value" {
			return store.Tag{}, errXML
		}
		values[name] = text
	}
	if len(values) < 2 {
		return store.Tag{}, errXML
	}
	return store.Tag{Key: values["Key"], Value: values["Value"]}, nil
}

// requestTags returns the tags that a request gives the object it stores, none
// without the header (spec WI3-8).
func requestTags(h http.Header) ([]store.Tag, error) {
	if len(h[taggingHeader]) == 0 {
		return nil, nil
	}
	value := strings.Join(h[taggingHeader], "&")
	tags, ok := splitTags(value)
	if !ok {
		return nil, invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "+
			"without tag name duplicates.", "x-amz-tagging", value)
	}
	return tags, objectTags.check(tags)
}

// splitTags decodes tags in the form of a query, each key once.
func splitTags(value string) (tags []store.Tag, ok bool) {
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(value, "&") {
		if part == "" {
			continue
		}
		key, text, _ := strings.Cut(part, "=")
		key, keyErr := url.QueryUnescape(key)
		text, textErr := url.QueryUnescape(text)
		if keyErr != nil || textErr != nil || seen[key] || !isTagText(key) || !isTagText(text) {
			return nil, false
		}
		seen[key] = true
		tags = append(tags, store.Tag{Key: key, Value: text})
	}
	return tags, true
}

// tagging writes a Tagging document.
func (x *exchange) tagging(tags []store.Tag) error {
	d := x.beginDocument(http.StatusOK, "Tagging", false)
	d.open("TagSet")
	for _, t := range tags {
		d.open("Tag")
		d.text("Key", t.Key)
		d.text("Value", t.Value)
		d.close("Tag")
	}
	d.close("TagSet")
	return d.end("Tagging")
}
