package api

import (
	"net/http"
	"testing"
)

// These were found by internal/attack.

// A user who may manage keys gets none of the root, which no policy would bind, and can
// neither disable nor remove one.
func TestKeysOfTheRootAreTheRoots(t *testing.T) {
	s, who := newPrincipalsServer(t)
	const account = "111122223333"
	who.account("other", account)
	who.user(account, "admin", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	keys := AdminPath + "/accounts/" + account + "/keys"
	tests := []struct{ method, target, body string }{
		{"POST", keys, `{}`},
		{"POST", keys, `{"accessKey":"AKIAMINE","secretKey":"a secret of mine"}`},
		{"PUT", keys + "/" + keyOf("other"), `{"active":false}`},
		{"DELETE", keys + "/" + keyOf("other"), ""},
	}
	for _, test := range tests {
		if a := s.doAs("admin", test.method, test.target, test.body); a.status != http.StatusForbidden {
			t.Errorf("%s %s by a user: %d %s", test.method, test.target, a.status, a.body)
		}
		if a := s.doAs("other", test.method, test.target, test.body); a.status >= 300 && test.method != "DELETE" {
			t.Errorf("%s %s by the root: %d %s", test.method, test.target, a.status, a.body)
		}
		if test.method == "PUT" {
			s.must("PUT", test.target, `{"active":true}`)
		}
	}
}

// A form names the owner that it expects by a field.
//
// spec: AP4-1
func TestPostObjectExpectsOwner(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	const name = "x-amz-expected-bucket-owner"
	for owner, want := range map[string]int{testOwner.Account: 204, "999999999999": 403, "me": 400} {
		fields := s.signed(anyKey+`,["starts-with","$`+name+`",""]`, pair{name, owner}, pair{"key", "k"})
		if a := s.post("/bucket", &postTest{fields: fields, filename: "f", content: "x"}); a.status != want {
			t.Errorf("%s: %d %s", owner, a.status, a.body)
		}
	}
}
