package identity_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
	"github.com/seed61737384/tombstone/internal/clock"
)

// token is a registry with one device of the default account, and that device.
type token struct {
	t      testing.TB
	rows   *identitytest.Rows
	clock  *clock.Manual
	r      *identity.Registry
	root   *identity.Caller
	serial string
	secret string
}

func newToken(t testing.TB) *token {
	t.Helper()
	k := &token{t: t, rows: &identitytest.Rows{}, clock: clock.NewManual(began.Truncate(auth.MFAStep))}
	k.reopen()
	made, err := k.r.EnrollMFA(t.Context(), by, home, "phone")
	must(t, err)
	k.serial, k.secret = made.Serial, made.Secret.Reveal()
	return k
}

// reopen is a start of the server.
func (k *token) reopen() {
	k.t.Helper()
	if k.r != nil {
		must(k.t, k.r.Close(k.t.Context()))
	}
	k.r = openAt(k.t, k.rows, k.clock)
	k.root, _ = k.r.Caller("rootkey")
}

// code is what the device shows some steps from now.
func (k *token) code(steps int) string {
	code, err := auth.MFACode(k.secret, uint64(k.clock.Now().Unix()/30+int64(steps)))
	must(k.t, err)
	return code
}

// wrong is a code that the device shows at no time near now.
func (k *token) wrong() string {
	for n := 0; ; n++ {
		code := fmt.Sprintf("%06d", n)
		if _, ok := auth.MatchMFA(k.secret, code, k.clock.Now()); !ok {
			return code
		}
	}
}

func (k *token) verify(code string) error {
	return k.r.VerifyMFA(k.t.Context(), k.root, k.serial, code)
}

// spec: OL2-2, OL2-16, OL2-22
func TestVerifyMFA(t *testing.T) {
	k := newToken(t)
	if k.serial != "arn:aws:iam::000000000000:mfa/phone" {
		t.Errorf("serial %s", k.serial)
	}
	must(t, k.verify(k.code(-1))) // one step of tolerance each way
	must(t, k.verify(k.code(0)))
	must(t, k.verify(k.code(1)))
	want(t, "two steps ahead", k.verify(k.code(2)), identity.ErrWrongCode)
	want(t, "two steps ago", k.verify(k.code(-2)), identity.ErrWrongCode)
	want(t, "no code", k.verify(""), identity.ErrWrongCode)
	want(t, "another serial", k.r.VerifyMFA(t.Context(), k.root, k.serial+"x", k.code(0)), identity.ErrNoDevice)
	want(t, "nobody", k.r.VerifyMFA(t.Context(), nil, k.serial, k.code(0)), identity.ErrNoDevice)
	want(t, "an anonymous caller", k.r.VerifyMFA(t.Context(), &identity.Caller{}, k.serial, k.code(0)), identity.ErrNoDevice)

	_, root, err := k.r.CreateAccount(t.Context(), by, identity.AccountSpec{ID: other})
	must(t, err)
	stranger, _ := k.r.Caller(root.AccessKey)
	want(t, "a device of another account", k.r.VerifyMFA(t.Context(), stranger, k.serial, k.code(0)), identity.ErrNoDevice)
	must(t, k.r.RemoveMFA(t.Context(), by, home, k.serial))
	want(t, "a removed device", k.verify(k.code(0)), identity.ErrNoDevice)
}

// A code counts once for each device, also after a start, and so does every earlier one.
//
// spec: OL2-17
func TestCodeCountsOnce(t *testing.T) {
	k := newToken(t)
	second, err := k.r.EnrollMFA(t.Context(), by, home, "tablet")
	must(t, err)
	must(t, k.verify(k.code(0)))
	want(t, "the same code", k.verify(k.code(0)), identity.ErrUsedCode)
	want(t, "an earlier code", k.verify(k.code(-1)), identity.ErrUsedCode)
	k.reopen()
	want(t, "the same code after a start", k.verify(k.code(0)), identity.ErrUsedCode)
	must(t, k.verify(k.code(1)))
	k.clock.Advance(auth.MFAStep)
	want(t, "the code of a step ahead in its step", k.verify(k.code(0)), identity.ErrUsedCode)
	k.clock.Advance(auth.MFAStep)
	must(t, k.verify(k.code(0)))

	// The other device has codes of its own.
	k.serial, k.secret = second.Serial, second.Secret.Reveal()
	must(t, k.verify(k.code(0)))

	// A clock that is set back brings no code back.
	k.clock.Advance(-10 * time.Minute)
	want(t, "a code of the past", k.verify(k.code(0)), identity.ErrUsedCode)
}

// A code is spent before it is accepted: where that fails nothing is.
func TestCodeIsSpentFirst(t *testing.T) {
	k := newToken(t)
	full := errors.New("disk full")
	failing := &identitytest.Rows{Fail: func(what string) error {
		if what == "advance" {
			return full
		}
		return nil
	}}
	for name, value := range k.rows.Rows() {
		failing.Set(name, value)
	}
	k.rows = failing
	k.reopen()
	want(t, "a code that cannot be spent", k.verify(k.code(0)), full)
}

// A device that comes back takes none of the codes it took before.
//
// spec: OL2-17
func TestCodeCountsOnceAcrossEnrollments(t *testing.T) {
	const file = "accounts: [{id: 000000000000, mfa: [{name: safe, secret: GEZDGNBVGY3TQOJQ}]}]"
	k := newToken(t)
	k.serial, k.secret = "arn:aws:iam::000000000000:mfa/safe", "GEZDGNBVGY3TQOJQ"
	must(t, k.r.ApplyFile(t.Context(), []byte(file)))
	must(t, k.verify(k.code(0)))
	must(t, k.r.ApplyFile(t.Context(), []byte("accounts: []")))
	must(t, k.r.ApplyFile(t.Context(), []byte(file)))
	want(t, "the same code", k.verify(k.code(0)), identity.ErrUsedCode)
}

// Five wrong codes within a minute, and a device takes none, until the first is a minute old.
//
// spec: OL2-16
func TestTooManyCodes(t *testing.T) {
	k := newToken(t)
	for range 5 {
		want(t, "a wrong code", k.verify(k.wrong()), identity.ErrWrongCode)
		k.clock.Advance(5 * time.Second)
	}
	want(t, "a sixth one", k.verify(k.wrong()), identity.ErrTooManyCodes)
	want(t, "a right one", k.verify(k.code(0)), identity.ErrTooManyCodes)
	other, err := k.r.EnrollMFA(t.Context(), by, home, "tablet")
	must(t, err)
	second := &token{t: t, clock: k.clock, r: k.r, root: k.root, serial: other.Serial, secret: other.Secret.Reveal()}
	must(t, second.verify(second.code(0)))
	k.clock.Advance(34 * time.Second) // 59 s after the first
	want(t, "a right one after 59 s", k.verify(k.code(0)), identity.ErrTooManyCodes)
	k.clock.Advance(time.Second)
	must(t, k.verify(k.code(0)))
	want(t, "one more wrong code", k.verify(k.wrong()), identity.ErrWrongCode)
	want(t, "and another", k.verify(k.wrong()), identity.ErrTooManyCodes)
}

// A right code does not take back wrong ones, and a used one is no guess.
func TestOnlyWrongCodesCount(t *testing.T) {
	k := newToken(t)
	must(t, k.verify(k.code(0)))
	for range 10 {
		want(t, "a used code", k.verify(k.code(0)), identity.ErrUsedCode)
	}
	for range 4 {
		want(t, "a wrong code", k.verify(k.wrong()), identity.ErrWrongCode)
	}
	must(t, k.verify(k.code(1)))
	want(t, "a fifth wrong code", k.verify(k.wrong()), identity.ErrWrongCode)
	want(t, "a sixth one", k.verify(k.wrong()), identity.ErrTooManyCodes)
}

// A change of the file does not give a device's guesses back.
func TestWrongCodesSurviveFile(t *testing.T) {
	const file = "accounts: [{id: 000000000000, mfa: [{name: phone, secret: GEZDGNBVGY3TQOJQ}]}]"
	k := newToken(t)
	for range 5 {
		want(t, "a wrong code", k.verify(k.wrong()), identity.ErrWrongCode)
	}
	must(t, k.r.ApplyFile(t.Context(), []byte(file)))
	want(t, "a wrong code", k.verify(k.wrong()), identity.ErrTooManyCodes)
}

// together calls verify from many goroutines at once, and counts its answers.
func (k *token) together(n int, code string) map[error]int64 {
	kinds := []error{nil, identity.ErrUsedCode, identity.ErrWrongCode, identity.ErrTooManyCodes}
	counts := make([]atomic.Int64, len(kinds))
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			err := k.r.VerifyMFA(context.Background(), k.root, k.serial, code)
			for i, kind := range kinds {
				if errors.Is(err, kind) && (kind != nil || err == nil) {
					counts[i].Add(1)
				}
			}
		})
	}
	all.Wait()
	found := make(map[error]int64)
	for i, kind := range kinds {
		found[kind] = counts[i].Load()
	}
	return found
}

// Of requests that show one code at the same time exactly one is served.
//
// spec: OL2-17
func TestCodeAtTheSameTime(t *testing.T) {
	k := newToken(t)
	for range 20 {
		if got := k.together(8, k.code(0)); got[nil] != 1 || got[identity.ErrUsedCode] != 7 {
			t.Errorf("answers %v", got)
		}
		k.clock.Advance(auth.MFAStep)
	}
}

// Guessing from many connections at the same time gives no more guesses.
func TestGuessesAtTheSameTime(t *testing.T) {
	k := newToken(t)
	if got := k.together(100, k.wrong()); got[identity.ErrWrongCode] != 5 || got[identity.ErrTooManyCodes] != 95 {
		t.Errorf("answers %v", got)
	}
}
