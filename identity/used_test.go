package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
)

// notes keeps rows, and counts how often notes of use were written.
type notes struct {
	rows map[string][]byte
	uses int
	err  error
}

func (n *notes) LoadIdentities(_ context.Context, fn func(string, []byte) error) error {
	for name, value := range n.rows {
		if err := fn(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (n *notes) SaveIdentities(_ context.Context, rows map[string][]byte, _ By) error {
	maps.Copy(n.rows, rows)
	return nil
}

func (n *notes) SaveUses(_ context.Context, rows map[string][]byte) error {
	if n.err == nil {
		n.uses += len(rows)
		maps.Copy(n.rows, rows)
	}
	return n.err
}

func (n *notes) AdvanceMFA(context.Context, string, uint64) (bool, error) { return true, nil }

func openNotes(t *testing.T, n *notes, logger *slog.Logger) *Registry {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r, err := Open(t.Context(), Options{
		Rows: n, SecretsKey: [32]byte{1}, Now: func() time.Time { return now }, Logger: logger,
		Root: RootCredential{Account: policy.Principal{Account: "000000000000"}, AccessKey: "rootkey", Secret: "rootsecret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lastUsed(t *testing.T, r *Registry, accessKey string) time.Time {
	t.Helper()
	k, err := r.Key(accessKey)
	if err != nil {
		t.Fatal(err)
	}
	return k.LastUsed
}

// Requests write nothing; what they note is shown at once, and written once however many there were.
func TestUsed(t *testing.T) {
	n := &notes{rows: make(map[string][]byte)}
	r := openNotes(t, n, nil)
	if !lastUsed(t, r, "rootkey").IsZero() {
		t.Error("used before it was")
	}
	at := time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC)
	for i := range 100 {
		r.Used("rootkey", at.Add(-time.Duration(i)*time.Second)) // requests end in any order
	}
	r.Used("nokey", at)
	if got := lastUsed(t, r, "rootkey"); !got.Equal(at) || n.uses != 0 {
		t.Errorf("last used %v, %d notes", got, n.uses)
	}
	for range 3 {
		if err := r.flushUses(t.Context()); err != nil || n.uses != 1 {
			t.Errorf("%d notes, %v", n.uses, err)
		}
	}
	r.Used("rootkey", at.Add(time.Minute))
	if err := r.Close(t.Context()); err != nil || n.uses != 2 {
		t.Errorf("%d notes, %v", n.uses, err)
	}
	if err := r.Close(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
	r = openNotes(t, n, nil)
	if got := lastUsed(t, r, "rootkey"); !got.Equal(at.Add(time.Minute)) {
		t.Errorf("last used %v after a start", got)
	}
	if err := r.Close(t.Context()); err != nil || n.uses != 2 {
		t.Errorf("%d notes, %v", n.uses, err)
	}
}

// What cannot be written is kept for the next time, and told to whoever closes.
func TestUsedCannotBeWritten(t *testing.T) {
	full := errors.New("disk full")
	n := &notes{rows: make(map[string][]byte), err: full}
	var log bytes.Buffer
	r := openNotes(t, n, slog.New(slog.NewTextHandler(&log, nil)))
	r.Used("rootkey", time.Unix(1e9, 0))
	if err := r.flushUses(t.Context()); !errors.Is(err, full) {
		t.Error(err)
	}
	n.err = nil
	if err := r.flushUses(t.Context()); err != nil || n.uses != 1 {
		t.Errorf("%d notes, %v", n.uses, err)
	}
	r.Used("rootkey", time.Unix(2e9, 0))
	n.err = full
	if err := r.Close(t.Context()); !errors.Is(err, full) || strings.Contains(log.String(), "rootsecret") {
		t.Error(err)
	}
}

// Neither the snapshot nor what is in it shows a secret.
func TestSnapshotIsNotPrinted(t *testing.T) {
	r := openNotes(t, &notes{rows: make(map[string][]byte)}, nil)
	d, err := r.EnrollMFA(t.Context(), By{}, "000000000000", "phone")
	if err != nil {
		t.Fatal(err)
	}
	s := r.snapshot.Load()
	k, held := s.keys["rootkey"], s.devices[d.Serial]
	for _, v := range []any{s, *s, k, held, s.keys, s.devices, s.accounts["000000000000"]} {
		printed := fmt.Sprintf("%v %+v %#v %s", v, v, v, v)
		if strings.Contains(printed, "rootsecret") || strings.Contains(printed, d.Secret.Reveal()) {
			t.Errorf("%T shows a secret: %s", v, printed)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
