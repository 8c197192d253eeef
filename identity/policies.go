package identity

import (
	"bytes"
	"context"
	"fmt"

	"github.com/seed61737384/tombstone/auth/policy"
)

// parseDocument reads an identity policy. Errors are [*policy.SyntaxError] and [*InvalidError].
func parseDocument(json []byte) (*policy.Document, error) {
	if len(json) > maxDocument {
		return nil, &InvalidError{"policy", fmt.Sprintf("a policy has at most %d bytes", maxDocument)}
	}
	return policy.Parse(policy.Identity, json)
}

// newDocument makes the document of a policy from what it is given as.
func newDocument(name string, json []byte) (*document, error) {
	if err := checkName("policy name", name, maxLongName); err != nil {
		return nil, err
	}
	json = bytes.Clone(json)
	parsed, err := parseDocument(json)
	if err != nil {
		return nil, err
	}
	return &document{Policy: Policy{Name: name, JSON: json}, parsed: parsed}, nil
}

// replace makes d take the place of an older document, of which it keeps what it does not know, and who made it. It says
// whether anything differs.
func (d *document) replace(old *document) bool {
	if old == nil {
		return true
	}
	d.unknown, d.FromFile = old.unknown, old.FromFile
	return !bytes.Equal(d.JSON, old.JSON)
}

// PutPolicy stores a policy of an account, which can then be attached. One of that name is replaced wherever it is attached.
func (r *Registry) PutPolicy(ctx context.Context, by By, account, name string, json []byte) error {
	return r.change(ctx, by, "put policy", account+"/"+name, func(e *edit) error {
		a, err := e.next.account(account)
		if err != nil {
			return err
		}
		d, err := newKept(name, json)
		if err != nil || !d.replace(a.policies[name]) {
			return err
		}
		return e.putPolicy(account, d)
	})
}

// newKept is newDocument for a policy of an account: its name must not hide one that is built in.
func newKept(name string, json []byte) (*document, error) {
	if _, builtIn := policy.Managed(name); builtIn {
		return nil, fmt.Errorf("%w: a policy of that name is built in", ErrExists)
	}
	return newDocument(name, json)
}

// DeletePolicy removes a policy of an account. One that is attached is [ErrInUse].
func (r *Registry) DeletePolicy(ctx context.Context, by By, account, name string) error {
	return r.change(ctx, by, "delete policy", account+"/"+name, func(e *edit) error { return e.dropPolicy(account, name) })
}

// PutUserPolicy stores an inline policy of a user, in the place of one of that name.
func (r *Registry) PutUserPolicy(ctx context.Context, by By, account, user, name string, json []byte) error {
	return r.change(ctx, by, "put policy of user", account+"/"+user, func(e *edit) error {
		u, err := e.next.user(account, user)
		if err != nil {
			return err
		}
		d, err := newDocument(name, json)
		if err != nil || !d.replace(u.inline[name]) {
			return err
		}
		return e.putInline(account, user, d)
	})
}

// DeleteUserPolicy removes an inline policy of a user.
func (r *Registry) DeleteUserPolicy(ctx context.Context, by By, account, user, name string) error {
	return r.change(ctx, by, "delete policy of user", account+"/"+user, func(e *edit) error {
		return e.dropInline(account, user, name)
	})
}

// AttachPolicy attaches a policy that is built in, or that the account keeps, to a user. Attaching it again changes nothing.
func (r *Registry) AttachPolicy(ctx context.Context, by By, account, user, name string) error {
	return r.change(ctx, by, "attach policy to user", account+"/"+user, func(e *edit) error {
		u, err := e.next.user(account, user)
		if err != nil {
			return err
		}
		if _, err := e.next.accounts[account].document(name); err != nil {
			return err
		}
		if u.attached[name] != nil {
			return nil
		}
		return e.putAttached(account, user, name, &attachment{created: e.at()})
	})
}

// DetachPolicy takes an attached policy from a user.
func (r *Registry) DetachPolicy(ctx context.Context, by By, account, user, name string) error {
	return r.change(ctx, by, "detach policy from user", account+"/"+user, func(e *edit) error {
		return e.dropAttached(account, user, name)
	})
}
