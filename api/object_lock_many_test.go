package api

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// TestDeleteObjectsOfWhichSomeAreLocked deletes 1,000 versions of which 10 are locked:
// each entry is judged for itself.
//
// spec: OL1.4-8
func TestDeleteObjectsOfWhichSomeAreLocked(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	var list strings.Builder
	list.WriteString("<Delete>")
	locked := map[string]bool{}
	for i := range 1000 {
		key := fmt.Sprintf("key-%04d", i)
		var headers []string
		if i%100 == 50 {
			locked[key] = true
			headers = lockHeaders[len(locked)%len(lockHeaders)]
		}
		version := s.must("PUT", "/bucket/"+key, "x", headers...).header.Get("X-Amz-Version-Id")
		fmt.Fprintf(&list, "<Object><Key>%s</Key><VersionId>%s</VersionId></Object>", key, version)
	}
	list.WriteString("</Delete>")
	sum := md5.Sum([]byte(list.String()))
	a := s.must("POST", "/bucket?delete", list.String(), "Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
	root, err := parseAnswer(a.body)
	if err != nil {
		t.Fatal(err)
	}
	deleted, refused := 0, 0
	for _, child := range root.Children {
		key := child.child("Key")
		switch {
		case child.XMLName.Local == "Deleted" && !locked[key]:
			deleted++
		case child.XMLName.Local == "Error" && locked[key] && child.child("Code") == "AccessDenied" &&
			child.child("Message") == "Access Denied because object protected by object lock.":
			refused++
		default:
			t.Errorf("%s: %s %s", key, child.XMLName.Local, child.child("Code"))
		}
	}
	if deleted != 990 || refused != 10 {
		t.Errorf("%d are deleted and %d refused, want 990 and 10", deleted, refused)
	}
	if a := s.must("GET", "/bucket?versions", ""); strings.Count(string(a.body), "<Version>") != 10 {
		t.Errorf("left are %s", a.body)
	}
}

// lockHeaders lock a version in each of the ways there are.
var lockHeaders = [][]string{
	{lockModeHeader, "GOVERNANCE", lockUntilHeader, "2030-01-01T00:00:00Z"},
	{lockModeHeader, "COMPLIANCE", lockUntilHeader, "2030-01-01T00:00:00Z"},
	{lockHoldHeader, "ON"},
}
