package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/identity"
)

// manyPolicies gives a user 20 policies of 10 statements each, of which the last one of
// the last policy allows what the benchmarks do.
func (p *principals) manyPolicies(account, name string) {
	p.t.Helper()
	p.user(account, name, "")
	for n := range 20 {
		var statements []string
		for m := range 10 {
			statements = append(statements, fmt.Sprintf(
				`{"Effect": "Allow", "Action": ["s3:GetObject", "s3:Delete*"], "Resource": "arn:aws:s3:::bucket/team-%d-%d/*",
				"Condition": {"IpAddress": {"aws:SourceIp": "10.%d.%d.0/24"}}}`, n, m, n, m))
		}
		statements[0] = fmt.Sprintf(`{"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"s3:VersionId": "none-%d"}}}`, n)
		if n == 19 {
			statements[9] = `{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}`
		}
		document := `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ",") + `]}`
		policy := fmt.Sprintf("policy-%02d", n)
		if n < 10 { // as many as can be attached, and more
			if err := p.registry.PutUserPolicy(p.t.Context(), identity.By{}, account, name, policy, []byte(document)); err != nil {
				p.t.Fatal(err)
			}
			continue
		}
		if err := p.registry.PutPolicy(p.t.Context(), identity.By{}, account, policy, []byte(document)); err != nil {
			p.t.Fatal(err)
		}
		if err := p.registry.AttachPolicy(p.t.Context(), identity.By{}, account, name, policy); err != nil {
			p.t.Fatal(err)
		}
	}
}

// BenchmarkAuthorize identifies a caller and decides one request, with few users and with
// many.
func BenchmarkAuthorize(b *testing.B) {
	for _, c := range []struct {
		name  string
		who   string
		users int
	}{{"root", "", 1}, {"policies", "alice", 1}, {"policies-of-many", "alice", 1000}} {
		b.Run(c.name, func(b *testing.B) {
			s, who := newPrincipalsServer(b)
			who.manyPolicies(testOwner.Account, "alice")
			for n := range c.users - 1 {
				spec := identity.UserSpec{Account: testOwner.Account, Name: fmt.Sprintf("user%d", n)}
				if _, err := who.registry.CreateUser(b.Context(), identity.By{}, spec); err != nil {
					b.Fatal(err)
				}
			}
			s.must(http.MethodPut, "/bucket", "")
			found, err := s.store.Bucket(b.Context(), "bucket")
			if err != nil {
				b.Fatal(err)
			}
			r := s.request(http.MethodGet, "/bucket/key", nil)
			x := &exchange{h: s.handler, r: r, target: target{level: object, bucket: "bucket", key: "key"}, found: found, started: s.clock.Now()}
			x.op = &s.handler.table.lines[tableKey{get, object, ""}][0]
			x.session.AccessKey = keyOf(c.who)
			t := task{}
			b.ReportAllocs()
			for b.Loop() {
				x.sideOfBucket = nil
				if err := x.identify(); err != nil {
					b.Fatal(err)
				}
				if err := x.authorize(&t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
