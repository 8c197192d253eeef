package identity

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/auth/policy"
)

// Rows keeps the registry's rows. Names are ASCII without U+0000 and shorter than 512 bytes.
type Rows interface {
	// LoadIdentities calls fn for every row. value is valid within the call only.
	LoadIdentities(ctx context.Context, fn func(name string, value []byte) error) error
	// SaveIdentities sets rows, and removes those whose value is nil: all or nothing, durable when it returns.
	SaveIdentities(ctx context.Context, rows map[string][]byte, by By) error
	// SaveUses is SaveIdentities for notes of when keys were last used, which are no change that anybody made.
	SaveUses(ctx context.Context, rows map[string][]byte) error
	// AdvanceMFA makes step the last accepted one of a device if the last one is below it, and says whether it did.
	// Of concurrent calls with one step exactly one is told so, and not before it is durable; what was advanced stays so
	// when the device is removed.
	AdvanceMFA(ctx context.Context, serial string, step uint64) (bool, error)
}

// RootCredential is the default account and the key of its root.
type RootCredential struct {
	Account   policy.Principal // Account, CanonicalID and DisplayName; no user
	AccessKey string
	Secret    string `json:"-"`
}

// String leaves the secret out.
func (c RootCredential) String() string { return "root of " + c.Account.Account }

// GoString leaves the secret out.
func (c RootCredential) GoString() string { return c.String() }

// LogValue leaves the secret out.
func (c RootCredential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Options are what [Open] needs.
type Options struct {
	Rows Rows
	// SecretsKey seals secrets. It has to be the same for as long as the rows live.
	SecretsKey [32]byte `json:"-"`
	// ForgetSecrets drops the access keys and MFA devices whose secrets SecretsKey cannot open, where else [Open] would
	// fail with [ErrWrongKey]. Accounts, users and policies stay.
	ForgetSecrets bool
	// Root is the default account, and its root credential.
	Root RootCredential
	// Now tells the real time, which MFA codes depend on.
	Now func() time.Time
	// Rand makes keys, ids and nonces; nil means crypto/rand.
	Rand io.Reader
	// Logger is told which rows a file or forgetting changes, by name, and when notes of last use cannot be written; nil
	// means none.
	Logger *slog.Logger
}

// String shows no key.
func (o Options) String() string { return "identities of " + o.Root.String() }

// GoString shows no key.
func (o Options) GoString() string { return o.String() }

// LogValue shows no key.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// Registry is the accounts of a server and all that belongs to them. Its methods may be called from many goroutines.
type Registry struct {
	rows   Rows
	seal   cipher.AEAD
	now    func() time.Time
	rand   io.Reader
	logger *slog.Logger
	root   string // id of the default account

	forgets bool // rows whose secrets cannot be opened are dropped by Open

	snapshot atomic.Pointer[snapshot] // replaced under mu

	mu      sync.Mutex // held by a change from its first look at the snapshot until it is published
	checked bool       // the row that tells the secrets key is stored
	closed  bool

	stop context.CancelFunc // ends the writing of uses
	done sync.WaitGroup
}

var _ auth.Keys = (*Registry)(nil)

// String shows no key.
func (r *Registry) String() string { return "identities of root of " + r.root }

// GoString shows no key.
func (r *Registry) GoString() string { return r.String() }

// Open reads the registry that rows hold. It fails with [ErrWrongKey] if secrets were sealed with another key (see
// ForgetSecrets of [Options]), with [ErrExists] if the configured root key is that of somebody else too, and with [ErrDamaged] or [ErrNewer] if rows cannot
// be made sense of. The caller closes it before what keeps the rows.
func Open(ctx context.Context, o Options) (*Registry, error) {
	r, err := newRegistry(o)
	if err == nil {
		err = r.load(ctx, o.Root)
	}
	if err != nil {
		return nil, &Error{Op: "open identities", Err: err}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.done.Go(func() { r.writeUses(background) })
	return r, nil
}

func newRegistry(o Options) (*Registry, error) {
	r := &Registry{rows: o.Rows, now: o.Now, rand: o.Rand, logger: o.Logger, root: o.Root.Account.Account, forgets: o.ForgetSecrets}
	if r.rand == nil {
		r.rand = rand.Reader
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if o.Rows == nil || o.Now == nil {
		return nil, &InvalidError{"options", "rows and clock have to be given"}
	}
	if o.SecretsKey == [32]byte{} {
		return nil, &InvalidError{"secrets key", "it has to be given, 32 random bytes"}
	}
	var err error
	r.seal, err = newSeal(o.SecretsKey)
	return r, err
}

// Close writes when keys were last used, and ends the registry for changes. Reading goes on.
func (r *Registry) Close(ctx context.Context) error {
	r.stop()
	r.done.Wait()
	err := r.flushUses(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return &Error{Op: "close identities", Err: ErrClosed}
	}
	r.closed = true
	if err != nil {
		return &Error{Op: "close identities", Err: err}
	}
	return nil
}

// Credential returns the credential of an active access key. A disabled key has none.
func (r *Registry) Credential(accessKey string) (auth.Credential, bool) {
	if k := r.snapshot.Load().keys[accessKey]; k != nil && k.Active {
		return auth.Credential{AccessKey: accessKey, Secret: k.secret.Reveal()}, true
	}
	return auth.Credential{}, false
}

// Caller returns who signs with an active access key. The result is shared and must not be changed.
func (r *Registry) Caller(accessKey string) (*Caller, bool) {
	if k := r.snapshot.Load().keys[accessKey]; k != nil && k.Active {
		return k.caller, true
	}
	return nil, false
}

// CallerOf returns what a user would be as a caller, or an account's root if user is empty.
func (r *Registry) CallerOf(account, user string) (*Caller, error) {
	a, err := r.snapshot.Load().account(account)
	if err != nil {
		return nil, err
	}
	if user == "" {
		return a.caller, nil
	}
	u, err := a.user(user)
	if err != nil {
		return nil, err
	}
	return u.caller, nil
}

// change carries out one change: fn makes it on a copy, which is saved and then published.
func (r *Registry) change(ctx context.Context, by By, op, subject string, fn func(*edit) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := ErrClosed
	if !r.closed {
		err = r.changeLocked(ctx, by, fn)
	}
	if err != nil {
		return &Error{Op: op, Subject: subject, Err: err}
	}
	return nil
}

func (r *Registry) changeLocked(ctx context.Context, by By, fn func(*edit) error) error {
	e := r.edit(r.snapshot.Load())
	if err := fn(e); err != nil {
		return err
	}
	if err := e.finish(); err != nil {
		return err
	}
	if len(e.rows) == 0 {
		return nil
	}
	if err := r.rows.SaveIdentities(ctx, e.rows, by); err != nil {
		return err
	}
	r.checked = true
	r.snapshot.Store(e.next)
	return nil
}
