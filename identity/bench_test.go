package identity_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
)

// crowd returns a registry of n users, each with a key and a policy.
func crowd(b testing.TB, n int) *identity.Registry {
	b.Helper()
	rows := &identitytest.Rows{}
	for i := range n {
		name := fmt.Sprintf("user%06d", i)
		rows.Set("user/"+home+"/"+name, []byte("\x01\x01/\x03\x04AIDA"))
		rows.Set("attached/"+home+"/"+name+"/auditor", []byte("\x41\x01\x01"))
	}
	r := open(b, rows)
	for i := range 10 {
		spec := identity.KeySpec{
			Account: home, User: fmt.Sprintf("user%06d", i*(n/10)), AccessKey: fmt.Sprintf("key%06d", i), Secret: "secretsecret",
		}
		_, err := r.CreateKey(context.Background(), by, spec)
		must(b, err)
	}
	return r
}

// What each request asks costs nothing that grows with the users, and allocates nothing.
func BenchmarkRequest(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprint(n, " users"), func(b *testing.B) {
			r := crowd(b, n)
			b.ReportAllocs()
			for b.Loop() {
				c, ok := r.Credential("key000003")
				caller, found := r.Caller("key000003")
				if !ok || !found || c.Secret == "" || len(caller.Policies) != 1 {
					b.Fatal("there is no such key")
				}
				r.Used("key000003", began)
			}
		})
	}
}

func TestRequestAllocatesNothing(t *testing.T) {
	for _, n := range []int{10, 1000} {
		r := crowd(t, n)
		allocated := testing.AllocsPerRun(100, func() {
			r.Credential("key000003")
			r.Caller("key000003")
			r.Caller("nokey")
			r.Used("key000003", began)
		})
		if allocated != 0 {
			t.Errorf("%d users: %v allocations", n, allocated)
		}
	}
}

// A change copies what it changes and the maps that lead there.
func BenchmarkCreateKey(b *testing.B) {
	r := crowd(b, 100_000)
	for b.Loop() {
		k, err := r.CreateKey(context.Background(), by, identity.KeySpec{Account: home, User: "user000007"})
		must(b, err)
		must(b, r.DeleteKey(context.Background(), by, k.AccessKey))
	}
}
