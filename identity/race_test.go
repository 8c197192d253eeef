package identity_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
)

// Requests go on while identities change, and see each change whole.
func TestRequestsWhileChanging(t *testing.T) {
	r := populated(t, &identitytest.Rows{})
	ctx, stop := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				checkBob(t, r)
			}
		})
	}
	var writers sync.WaitGroup
	for n := range 3 {
		writers.Go(func() {
			for i := range 20 {
				account := fmt.Sprintf("%012d", 1000+100*n+i)
				if _, _, err := r.CreateAccount(ctx, by, identity.AccountSpec{ID: account}); err != nil {
					t.Error(err)
				}
				// Both documents in one change: a request sees none or both denied.
				if err := r.ApplyFile(ctx, []byte(twoPolicies([]string{allowAll, denyAll}[i%2]))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()
}

// twoPolicies is a file that gives filed two inline policies of one text.
func twoPolicies(document string) string {
	return "accounts: [{id: 000000000000, users: [{name: filed, keys: [{access-key: filedkey, secret-key: filedsecret}], inline: [" +
		"{name: p1, document: '" + document + "'}, {name: p2, document: '" + document + "'}]}]}]"
}

func checkBob(t *testing.T, r *identity.Registry) {
	caller, ok := r.Caller("bobkey")
	if c, has := r.Credential("bobkey"); !ok || !has || c.Secret != "bobsecret" || names(caller) != "own kept" {
		t.Error("bob is not himself")
	}
	r.Used("bobkey", began.Add(time.Hour))
	if _, err := r.Keys(other, "bob"); err != nil {
		t.Error(err)
	}
	if c, ok := r.Caller("filedkey"); ok {
		if len(c.Policies) != 2 || string(c.Policies[0].Document.JSON()) != string(c.Policies[1].Document.JSON()) {
			t.Errorf("half a change: %v", names(c))
		}
	}
}
