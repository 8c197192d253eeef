package api

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFormActions posts forms by a user who may do all that they take, and by one who may
// do all but one thing.
// spec: AP1-11, AP1-12, AP2-6, AP2-10, AP2-14
func TestFormActions(t *testing.T) {
	s, who := newPrincipalsServer(t)
	s.must("PUT", "/bucket", "")
	post := func(fields ...pair) answer {
		conditions := anyKey
		for _, f := range fields {
			conditions += `,["starts-with","$` + f.name + `",""]`
		}
		return s.post("/bucket", &postTest{fields: s.signedBy("alice", conditions, append(fields, pair{"key", "k"})...), content: "x"})
	}
	for _, c := range []struct {
		fields  []pair
		actions []string
	}{
		{nil, []string{"s3:PutObject"}},
		{[]pair{{"acl", "bucket-owner-full-control"}}, []string{"s3:PutObject", "s3:PutObjectAcl"}},
		{[]pair{{"tagging", tagDocument}}, []string{"s3:PutObject", "s3:PutObjectTagging"}},
		{[]pair{{"x-amz-tagging", "a=b"}}, []string{"s3:PutObject", "s3:PutObjectTagging"}},
	} {
		who.user(testOwner.Account, "alice", allow(c.actions...))
		if a := post(c.fields...); a.status != http.StatusNoContent {
			t.Errorf("%v with %v: %d %s", c.fields, c.actions, a.status, a.body)
		}
		last := len(c.actions) - 1
		who.user(testOwner.Account, "alice", allow(c.actions[:last]...))
		if a := post(c.fields...); a.status != http.StatusForbidden || !strings.Contains(string(a.body), "perform: "+c.actions[last]+" ") {
			t.Errorf("%v without %s: %d %s", c.fields, c.actions[last], a.status, a.body)
		}
	}
	who.user(testOwner.Account, "alice", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*",
		"Condition": {"StringEquals": {"s3:authType": "POST", "s3:RequestObjectTag/a": "b"}}}]}`)
	if a := post(pair{"tagging", tagDocument}); a.status != http.StatusNoContent {
		t.Errorf("conditions on a form: %d %s", a.status, a.body)
	}
	if a := post(); a.status != http.StatusForbidden {
		t.Errorf("conditions on a form without tags: %d %s", a.status, a.body)
	}
}

// TestLinks uses links that a user signed, whose age and payer policies can see.
// spec: AP2-10, AP5-1, AP5-2, AP3.2-2
func TestLinks(t *testing.T) {
	s, who := newPrincipalsServer(t)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "x")
	who.user(testOwner.Account, "alice", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
		"Condition": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}, "NumericLessThan": {"s3:signatureAge": "10000"}}}]}`)
	link := s.presignAs("alice", "GET", "/bucket/key")
	if a := s.use("GET", link, ""); a.status != http.StatusOK {
		t.Errorf("a young link: %d %s", a.status, a.body)
	}
	if a := s.use("GET", s.presignAs("alice", "GET", "/bucket/absent"), ""); a.status != http.StatusForbidden {
		t.Errorf("a link to what is not there: %d %s", a.status, a.body)
	}
	if a := s.doAs("alice", "GET", "/bucket/key", ""); a.status != http.StatusForbidden {
		t.Errorf("without a link: %d %s", a.status, a.body)
	}
	s.clock.Advance(10 * time.Second)
	if a := s.use("GET", link, ""); a.status != http.StatusForbidden {
		t.Errorf("an old link: %d %s", a.status, a.body)
	}

	who.account("other", "999988887777")
	s.must("PUT", "/bucket?policy", bucketStatement("Allow", `{"AWS": "999988887777"}`, "s3:*Object", "bucket/*"))
	s.must("PUT", "/bucket?requestPayment", "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>")
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/bucket/key", http.StatusForbidden},
		{"GET", "/bucket/key?x-amz-request-payer=requester", http.StatusOK},
		{"HEAD", "/bucket/key?x-amz-request-payer=requester", http.StatusOK},
		{"PUT", "/bucket/key?x-amz-request-payer=requester", http.StatusOK},
		{"DELETE", "/bucket/key?x-amz-request-payer=requester", http.StatusNoContent},
	} {
		a := s.use(c.method, s.presignAs("other", c.method, c.target), "")
		charged := a.header.Get("X-Amz-Request-Charged") == "requester"
		if a.status != c.status || charged != (a.status < 300) {
			t.Errorf("%s %s: %d %v %s", c.method, c.target, a.status, a.header, a.body)
		}
	}
	form := s.signedBy("other", anyKey+`,["eq","$x-amz-request-payer","requester"]`, pair{"key", "k"}, pair{"x-amz-request-payer", "requester"})
	if a := s.post("/bucket", &postTest{fields: form, content: "x"}); a.status != http.StatusNoContent || a.header.Get("X-Amz-Request-Charged") == "" {
		t.Errorf("a form that pays: %d %v %s", a.status, a.header, a.body)
	}
	// A parameter of a request that is signed in its header is no word of the signer's.
	if a := s.doAs("other", "GET", "/bucket/key?x-amz-request-payer=requester", ""); a.status != http.StatusForbidden {
		t.Errorf("a parameter beside a header: %d %s", a.status, a.body)
	}
}

// TestPublicForm posts a form that nobody signed to a bucket that takes it.
// spec: AP3-1
func TestPublicForm(t *testing.T) {
	s, _ := newPrincipalsServer(t)
	s.must("PUT", "/bucket", "")
	form := &postTest{fields: []pair{{"key", "drop/k"}}, content: "x"}
	if a := s.post("/bucket", form); a.status != http.StatusForbidden || !strings.Contains(string(a.body), "<Message>Access Denied<") {
		t.Errorf("before: %d %s", a.status, a.body)
	}
	s.must("DELETE", "/bucket?publicAccessBlock", "")
	s.must("PUT", "/bucket?policy", bucketStatement("Allow", `"*"`, "s3:PutObject", "bucket/drop/*"))
	if a := s.post("/bucket", form); a.status != http.StatusNoContent {
		t.Errorf("after: %d %s", a.status, a.body)
	}
	if a := s.post("/bucket", &postTest{fields: []pair{{"key", "k"}}, content: "x"}); a.status != http.StatusForbidden {
		t.Errorf("elsewhere: %d %s", a.status, a.body)
	}
}
