package policy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
)

// The worlds that the property tests look at.
const worlds = 3000

// generator makes random policies and requests out of few names, so that they
// meet often.
type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) effect() string { return g.pick("Allow", "Deny") }

// statement returns a random statement with an effect, of a bucket policy or
// one of a user.
func (g generator) statement(effect string, bucket bool) string {
	var s strings.Builder
	fmt.Fprintf(&s, `{"Effect": %q`, effect)
	if bucket {
		principal := "Principal"
		if effect == "Deny" && g.IntN(4) == 0 {
			principal = "NotPrincipal"
		}
		fmt.Fprintf(&s, `, %q: %s`, principal, g.pick(`"*"`, `{"AWS": "111111111111"}`,
			`{"AWS": "arn:aws:iam::111111111111:user/alice"}`, `{"AWS": ["222222222222", "arn:aws:iam::222222222222:user/bob"]}`, `{"CanonicalUser": "canonical2"}`))
	}
	fmt.Fprintf(&s, `, %q: %q`, g.pick("Action", "Action", "NotAction"),
		g.pick("s3:*", "s3:Get*", "s3:GetObject", "s3:*Object", "s3:*Object*"))
	fmt.Fprintf(&s, `, %q: %q`, g.pick("Resource", "Resource", "NotResource"),
		g.pick("arn:aws:s3:::b*", "arn:aws:s3:::b/k*", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/*"))
	if g.IntN(2) == 0 {
		fmt.Fprintf(&s, `, "Condition": {%q: {%q: %q}}`,
			g.pick("", "ForAllValues:", "ForAnyValue:")+g.pick("StringEquals", "StringNotEquals", "StringLike")+g.pick("", "IfExists"),
			g.pick("aws:Referer", "aws:username", "aws:UserAgent"), g.pick("x", "alice", "*", "${aws:Referer}"))
	}
	return s.String() + "}"
}

func (g generator) statements(bucket bool) []string {
	list := make([]string, g.IntN(4))
	for i := range list {
		list[i] = g.statement(g.effect(), bucket)
	}
	return list
}

// world is a request and the policies about it, as statements.
type world struct {
	request  policy.Request
	resource policy.Resource
	identity [][]string
	bucket   []string
}

func (g generator) world() world {
	w := world{
		request: policy.Request{
			Principal: caller(g.pick("alice", "carol", "root", "bob@2", "root@2", "anonymous")),
			Action:    g.pick("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectAcl"), Bucket: "b",
			Key: g.pick("k", "k1", "alice", "x"), Values: values{},
		},
		resource: policy.Resource{Owner: accountID("1"), ACLsDisabled: g.IntN(2) == 0},
		identity: [][]string{g.statements(false), g.statements(false)},
		bucket:   g.statements(true),
	}
	if g.IntN(2) == 0 {
		w.request.Values = values{"aws:referer": {g.pick("x", "alice", "y")}}
	}
	if g.IntN(3) == 0 {
		w.resource.ObjectOwner = accountID("2")
	}
	canned := g.pick("private", "public-read", "public-read-write", "bucket-owner-read")
	if a, ok := policy.Canned(canned, grantee("2"), grantee("1")); ok && g.IntN(2) == 0 {
		w.resource.ObjectACL, w.resource.BucketACL = &a, &a
	}
	w.resource.Block.IgnoreACLs = g.IntN(4) == 0
	return w
}

// decide evaluates the world with its statements in the order they stand.
func (w world) decide(t *testing.T) policy.Decision {
	t.Helper()
	r, b := w.request, w.resource
	for i, list := range w.identity {
		r.Identity = append(r.Identity, policy.Named{Name: fmt.Sprint(i), Document: parseStatements(t, policy.Identity, list)})
	}
	b.Policy = parseStatements(t, policy.Bucket, w.bucket)
	return policy.Evaluate(&r, &b)
}

func parseStatements(t *testing.T, kind policy.Kind, list []string) *policy.Document {
	t.Helper()
	if len(list) == 0 {
		return nil
	}
	text := `{"Version": "2012-10-17", "Statement": [` + strings.Join(list, ", ") + "]}"
	d, err := policy.Parse(kind, []byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

// with returns the world with one more statement.
func (w world) with(g generator, effect string) world {
	if g.IntN(2) == 0 {
		w.bucket = append(append([]string(nil), w.bucket...), g.statement(effect, true))
		return w
	}
	w.identity = [][]string{w.identity[0], append(append([]string(nil), w.identity[1]...), g.statement(effect, false))}
	return w
}

// shuffled returns the world with statements and policies in another order.
func (w world) shuffled(g generator) world {
	mix := func(list []string) []string {
		list = append([]string(nil), list...)
		g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list
	}
	w.bucket = mix(w.bucket)
	w.identity = [][]string{mix(w.identity[1]), mix(w.identity[0])}
	return w
}

// Another Deny never allows more, another Allow never refuses more, and order
// does not count.
// spec: AP3-3, AP3-7
func TestProperties(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	changed := 0
	for i := range uint64(worlds) {
		g := generator{rand.New(rand.NewPCG(seed, i))}
		w := g.world()
		before := w.decide(t)
		denied, allowed, mixed := w.with(g, "Deny").decide(t), w.with(g, "Allow").decide(t), w.shuffled(g).decide(t)
		switch {
		case denied.Allowed && !before.Allowed:
			t.Fatalf("seed %d/%d: a Deny allows: %+v: %v, then %v", seed, i, w, before, denied)
		case !allowed.Allowed && before.Allowed:
			t.Fatalf("seed %d/%d: an Allow refuses: %+v: %v, then %v", seed, i, w, before, allowed)
		case mixed.Allowed != before.Allowed || mixed.Reason != before.Reason:
			t.Fatalf("seed %d/%d: order counts: %+v: %v, then %v", seed, i, w, before, mixed)
		}
		if denied.Allowed != before.Allowed || allowed.Allowed != before.Allowed {
			changed++
		}
	}
	if changed < worlds/50 {
		t.Errorf("of %d worlds only %d changed", worlds, changed)
	}
}
