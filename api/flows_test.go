package api

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// deleteObjects sends a DeleteObjects with its Content-MD5.
func (s *testServer) deleteObjects(target, body string) answer {
	s.t.Helper()
	sum := md5.Sum([]byte(body))
	return s.must("POST", target+"?delete", body, "Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
}

// deleteBody is a DeleteObjects of entries, with their ids if versioned.
func deleteBody(entries []node, versioned bool) string {
	var b strings.Builder
	b.WriteString("<Delete><Quiet>true</Quiet>")
	for i := range entries {
		b.WriteString("<Object><Key>")
		_ = xml.EscapeText(&b, []byte(entries[i].child("Key")))
		b.WriteString("</Key>")
		if versioned {
			b.WriteString("<VersionId>" + entries[i].child("VersionId") + "</VersionId>")
		}
		b.WriteString("</Object>")
	}
	b.WriteString("</Delete>")
	return b.String()
}

// pages reads a listing to its end; next makes the target of the page after root.
// What use does between two pages is meant to be seen or not as the rules say.
func (s *testServer) pages(target string, next func(root *node) string, use func(root *node)) {
	s.t.Helper()
	for at := target; ; {
		root, err := parseAnswer(s.must("GET", at, "").body)
		if err != nil {
			s.t.Fatal(err)
		}
		use(root)
		if root.child("IsTruncated") != "true" {
			return
		}
		at = target + next(root)
	}
}

func entriesOf(root *node, names ...string) []node {
	var entries []node
	for _, c := range root.Children {
		for _, name := range names {
			if c.XMLName.Local == name {
				entries = append(entries, c)
			}
		}
	}
	return entries
}

func nextVersions(root *node) string {
	return "&key-marker=" + url.QueryEscape(root.child("NextKeyMarker")) +
		"&version-id-marker=" + url.QueryEscape(root.child("NextVersionIdMarker"))
}

// nextEncoded is nextVersions with encoding-type=url: the markers come encoded.
func nextEncoded(root *node) string {
	return "&key-marker=" + root.child("NextKeyMarker") + "&version-id-marker=" + root.child("NextVersionIdMarker")
}

func nextV2(root *node) string {
	return "&continuation-token=" + url.QueryEscape(root.child("NextContinuationToken"))
}

// nextV1 goes on behind the last key, as clients do that sent no delimiter.
func nextV1(root *node) string {
	contents := entriesOf(root, "Contents")
	return "&marker=" + url.QueryEscape(contents[len(contents)-1].child("Key"))
}

// fill makes a bucket with keys, overwritten and marked if it is versioned.
func (s *testServer) fill(bucketName, state string) {
	s.t.Helper()
	s.must("PUT", "/"+bucketName, "")
	const keys = 25
	for i := range keys {
		s.must("PUT", fmt.Sprintf("/%s/dir%%20%d/k%%2B%d", bucketName, i%4, i), "x")
	}
	if state == "" {
		return
	}
	s.must("PUT", "/"+bucketName+"?versioning", "<VersioningConfiguration><Status>"+state+"</Status></VersioningConfiguration>")
	for i := range keys {
		key := fmt.Sprintf("/%s/dir%%20%d/k%%2B%d", bucketName, i%4, i)
		s.must("PUT", key, "y")
		if i%3 == 0 {
			s.must("DELETE", key, "")
		}
	}
}

// The ways in which clients empty a bucket, each over several pages.
func TestEmptying(t *testing.T) {
	s := newTestServer(t, nil)
	flows := []struct {
		name  string
		run   func(bucketName string)
		empty bool // in Enabled too
	}{
		// spec: VD9-7, VD9-8
		{"rm --recursive", func(b string) {
			s.pages("/"+b+"?list-type=2&encoding-type=url&max-keys=7", nextV2, func(root *node) {
				for _, c := range entriesOf(root, "Contents") {
					key, err := url.QueryUnescape(c.child("Key"))
					if err != nil {
						t.Fatal(err)
					}
					s.must("DELETE", "/"+b+"/"+url.PathEscape(key), "")
				}
			})
		}, false},
		// spec: VD9-9
		{"versions, then delete markers", func(b string) {
			for _, kind := range []string{"Version", "DeleteMarker"} {
				var found []node
				s.pages("/"+b+"?versions&max-keys=7", nextVersions, func(root *node) {
					found = append(found, entriesOf(root, kind)...)
				})
				if len(found) > 0 {
					s.deleteObjects("/"+b, deleteBody(found, true))
				}
			}
		}, true},
		// spec: VD9-10, LS6-1
		{"object_versions.delete", func(b string) {
			s.pages("/"+b+"?versions&max-keys=7", nextVersions, func(root *node) {
				s.deleteObjects("/"+b, deleteBody(entriesOf(root, "Version", "DeleteMarker"), true))
			})
		}, true},
		// spec: VD9-11, VD9-12
		{"objects.delete", func(b string) {
			s.pages("/"+b+"?max-keys=7", nextV1, func(root *node) {
				if contents := entriesOf(root, "Contents"); len(contents) > 0 {
					s.deleteObjects("/"+b, deleteBody(contents, false))
				}
			})
		}, false},
		// spec: VD9-13
		{"cleanup-hidden", func(b string) {
			s.pages("/"+b+"?versions&max-keys=7&encoding-type=url", nextEncoded, func(root *node) {
				for _, c := range entriesOf(root, "Version", "DeleteMarker") {
					key, err := url.QueryUnescape(c.child("Key"))
					if err != nil {
						t.Fatal(err)
					}
					s.must("DELETE", "/"+b+"/"+url.PathEscape(key)+"?versionId="+c.child("VersionId"), "")
				}
			})
		}, true},
	}
	for i, flow := range flows {
		for _, state := range []string{"", "Enabled", "Suspended"} {
			t.Run(flow.name+" "+state, func(t *testing.T) {
				s.t = t
				b := fmt.Sprintf("flow-%d-%s", i, strings.ToLower("x"+state))
				s.fill(b, state)
				flow.run(b)
				if left := entriesOf(mustParse(t, s.must("GET", "/"+b, "")), "Contents"); len(left) != 0 {
					t.Errorf("%d objects are left", len(left))
				}
				want := 204
				if state != "" && !flow.empty {
					want = 409 // delete markers at least
				}
				if a := s.do("DELETE", "/"+b, ""); a.status != want {
					t.Errorf("DeleteBucket: %d %s", a.status, a.body)
				}
			})
		}
	}
}

func mustParse(t *testing.T, a answer) *node {
	t.Helper()
	root, err := parseAnswer(a.body)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// Version ids have the form of S3's, are never the same, are never given anew, and
// go into a URL as they are.
// spec: VD2-1, VD2-2, VD2-4
func TestVersionIDs(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	seen := make(map[string]bool)
	for range 50 {
		id := s.must("PUT", "/bucket/key", "x").header.Get("X-Amz-Version-Id")
		if !versionID.MatchString(id) || seen[id] || url.QueryEscape(id) != id {
			t.Fatalf("version id %q", id)
		}
		seen[id] = true
		s.must("GET", "/bucket/key?versionId="+id, "")
		s.must("DELETE", "/bucket/key?versionId="+id, "")
	}
}
