package policy_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
)

func TestCanned(t *testing.T) {
	owner := policy.Grantee{CanonicalID: "a", DisplayName: "A"}
	bucketOwner := policy.Grantee{CanonicalID: "b", DisplayName: "B"}
	tests := []struct {
		name   string
		grants []string // besides the owner's, as permission and grantee
		public bool
	}{
		{name: "private"},
		{name: "public-read", grants: []string{"READ " + policy.AllUsers}, public: true},
		{name: "public-read-write", grants: []string{"READ " + policy.AllUsers, "WRITE " + policy.AllUsers}, public: true},
		{name: "authenticated-read", grants: []string{"READ " + policy.AuthenticatedUsers}, public: true},
		{name: "aws-exec-read", grants: []string{"READ 6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"}},
		{name: "log-delivery-write", grants: []string{"WRITE " + policy.LogDelivery, "READ_ACP " + policy.LogDelivery}},
		{name: "bucket-owner-read", grants: []string{"READ b"}},
		{name: "bucket-owner-full-control", grants: []string{"FULL_CONTROL b"}},
	}
	for _, test := range tests {
		a, ok := policy.Canned(test.name, owner, bucketOwner)
		if !ok || a.Owner != owner || a.Public() != test.public {
			t.Errorf("%s: %+v, %v", test.name, a, ok)
		}
		got := grantTexts(a.Grants)
		want := append([]string{"FULL_CONTROL a"}, test.grants...)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s grants %q, want %q", test.name, got, want)
		}
	}
	if _, ok := policy.Canned("open", owner, bucketOwner); ok {
		t.Error("there is no canned ACL open")
	}
	if a, _ := policy.Canned("bucket-owner-read", owner, owner); len(a.Grants) != 1 {
		t.Errorf("the owner of both has %q", grantTexts(a.Grants))
	}
	var none *policy.ACL
	if none.Public() {
		t.Error("no ACL is public")
	}
}

func grantTexts(grants []policy.Grant) []string {
	var texts []string
	for _, g := range grants {
		texts = append(texts, g.Permission.String()+" "+g.Grantee.CanonicalID+g.Grantee.Group)
	}
	return texts
}

func TestParsePermission(t *testing.T) {
	for _, name := range []string{"READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"} {
		if p, ok := policy.ParsePermission(name); !ok || p.String() != name {
			t.Errorf("ParsePermission(%s) = %v, %v", name, p, ok)
		}
	}
	for _, name := range []string{"", "read", "NONE"} {
		if p, ok := policy.ParsePermission(name); ok {
			t.Errorf("ParsePermission(%q) = %v", name, p)
		}
	}
}

func FuzzDecodeACL(f *testing.F) {
	for _, name := range []string{"private", "public-read-write", "bucket-owner-full-control"} {
		a, _ := policy.Canned(name, policy.Grantee{CanonicalID: "a", DisplayName: "A"}, policy.Grantee{CanonicalID: "b"})
		data := a.Encode()
		f.Add(data)
		f.Add(data[:len(data)-1])
		f.Add(append(data, 0))
	}
	f.Add([]byte{})
	f.Add([]byte{2, 0, 0, 0, 0})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := policy.DecodeACL(data)
		if err != nil {
			if !errors.Is(err, policy.ErrACLFormat) {
				t.Errorf("%v is not ErrACLFormat", err)
			}
			return
		}
		again, err := policy.DecodeACL(a.Encode())
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Errorf("%+v became %+v, %v", a, again, err)
		}
	})
}

func TestPrincipal(t *testing.T) {
	tests := []struct {
		principal *policy.Principal
		arn       string
		root      bool
	}{
		{nil, "", false},
		{&policy.Principal{}, "", false},
		{&policy.Principal{Account: "111111111111"}, "arn:aws:iam::111111111111:root", true},
		{&policy.Principal{Account: "111111111111", User: "a"}, "arn:aws:iam::111111111111:user/a", false},
		{&policy.Principal{Account: "111111111111", Path: "/", User: "a"}, "arn:aws:iam::111111111111:user/a", false},
		{&policy.Principal{Account: "111111111111", Path: "/x/y/", User: "a"}, "arn:aws:iam::111111111111:user/x/y/a", false},
	}
	for _, test := range tests {
		p := test.principal
		if p.ARN() != test.arn || p.Root() != test.root || p.Anonymous() != (test.arn == "") {
			t.Errorf("%+v: %q, %v, %v", p, p.ARN(), p.Root(), p.Anonymous())
		}
	}
}
