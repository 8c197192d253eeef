package api

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/store"
)

// spec: WI3-8
func TestTagHeader(t *testing.T) {
	long, longer := strings.Repeat("ü", maxTagKey), strings.Repeat("ü", maxTagValue)
	tests := []struct {
		value string
		want  []store.Tag
		err   Code
	}{
		{"", nil, ""},
		{"a=b", []store.Tag{{Key: "a", Value: "b"}}, ""},
		{"a=b&", []store.Tag{{Key: "a", Value: "b"}}, ""},
		{"a", []store.Tag{{Key: "a"}}, ""},
		{"b=&a=1=2", []store.Tag{{Key: "b"}, {Key: "a", Value: "1=2"}}, ""},
		{"a+b=%2B%20", []store.Tag{{Key: "a b", Value: "+ "}}, ""},
		{"A=1&a=2", []store.Tag{{Key: "A", Value: "1"}, {Key: "a", Value: "2"}}, ""},
		{"%E6%97%A5=x.:/=%2B-@_9", []store.Tag{{Key: "日", Value: "x.:/=+-@_9"}}, ""},
		{long + "=" + longer, []store.Tag{{Key: long, Value: longer}}, ""},
		{long + "ü=", nil, "InvalidTag"},
		{"a=" + longer + "ü", nil, "InvalidTag"},
		{"a=1&a=1", nil, "InvalidArgument"},
		{"a=%F", nil, "InvalidArgument"},
		{"a=%FF", nil, "InvalidArgument"},
		{"a=b#", nil, "InvalidArgument"},
		{"a=b%0A", nil, "InvalidArgument"},
		{"=", nil, "InvalidTag"},
		{"aws:x=1", nil, "InvalidTag"},
		{"AWS:x=1", []store.Tag{{Key: "AWS:x", Value: "1"}}, ""},
		{strings.Repeat("a=&", 11), nil, "InvalidArgument"},
		{"0=&1=&2=&3=&4=&5=&6=&7=&8=&9=&a=", nil, "BadRequest"},
	}
	for _, test := range tests {
		got, err := requestTags(http.Header{taggingHeader: {test.value}})
		switch {
		case test.err == "" && (err != nil || !reflect.DeepEqual(got, test.want)):
			t.Errorf("%q: %v, %v", test.value, got, err)
		case test.err != "" && (err == nil || translate(err, place{}).code != test.err):
			t.Errorf("%q: %v, %v; want %s", test.value, got, err, test.err)
		}
	}
}

// Buckets may have more tags than objects, and are told so in other words.
//
// spec: WI3-8
func TestTagRules(t *testing.T) {
	var tags []store.Tag
	for n := range bucketTags.limit {
		tags = append(tags, store.Tag{Key: strings.Repeat("k", n+1)})
	}
	if err := bucketTags.check(tags); err != nil {
		t.Error(err)
	}
	tags = append(tags, store.Tag{Key: "more"})
	reserved := []store.Tag{{Key: "aws:k"}}
	for err, want := range map[error]string{
		bucketTags.check(tags):                        "BadRequest: Bucket tag count cannot be greater than 50",
		objectTags.check(tags[:11]):                   "BadRequest: Object tags cannot be greater than 10",
		bucketTags.check(reserved):                    "InvalidTag: System tags cannot be added/updated by requester",
		objectTags.check(reserved):                    "InvalidTag: Your TagKey cannot be prefixed with aws:",
		objectTags.check([]store.Tag{{}}):             "InvalidTag: The TagKey you have provided is invalid",
		objectTags.check(append(tags[:1:1], tags[0])): "InvalidTag: Cannot provide multiple Tags with the same key",
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func FuzzTagHeader(f *testing.F) {
	for _, s := range []string{"a=b&c=d", "a=%2B+", "a&a", "%zz=", "aws:a=b", "=", "a==b&&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		tags, err := requestTags(http.Header{taggingHeader: {value}})
		if err == nil {
			mustBeTags(t, tags)
		}
	})
}

func FuzzTagging(f *testing.F) {
	for _, s := range []string{
		"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
		"<Tagging><TagSet/></Tagging>", "<Tagging/>", "<Tagging><TagSet><Tag/></TagSet></Tagging>",
		"<Tagging><TagSet><Tag><Value/><Key>&#x1;</Key></Tag></TagSet></Tagging>", "<Tagging><TagSet></TagSet><TagSet/></Tagging>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		tags, err := objectTags.parse(document)
		if err == nil {
			mustBeTags(t, tags)
		}
	})
}

// mustBeTags checks what tags that were accepted have in common.
func mustBeTags(t *testing.T, tags []store.Tag) {
	t.Helper()
	seen := make(map[string]bool)
	for _, tag := range tags {
		if tag.Key == "" || seen[tag.Key] || strings.HasPrefix(tag.Key, "aws:") || !utf8.ValidString(tag.Key+tag.Value) {
			t.Fatalf("%q", tags)
		}
		seen[tag.Key] = true
	}
	if len(tags) > 10 {
		t.Fatalf("%d tags", len(tags))
	}
}
