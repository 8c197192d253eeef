package api

import (
	"slices"
	"strings"
	"testing"
)

func TestParseAttributes(t *testing.T) {
	const missing = "InvalidRequest: The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"
	tests := []struct {
		header []string
		want   string // the attributes, or the error
	}{
		{[]string{"x-amz-object-attributes", "ETag"}, "ETag"},
		{[]string{"x-amz-object-attributes", "ObjectSize, StorageClass,ETag,,ObjectParts,Checksum"}, "Checksum ETag ObjectParts ObjectSize StorageClass"},
		{[]string{"x-amz-object-attributes", "ETag", "x-amz-object-attributes", "ObjectSize"}, "ETag ObjectSize"},
		{nil, missing},
		{[]string{"x-amz-object-attributes", " , "}, missing},
		{[]string{"x-amz-object-attributes", "ETag,Size"},
			"InvalidArgument: Invalid attribute name specified. ArgumentName=x-amz-object-attributes ArgumentValue=Size"},
		{[]string{"x-amz-object-attributes", "etag"},
			"InvalidArgument: Invalid attribute name specified. ArgumentName=x-amz-object-attributes ArgumentValue=etag"},
		{[]string{"x-amz-object-attributes", "ETag", "x-amz-max-parts", "x"},
			"InvalidArgument: Provided x-amz-max-parts not an integer or within integer range ArgumentName=x-amz-max-parts ArgumentValue=x"},
		{[]string{"x-amz-object-attributes", "ETag", "x-amz-part-number-marker", "-1"},
			"InvalidArgument: Argument x-amz-part-number-marker must be an integer between 0 and 2147483647 ArgumentName=x-amz-part-number-marker ArgumentValue=-1"},
	}
	for _, test := range tests {
		r, err := parseAttributes(headerOf(test.header))
		got := explained(err)
		if err == nil {
			var names []string
			for name := range r.wanted {
				names = append(names, name)
			}
			slices.Sort(names)
			got = strings.Join(names, " ")
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.header, got, test.want)
		}
	}
}

// FuzzAttributes checks that no header asks for an attribute that there is not, or
// fails in another way than by a refusal.
func FuzzAttributes(f *testing.F) {
	for _, s := range []string{"ETag", "ETag,Checksum , ObjectParts", ",", "etag", "ETag\x00"} {
		f.Add(s, "1000", "")
	}
	f.Add("ObjectParts", "-1", "99999999999")
	f.Fuzz(func(t *testing.T, names, maxParts, after string) {
		h := headerOf([]string{"x-amz-object-attributes", names, "x-amz-max-parts", maxParts, "x-amz-part-number-marker", after})
		r, err := parseAttributes(h)
		if err != nil {
			if code := translate(err, place{}).code; code != "InvalidArgument" && code != "InvalidRequest" {
				t.Fatalf("%q: %v", names, err)
			}
			return
		}
		if len(r.wanted) == 0 || r.maxParts < 0 || r.after < 0 {
			t.Fatalf("%q, %q, %q: %+v", names, maxParts, after, r)
		}
		for name := range r.wanted {
			if !slices.Contains(attributeNames, name) || !strings.Contains(names, name) {
				t.Fatalf("%q asks for %q", names, name)
			}
		}
	})
}
