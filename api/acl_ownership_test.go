package api

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// ownershipCases are all settings of ownership with all ACLs that headers can ask for: what
// becomes of an object that the bucket's owner makes, and alice, whose account is
// another. "none" is a bucket whose controls were removed; "-" no header, "grant" one
// that lets a third account read. What comes of it is a code, or the owner and the grants.
//
// spec: AP3-8, AP3-6
var ownershipCases = []struct{ ownership, acl, root, alice string }{
	{"BucketOwnerEnforced", "-", "root: root=FULL_CONTROL", "root: root=FULL_CONTROL"},
	{"BucketOwnerEnforced", "private", "root: root=FULL_CONTROL", "root: root=FULL_CONTROL"},
	{"BucketOwnerEnforced", "public-read", "AccessControlListNotSupported", "AccessControlListNotSupported"},
	{"BucketOwnerEnforced", "public-read-write", "AccessControlListNotSupported", "AccessControlListNotSupported"},
	{"BucketOwnerEnforced", "authenticated-read", "AccessControlListNotSupported", "AccessControlListNotSupported"},
	{"BucketOwnerEnforced", "aws-exec-read", "AccessControlListNotSupported", "AccessControlListNotSupported"},
	{"BucketOwnerEnforced", "log-delivery-write", "AccessControlListNotSupported", "AccessControlListNotSupported"},
	{"BucketOwnerEnforced", "bucket-owner-read", "root: root=FULL_CONTROL", "root: root=FULL_CONTROL"},
	{"BucketOwnerEnforced", "bucket-owner-full-control", "root: root=FULL_CONTROL", "root: root=FULL_CONTROL"},
	{"BucketOwnerEnforced", "grant", "AccessControlListNotSupported", "AccessControlListNotSupported"},
	{"BucketOwnerPreferred", "-", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL"},
	{"BucketOwnerPreferred", "private", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL"},
	{"BucketOwnerPreferred", "public-read", "root: root=FULL_CONTROL AllUsers=READ", "alice: alice=FULL_CONTROL AllUsers=READ"},
	{"BucketOwnerPreferred", "public-read-write", "root: root=FULL_CONTROL AllUsers=READ AllUsers=WRITE", "alice: alice=FULL_CONTROL AllUsers=READ AllUsers=WRITE"},
	{"BucketOwnerPreferred", "authenticated-read", "root: root=FULL_CONTROL AuthenticatedUsers=READ", "alice: alice=FULL_CONTROL AuthenticatedUsers=READ"},
	{"BucketOwnerPreferred", "aws-exec-read", "root: root=FULL_CONTROL 6aa5=READ", "alice: alice=FULL_CONTROL 6aa5=READ"},
	{"BucketOwnerPreferred", "log-delivery-write", "root: root=FULL_CONTROL LogDelivery=WRITE LogDelivery=READ_ACP", "alice: alice=FULL_CONTROL LogDelivery=WRITE LogDelivery=READ_ACP"},
	{"BucketOwnerPreferred", "bucket-owner-read", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL root=READ"},
	{"BucketOwnerPreferred", "bucket-owner-full-control", "root: root=FULL_CONTROL", "root: root=FULL_CONTROL"},
	{"BucketOwnerPreferred", "grant", "root: carol=READ", "alice: carol=READ"},
	{"ObjectWriter", "-", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL"},
	{"ObjectWriter", "private", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL"},
	{"ObjectWriter", "public-read", "root: root=FULL_CONTROL AllUsers=READ", "alice: alice=FULL_CONTROL AllUsers=READ"},
	{"ObjectWriter", "public-read-write", "root: root=FULL_CONTROL AllUsers=READ AllUsers=WRITE", "alice: alice=FULL_CONTROL AllUsers=READ AllUsers=WRITE"},
	{"ObjectWriter", "authenticated-read", "root: root=FULL_CONTROL AuthenticatedUsers=READ", "alice: alice=FULL_CONTROL AuthenticatedUsers=READ"},
	{"ObjectWriter", "aws-exec-read", "root: root=FULL_CONTROL 6aa5=READ", "alice: alice=FULL_CONTROL 6aa5=READ"},
	{"ObjectWriter", "log-delivery-write", "root: root=FULL_CONTROL LogDelivery=WRITE LogDelivery=READ_ACP", "alice: alice=FULL_CONTROL LogDelivery=WRITE LogDelivery=READ_ACP"},
	{"ObjectWriter", "bucket-owner-read", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL root=READ"},
	{"ObjectWriter", "bucket-owner-full-control", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL root=FULL_CONTROL"},
	{"ObjectWriter", "grant", "root: carol=READ", "alice: carol=READ"},
	{"none", "-", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL"},
	{"none", "private", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL"},
	{"none", "public-read", "root: root=FULL_CONTROL AllUsers=READ", "alice: alice=FULL_CONTROL AllUsers=READ"},
	{"none", "public-read-write", "root: root=FULL_CONTROL AllUsers=READ AllUsers=WRITE", "alice: alice=FULL_CONTROL AllUsers=READ AllUsers=WRITE"},
	{"none", "authenticated-read", "root: root=FULL_CONTROL AuthenticatedUsers=READ", "alice: alice=FULL_CONTROL AuthenticatedUsers=READ"},
	{"none", "aws-exec-read", "root: root=FULL_CONTROL 6aa5=READ", "alice: alice=FULL_CONTROL 6aa5=READ"},
	{"none", "log-delivery-write", "root: root=FULL_CONTROL LogDelivery=WRITE LogDelivery=READ_ACP", "alice: alice=FULL_CONTROL LogDelivery=WRITE LogDelivery=READ_ACP"},
	{"none", "bucket-owner-read", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL root=READ"},
	{"none", "bucket-owner-full-control", "root: root=FULL_CONTROL", "alice: alice=FULL_CONTROL root=FULL_CONTROL"},
	{"none", "grant", "root: carol=READ", "alice: carol=READ"},
}

// openedBucket makes a bucket with an ownership, "none" for one whose controls were
// removed, in which alice may store and nothing is blocked.
func openedBucket(s *testServer, name, ownership string) {
	s.must("PUT", "/"+name, "")
	s.must("DELETE", "/"+name+"?publicAccessBlock", "")
	statement := `{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": ["s3:PutObject", "s3:PutObjectAcl"], "Resource": "arn:aws:s3:::` + name + `/*"},
		{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::` + name + `/source"}`
	s.must("PUT", "/"+name+"?policy", `{"Version": "2012-10-17", "Statement": [`+statement+`]}`)
	s.must("PUT", "/"+name+"/source", "x")
	if ownership == "none" {
		s.must("DELETE", "/"+name+"?ownershipControls", "")
		return
	}
	s.must("PUT", "/"+name+"?ownershipControls",
		"<OwnershipControls><Rule><ObjectOwnership>"+ownership+"</ObjectOwnership></Rule></OwnershipControls>")
}

// objectMakers store an object under a key of the bucket with given headers, and return
// the answer that says whether it may be.
var objectMakers = map[string]func(s *testServer, as, object string, headers []string) answer{
	"put": func(s *testServer, as, object string, headers []string) answer {
		return s.doAs(as, "PUT", object, "x", headers...)
	},
	"copy": func(s *testServer, as, object string, headers []string) answer {
		source := object[:strings.LastIndexByte(object, '/')] + "/source"
		return s.doAs(as, "PUT", object, "", append(slices.Clone(headers), "x-amz-copy-source", source)...)
	},
	"upload": func(s *testServer, as, object string, headers []string) answer {
		begun := s.doAs(as, "POST", object+"?uploads", "", headers...)
		_, rest, ok := strings.Cut(string(begun.body), "<UploadId>")
		if !ok {
			return begun
		}
		id, _, _ := strings.Cut(rest, "</UploadId>")
		part := s.doAs(as, "PUT", object+"?partNumber=1&uploadId="+id, "x")
		return s.doAs(as, "POST", object+"?uploadId="+id, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"+
			part.header.Get("ETag")+"</ETag></Part></CompleteMultipartUpload>")
	},
}

// shownACL is an AccessControlPolicy.
type shownACL struct {
	Owner  string `xml:"Owner>ID"`
	Grants []struct {
		ID         string `xml:"Grantee>ID"`
		URI        string `xml:"Grantee>URI"`
		Permission string
	} `xml:"AccessControlList>Grant"`
}

// accountNames are the accounts of the tests of ownership, by their canonical ids.
var accountNames = map[string]string{
	testOwner.CanonicalID:                    "root",
	strings.Repeat("0", 52) + "111111111111": "alice",
	strings.Repeat("0", 52) + "333333333333": "carol",
}

// codeIn returns the code of an error document, empty for any other answer.
func codeIn(a answer) string {
	_, rest, _ := strings.Cut(string(a.body), "<Code>")
	code, _, _ := strings.Cut(rest, "</Code>")
	return code
}

// aclText is what an object's owner is told of its ACL.
func aclText(s *testServer, target string) string {
	s.t.Helper()
	for _, name := range []string{"", "alice"} {
		a := s.doAs(name, "GET", target+"?acl", "")
		if a.status != http.StatusOK {
			continue
		}
		var acl shownACL
		if err := xml.Unmarshal(a.body, &acl); err != nil {
			s.t.Fatal(err)
		}
		if name == "" && acl.Owner != testOwner.CanonicalID {
			continue // its owner tells
		}
		text := accountNames[acl.Owner] + ":"
		for _, g := range acl.Grants {
			who := accountNames[g.ID]
			if who == "" {
				who = g.ID[:min(len(g.ID), 4)] + g.URI[strings.LastIndexByte(g.URI, '/')+1:]
			}
			text += " " + who + "=" + g.Permission
		}
		return text
	}
	return "nobody is told"
}

func TestOwnership(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.account("alice", "111111111111")
	who.account("carol", "333333333333")
	for _, ownership := range []string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter", "none"} {
		openedBucket(s, strings.ToLower(ownership), ownership)
	}
	for _, c := range ownershipCases {
		var headers []string
		switch c.acl {
		case "-":
		case "grant":
			headers = []string{"x-amz-grant-read", "id=" + strings.Repeat("0", 52) + "333333333333"}
		default:
			headers = []string{"x-amz-acl", c.acl}
		}
		for writer, want := range map[string]string{"": c.root, "alice": c.alice} {
			for name, make := range objectMakers {
				target := fmt.Sprintf("/%s/%s-%s-%s", strings.ToLower(c.ownership), c.acl, name, writer)
				a := make(s, writer, target, headers)
				got := codeIn(a)
				if a.status == http.StatusOK {
					got = aclText(s, target)
				}
				if got != want {
					t.Errorf("%s of %q by %q with %s is %q, want %q", name, writer, c.ownership, c.acl, got, want)
				}
			}
		}
	}
}

// The field acl of a form means what the header means.
//
// spec: WI1.4-1, AP3-8
func TestPostObjectACL(t *testing.T) {
	s, _ := newPrincipalsServer(t)
	s.must("PUT", "/bucket", "", "x-amz-object-ownership", "ObjectWriter")
	form := postTest{content: "x", fields: s.signed(anyKey+`,["eq","$acl","public-read"]`, pair{"key", "k"}, pair{"acl", "public-read"})}
	if a := s.post("/bucket", &form); codeIn(a) != "AccessDenied" {
		t.Errorf("with public ACLs blocked: %d %s", a.status, a.body)
	}
	s.must("DELETE", "/bucket?publicAccessBlock", "")
	if a := s.post("/bucket", &form); a.status != http.StatusNoContent {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := aclText(s, "/bucket/k"); got != "root: root=FULL_CONTROL AllUsers=READ" {
		t.Errorf("the object has %q", got)
	}
}

// A listing shows the writer as owner where objects are their writers', and the owner
// of the bucket where everything is theirs.
//
// spec: AP3-8
func TestListedOwner(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.account("other", "111122223333")
	openedBucket(s, "bucket", "ObjectWriter")
	s.must("PUT", "/bucket?acl", "", "X-Amz-Acl", "public-read-write")
	if a := s.doAs("other", "PUT", "/bucket/key", "x"); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	writer := strings.Repeat("0", 52) + "111122223333"
	for _, listing := range []string{"/bucket", "/bucket?versions", "/bucket?list-type=2&fetch-owner=true"} {
		if a := s.do("GET", listing, ""); !strings.Contains(string(a.body), "<ID>"+writer) {
			t.Errorf("%s: %s", listing, a.body)
		}
	}
	s.must("PUT", "/bucket?acl", "", "X-Amz-Acl", "private")
	s.must("PUT", "/bucket?ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>")
	for _, listing := range []string{"/bucket", "/bucket?versions", "/bucket?list-type=2&fetch-owner=true"} {
		if a := s.do("GET", listing, ""); !strings.Contains(string(a.body), "<ID>"+testOwner.CanonicalID) || strings.Contains(string(a.body), writer) {
			t.Errorf("%s: %s", listing, a.body)
		}
	}
}
