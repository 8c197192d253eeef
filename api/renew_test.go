package api

import (
	"crypto/md5"
	"encoding/base64"
	"io"
	"net/http"
	"testing"

	"github.com/seed61737384/tombstone/identity"
)

// halted sends a request by somebody whose body comes to its end after between was done.
func (s *testServer) halted(name, method, target, body string, between func()) answer {
	s.t.Helper()
	sum := md5.Sum([]byte(body))
	r := s.request(method, target, []byte(body))
	r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	s.signAs(name, r, []byte(body))
	r.Header.Set("Expect", "100-continue") // so that no byte is sent before the server wants the body
	begun, rest := make(chan bool), make(chan bool)
	r.Body, r.GetBody = io.NopCloser(&haltingBody{text: body, begun: begun, rest: rest}), nil
	done := make(chan answer)
	go func() { done <- s.send(r) }()
	<-begun
	between()
	close(rest)
	return <-done
}

const deleteOfKey = "<Delete><Object><Key>key</Key></Object></Delete>"

// A bucket that is deleted while a request to it is on its way is not the one of that name
// which somebody else makes then.
func TestBucketIsAnotherMeanwhile(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.account("mallory", "111122223333")
	who.account("victim", "444455556666")
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},` +
		`"Action":"s3:*","Resource":["arn:aws:s3:::shared","arn:aws:s3:::shared/*"]}]}`
	for _, c := range []struct{ method, target, body string }{
		{"PUT", "/shared?policy", policy},
		{"POST", "/shared?delete", deleteOfKey},
		{"PUT", "/shared/key", "other"},
	} {
		s.doAs("mallory", "PUT", "/shared", "")
		a := s.halted("mallory", c.method, c.target, c.body, func() {
			s.doAs("mallory", "DELETE", "/shared", "")
			s.doAs("victim", "PUT", "/shared", "")
			s.doAs("victim", "PUT", "/shared/key", "x")
		})
		if a.status != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", c.method, c.target, a.status, a.body)
		}
		if a := s.doAs("victim", "GET", "/shared/key", ""); string(a.body) != "x" {
			t.Errorf("after %s %s: %d %s", c.method, c.target, a.status, a.body)
		}
		if a := s.doAs("mallory", "GET", "/shared/key", ""); a.status != http.StatusForbidden {
			t.Errorf("after %s %s mallory: %d %s", c.method, c.target, a.status, a.body)
		}
		s.doAs("victim", "DELETE", "/shared/key", "")
		s.doAs("victim", "DELETE", "/shared", "")
	}
}

// A key that is disabled while a request is on its way destroys nothing.
func TestKeyIsDisabledMeanwhile(t *testing.T) {
	s, who := newPrincipalsServer(t)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket/key", "x")
	who.user(testOwner.Account, "alice", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	a := s.halted("alice", "POST", "/bucket?delete", deleteOfKey, func() {
		if err := who.registry.SetKeyActive(t.Context(), identity.By{}, keyOf("alice"), false); err != nil {
			t.Error(err)
		}
	})
	if a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.must("GET", "/bucket/key", "")
}

// A key that is disabled while a document for an endpoint is on its way changes nothing.
func TestKeyOfEndpointIsDisabledMeanwhile(t *testing.T) {
	s, who := newPrincipalsServer(t)
	who.user(testOwner.Account, "alice", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	users := AdminPath + "/accounts/" + testOwner.Account + "/users"
	a := s.halted("alice", "POST", users, `{"name":"eve"}`, func() {
		if err := who.registry.SetKeyActive(t.Context(), identity.By{}, keyOf("alice"), false); err != nil {
			t.Error(err)
		}
	})
	if a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
	if _, err := who.registry.User(testOwner.Account, "eve"); err == nil {
		t.Error("eve was made")
	}
}

// A Deny that was put while a request is on its way holds.
func TestPolicyIsAnotherMeanwhile(t *testing.T) {
	s, who := newPrincipalsServer(t)
	s.must("PUT", "/bucket", "")
	who.user(testOwner.Account, "alice", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	a := s.halted("alice", "PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", func() {
		s.must("PUT", "/bucket?policy", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*",`+
			`"Action":"s3:PutBucketVersioning","Resource":"arn:aws:s3:::bucket"}}`)
	})
	if a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
}
