package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
)

// TestExplain shows each thing that keeps a statement or grant from counting.
func TestExplain(t *testing.T) {
	identity, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": [
  {"Sid": "Get", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
  {"Effect": "Allow", "Action": "s3:Put*", "Resource": "*"},
  {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/secret/*"},
  {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
   "Condition": {"Bool": {"aws:SecureTransport": "true"}, "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
]}`))
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := policy.ParseBucket("b", []byte(`{"Statement": [
  {"Effect": "Deny", "Principal": {"AWS": "222222222222"}, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"},
  {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}
]}`))
	if err != nil {
		t.Fatal(err)
	}
	object := &policy.ACL{Grants: []policy.Grant{
		{Grantee: grantee("3"), Permission: policy.FullControl},
		{Grantee: grantee("1"), Permission: policy.WriteACP},
		{Grantee: grantee("AllUsers"), Permission: policy.Read},
	}}
	r := &policy.Request{
		Principal: caller("alice"), Identity: []policy.Named{{Name: "mine", Document: identity}},
		Action: "s3:GetObject", Bucket: "b", Key: "k",
		Values: values{"aws:sourceip": {"10.0.0.1"}, "aws:securetransport": {"true"}},
	}
	b := &policy.Resource{Owner: accountID("1"), Policy: bucket, ObjectACL: object}
	compareExplained(t, r, b, `
mine, statement 1 "Get", line 2: Allow applies
mine, statement 2, line 3: Allow does not apply: another action
mine, statement 3, line 4: Deny does not apply: another resource
mine, statement 4, line 5: Deny does not apply: condition not met: NotIpAddress aws:SourceIp
bucket policy, statement 1, line 2: Deny does not apply: another principal
bucket policy, statement 2, line 3: Allow applies: it names the account, whose own policies decide about its users
object ACL, statement 1: Allow does not apply: another grantee
object ACL, statement 2: Allow does not apply: another permission
object ACL, statement 3: Allow applies
allowed: an identity policy allows it (mine, statement 1 "Get", line 2)
`)
	b.ObjectOwner, b.Block.IgnoreACLs, r.Identity = accountID("2"), true, nil
	r.Principal = caller("root")
	compareExplained(t, r, b, `
bucket policy, statement 1, line 2: Deny does not apply: another principal
bucket policy, statement 2, line 3: Allow applies: the object belongs to another account, and its ACL decides
object ACL, statement 1: Allow does not apply: another grantee
object ACL, statement 2: Allow does not apply: another permission
object ACL, statement 3: Allow does not apply: public ACLs are ignored
denied: the account that owns the object does not allow it
`)
}

func compareExplained(t *testing.T, r *policy.Request, b *policy.Resource, want string) {
	t.Helper()
	steps, decision := policy.Explain(r, b)
	var s strings.Builder
	for _, step := range steps {
		fmt.Fprintln(&s, step)
	}
	fmt.Fprintln(&s, decision)
	if got := s.String(); got != want[1:] {
		t.Errorf("explained\n%s\nwant\n%s", got, want[1:])
	}
}

func TestManagedNames(t *testing.T) {
	names := policy.ManagedNames()
	if want := []string{"auditor", "backup-janitor", "backup-writer", "full-access", "readonly"}; !slices.Equal(names, want) {
		t.Errorf("ManagedNames() = %v", names)
	}
	if _, ok := policy.Managed("root"); ok {
		t.Error("there is no managed policy root")
	}
}

// Deciding allocates a fixed number of times, however many policies there are.
func TestEvaluateAllocations(t *testing.T) {
	r := &policy.Request{
		Principal: caller("alice"), Identity: manyPolicies(t), Action: "s3:GetObject", Bucket: "backup-7", Key: "host-3/data/1f",
		Values: values{"aws:sourceip": {"192.0.2.1"}, "aws:securetransport": {"true"}},
	}
	b := &policy.Resource{Owner: accountID("1"), ACLsDisabled: true}
	if n := testing.AllocsPerRun(20, func() { policy.Evaluate(r, b) }); n > 2 {
		t.Errorf("Evaluate allocates %v times", n)
	}
}

func ExampleEvaluate() {
	document, err := policy.Parse(policy.Identity, []byte(`{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {"Sid": "KeepVersions", "Effect": "Deny", "Action": "s3:DeleteObjectVersion", "Resource": "arn:aws:s3:::backup/*"}
  ]
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	request := &policy.Request{
		Principal: &policy.Principal{Account: "111111111111", User: "restic"},
		Identity:  []policy.Named{{Name: "restic", Document: document}},
		Action:    "s3:DeleteObjectVersion", Bucket: "backup", Key: "index/1",
	}
	fmt.Println(policy.Evaluate(request, &policy.Resource{Owner: "111111111111"}))
	request.Action = "s3:DeleteObject"
	fmt.Println(policy.Evaluate(request, &policy.Resource{Owner: "111111111111"}))
	// Output:
	// denied: explicit deny (restic, statement 2 "KeepVersions", line 5)
	// allowed: an identity policy allows it (restic, statement 1, line 4)
}
