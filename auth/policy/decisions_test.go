package policy_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
)

// leastDecisions is how many rows the tables have at least.
const leastDecisions = 300

// TestDecisions plays the tables of testdata/decisions, whose right sides
// "go test ./auth/policy -rewrite" writes. The lines of a file are, in order:
//
//	identity CALLER NAME            the policy that follows, "{" to "}" in the first column, is CALLER's
//	bucket                          the policy that follows is that of the bucket "b"
//	managed CALLER NAME             CALLER has a managed policy
//	grant bucket|object GRANTEE PERMISSION
//	canned bucket|object NAME
//	set owner=ID objectowner=ID ACLsDisabled IgnoreACLs RestrictBuckets
//	nobucket                        there is no bucket to ask
//	reset
//	CALLER ACTION RESOURCE key=value...  ->  decision
//
// A caller is a user of account 1, "root" of it, "anonymous", or "user@2" and
// "root@2" of account 2; account 1 owns the bucket. RESOURCE is "b", "b/key" or
// "*". Several values of a key are divided by "|".
func TestDecisions(t *testing.T) {
	files, err := filepath.Glob("testdata/decisions/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, file := range files {
		rows += playTable(t, file)
	}
	if rows < leastDecisions {
		t.Errorf("%d decisions, want at least %d", rows, leastDecisions)
	}
	t.Logf("%d decisions", rows)
}

// table is the state between the lines of a file.
type table struct {
	identity map[string][]policy.Named
	resource *policy.Resource
	rows     int
}

func (s *table) reset() {
	s.identity = make(map[string][]policy.Named)
	s.resource = &policy.Resource{Owner: accountID("1")}
}

func playTable(t *testing.T, file string) int {
	t.Helper()
	rewrite := flag.Lookup("rewrite").Value.String() == "true" // of datadriven
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s table
	s.reset()
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		text, end := "", i
		if i+1 < len(lines) && lines[i+1] == "{" {
			for end = i + 1; lines[end] != "}"; end++ {
				text += lines[end] + "\n"
			}
			text += "}"
		}
		want := lines[i]
		lines[i], err = s.line(want, text)
		switch {
		case err != nil:
			t.Errorf("%s:%d: %s: %v", file, i+1, want, err)
		case lines[i] != want && !rewrite:
			t.Errorf("%s:%d:\n got %s\nwant %s", file, i+1, lines[i], want)
		}
		i = end
	}
	if rewrite && !t.Failed() {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s.rows
}

// line plays a line and returns it as it should be.
func (s *table) line(line, text string) (string, error) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(line, "#") {
		return line, nil
	}
	switch words[0] {
	case "reset":
		s.reset()
	case "nobucket":
		s.resource = nil
	case "identity":
		d, err := policy.Parse(policy.Identity, []byte(text))
		s.identity[words[1]] = append(s.identity[words[1]], policy.Named{Name: words[2], Document: d})
		return line, err
	case "managed":
		d, ok := policy.Managed(words[2])
		if !ok {
			return line, fmt.Errorf("no managed policy %s", words[2])
		}
		s.identity[words[1]] = append(s.identity[words[1]], policy.Named{Name: words[2], Document: d})
	case "bucket":
		d, err := policy.ParseBucket("b", []byte(text))
		s.resource.Policy = d
		return line, err
	case "grant", "canned":
		return line, s.grant(words)
	case "set":
		return line, s.set(words[1:])
	default:
		return s.decide(line)
	}
	return line, nil
}

func (s *table) grant(words []string) error {
	list := &s.resource.BucketACL
	if words[1] == "object" {
		list = &s.resource.ObjectACL
	}
	if words[0] == "canned" {
		a, ok := policy.Canned(words[2], grantee("2"), grantee("1"))
		*list = &a
		if !ok {
			return fmt.Errorf("no canned ACL %s", words[2])
		}
		return nil
	}
	p, ok := policy.ParsePermission(words[3])
	if !ok {
		return fmt.Errorf("no permission %s", words[3])
	}
	if *list == nil {
		*list = &policy.ACL{}
	}
	(*list).Grants = append((*list).Grants, policy.Grant{Grantee: grantee(words[2]), Permission: p})
	return nil
}

// grantee is an account by its number, or a group.
func grantee(name string) policy.Grantee {
	groups := map[string]string{
		"AllUsers": policy.AllUsers, "AuthenticatedUsers": policy.AuthenticatedUsers, "LogDelivery": policy.LogDelivery,
	}
	if uri, ok := groups[name]; ok {
		return policy.Grantee{Group: uri}
	}
	return policy.Grantee{CanonicalID: "canonical" + name}
}

func (s *table) set(words []string) error {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "owner":
			s.resource.Owner = accountID(value)
		case "objectowner":
			s.resource.ObjectOwner = accountID(value)
		case "ACLsDisabled":
			s.resource.ACLsDisabled = true
		case "IgnoreACLs":
			s.resource.Block.IgnoreACLs = true
		case "RestrictBuckets":
			s.resource.Block.RestrictBuckets = true
		default:
			return fmt.Errorf("unknown setting %s", word)
		}
	}
	return nil
}

func (s *table) decide(line string) (string, error) {
	request, _, _ := strings.Cut(line, "->")
	words := strings.Fields(request)
	if len(words) < 3 {
		return line, fmt.Errorf("unknown line")
	}
	values := make(values)
	for _, word := range words[3:] {
		key, value, _ := strings.Cut(word, "=")
		for v := range strings.SplitSeq(value, "|") {
			v, err := url.PathUnescape(v)
			if err != nil {
				return line, err
			}
			values[strings.ToLower(key)] = append(values[strings.ToLower(key)], v)
		}
	}
	r := &policy.Request{
		Principal: caller(words[0]), Identity: s.identity[words[0]], Action: words[1], Values: values,
	}
	if words[2] != "*" {
		r.Bucket, r.Key, _ = strings.Cut(words[2], "/")
	}
	s.rows++
	d := policy.Evaluate(r, s.resource)
	if err := sameByExplain(r, s.resource, d); err != nil {
		return line, err
	}
	return strings.TrimRight(request, " ") + "  ->  " + d.String(), nil
}

// sameByExplain checks that Explain decides alike and shows the statement that
// decided as one that matched.
func sameByExplain(r *policy.Request, b *policy.Resource, d policy.Decision) error {
	steps, explained := policy.Explain(r, b)
	if explained != d {
		return fmt.Errorf("Explain decides %v, Evaluate %v", explained, d)
	}
	for _, s := range steps {
		if s.Policy == d.Policy && s.Statement == d.Statement && !s.Matched {
			return fmt.Errorf("what decided did not match: %v", s)
		}
	}
	return nil
}

// values are the condition keys of a row, by name in lower case.
type values map[string][]string

// Lookup implements policy.Values.
func (v values) Lookup(key string) ([]string, bool) {
	list, ok := v[key]
	return list, ok
}

func accountID(number string) string { return strings.Repeat(number, 12) }

// caller returns the principal that a row names.
func caller(name string) *policy.Principal {
	if name == "anonymous" {
		return nil
	}
	user, number, other := strings.Cut(name, "@")
	if !other {
		number = "1"
	}
	p := &policy.Principal{Account: accountID(number), CanonicalID: "canonical" + number}
	if user == "root" {
		return p
	}
	if i := strings.LastIndexByte(user, '/'); i >= 0 {
		p.Path, user = "/"+user[:i+1], user[i+1:]
	}
	p.User, p.UserID = user, "AIDA"+strings.ToUpper(user)
	return p
}
