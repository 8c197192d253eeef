package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
)

// seedPolicies are texts that hold every element once.
var seedPolicies = []string{
	`{"Version": "2012-10-17", "Id": "a", "Statement": [{"Sid": "s", "Effect": "Allow",
		"Principal": {"AWS": ["111111111111", "arn:aws:iam::222222222222:user/x/y"], "CanonicalUser": "c"},
		"Action": ["s3:Get*", "s3:PutObject"], "Resource": ["arn:aws:s3:::b/${aws:username, 'x'}/*?${*}"],
		"Condition": {"ForAnyValue:StringLikeIfExists": {"aws:Referer": ["a*", "${aws:userid}"]}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]}`,
	`{"Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": "111111111111"}, "NotAction": "s3:ListBucket", "NotResource": "arn:aws:s3:::b",
		"Condition": {"Null": {"aws:username": true}, "DateLessThan": {"aws:CurrentTime": 1767225600}, "NumericEquals": {"aws:EpochTime": 1e3}}}}`,
	`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::${aws:username}"},
		"BinaryEquals": {"aws:Referer": "QQ=="}, "Bool": {"aws:SecureTransport": "false"}}}}`,
	`{"Statement": []}`, `{`, `{"Statement": [}`, `{"a": "\ud800"}`, "{\"a\": \"\xff\"}", `{"Id": "a"} x`,
}

// What is refused has a position within the text; what is read is read the same
// again, and the bucket's name only takes away.
func FuzzParse(f *testing.F) {
	for _, seed := range seedPolicies {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		for _, kind := range []policy.Kind{policy.Identity, policy.Bucket} {
			d, err := policy.Parse(kind, []byte(text))
			var syntax *policy.SyntaxError
			switch {
			case err == nil && string(d.JSON()) != text:
				t.Errorf("JSON returns another text")
			case err == nil:
			case !errors.As(err, &syntax) || syntax.Message == "":
				t.Errorf("%v is no SyntaxError", err)
			case syntax.Line < 1 || syntax.Line > len(lines) || syntax.Column < 1 || syntax.Column > len(lines[syntax.Line-1])+1:
				t.Errorf("%v: there is no such place", err)
			}
		}
		_, loose := policy.Parse(policy.Bucket, []byte(text))
		if _, err := policy.ParseBucket("b", []byte(text)); err == nil && loose != nil {
			t.Errorf("read with a bucket's name and not without it: %v", loose)
		}
	})
}

// Whatever the policies and the request: Explain and Evaluate agree, nothing is
// allowed without a policy, and a Deny of everything refuses all but what a root
// keeps.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range seedPolicies {
		f.Add(seed, seed, "alice", "s3:GetObject", "b", "k", "10.0.0.1")
		f.Add(seed, seed, "bob@2", "s3:ListBucket", "b", "", "*")
	}
	f.Add(seedPolicies[2], "", "anonymous", "iam:ListUsers", "", "", "\xff")
	deny, err := policy.Parse(policy.Bucket, []byte(`{"Statement":
		{"Effect": "Deny", "Principal": "*", "Action": "*", "NotResource": "arn:aws:s3:::none"}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, identity, bucket, who, action, name, key, value string) {
		r := &policy.Request{Principal: caller(who), Action: action, Bucket: name, Key: key, Values: anyKey(value)}
		b := &policy.Resource{Owner: accountID("1")}
		if d := policy.Evaluate(r, b); d.Allowed && !r.Principal.Root() {
			t.Errorf("allowed without a policy: %v", d)
		}
		if d, err := policy.Parse(policy.Identity, []byte(identity)); err == nil {
			r.Identity = []policy.Named{{Name: "p", Document: d}}
		}
		if d, err := policy.Parse(policy.Bucket, []byte(bucket)); err == nil {
			b.Policy = d
		}
		if err := sameByExplain(r, b, policy.Evaluate(r, b)); err != nil {
			t.Error(err)
		}
		b.Policy = deny
		if d := policy.Evaluate(r, b); d.Allowed && d.Reason != policy.AllowedAsRoot {
			t.Errorf("allowed against a Deny of everything: %v", d)
		}
	})
}

// anyKey is a request whose keys all have the same value.
type anyKey string

// Lookup implements policy.Values.
func (v anyKey) Lookup(string) ([]string, bool) { return []string{string(v)}, true }
