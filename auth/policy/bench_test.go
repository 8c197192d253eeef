package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
)

// manyPolicies returns 20 policies of 10 statements each, none of which allows
// the request but the last.
func manyPolicies(tb testing.TB) []policy.Named {
	tb.Helper()
	var list []policy.Named
	for i := range 20 {
		var statements []string
		for j := range 10 {
			statements = append(statements, fmt.Sprintf(`{"Effect": %q, "Action": ["s3:Get*", "s3:List*", "s3:PutObject"],
				"Resource": ["arn:aws:s3:::backup-%d/host-%d/*", "arn:aws:s3:::*/shared/${aws:username}/*/%d"],
				"Condition": {"IpAddress": {"aws:SourceIp": "10.%d.%d.0/24"}, "Bool": {"aws:SecureTransport": "true"}}}`,
				[]string{"Allow", "Deny"}[j%2], i, j, j, i, j))
		}
		if i == 19 {
			statements[9] = `{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}`
		}
		d, err := policy.Parse(policy.Identity, []byte(`{"Version": "2012-10-17", "Statement": [`+strings.Join(statements, ",")+`]}`))
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, policy.Named{Name: fmt.Sprint(i), Document: d})
	}
	return list
}

func BenchmarkEvaluate(b *testing.B) {
	r := &policy.Request{
		Principal: caller("alice"), Identity: manyPolicies(b), Action: "s3:GetObject",
		Bucket: "backup-7", Key: "host-3/data/1f/1f2e3d4c5b6a79880716253443526170",
		Values: values{"aws:sourceip": {"192.0.2.1"}, "aws:securetransport": {"true"}},
	}
	resource := &policy.Resource{Owner: accountID("1"), ACLsDisabled: true}
	b.ReportAllocs()
	for b.Loop() {
		if d := policy.Evaluate(r, resource); !d.Allowed {
			b.Fatal(d)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	d, _ := policy.Managed("backup-writer")
	for b.Loop() {
		if _, err := policy.Parse(policy.Identity, d.JSON()); err != nil {
			b.Fatal(err)
		}
	}
}
