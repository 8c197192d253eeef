package identity

import "fmt"

// finish makes the callers of all that was changed, and refuses a change that leaves something it must not.
func (e *edit) finish() error {
	for id := range e.accounts {
		if err := e.finishAccount(e.next.accounts[id]); err != nil {
			return err
		}
	}
	for n := range e.users {
		a := e.next.accounts[n.account]
		if err := e.finishUser(a, a.users[n.name]); err != nil {
			return fmt.Errorf("user %s/%s: %w", n.account, n.name, err)
		}
	}
	if len(e.rows) > 0 && !e.r.checked {
		sealed, err := e.r.sealed(kindSecrets, checkText)
		if err != nil {
			return err
		}
		e.set(kindSecrets, encodeSecrets(sealed))
	}
	return nil
}

func (e *edit) finishAccount(a *account) error {
	p := a.principal()
	if a.caller == nil || a.caller.Principal != p {
		a.caller = &Caller{Principal: p}
		for name := range a.users { // they name the account's canonical id and display name
			if _, err := e.ownUser(a.ID, name); err != nil {
				return err
			}
		}
	}
	e.assign(a.keys, a.caller)
	if e.loading {
		return nil
	}
	if !a.configured && len(a.keys) == 0 {
		return fmt.Errorf("%w: account %s would have none", ErrLastRoot, a.ID)
	}
	// What belongs to the default account still has one when another is configured.
	if !a.stored && len(e.rows) > 0 {
		if err := e.putAccount(a); err != nil {
			return err
		}
	}
	return limited([]count{
		{"access keys of a root", len(a.keys), maxKeys},
		{"policies of an account", len(a.policies), maxPolicies},
		{"MFA devices of an account", len(a.devices), maxDevices},
	})
}

func (e *edit) finishUser(a *account, u *user) (err error) {
	if u.caller, err = a.callerOf(u); err != nil {
		return err
	}
	e.assign(u.keys, u.caller)
	if e.loading {
		return nil
	}
	return limited([]count{
		{"access keys of a user", len(u.keys), maxKeys},
		{"inline policies of a user", len(u.inline), maxInline},
		{"policies attached to a user", len(u.attached), maxAttached},
	})
}

// assign gives keys their caller.
func (e *edit) assign(keys []string, c *Caller) {
	for _, accessKey := range keys {
		if k := e.next.keys[accessKey]; k.caller != c {
			own := *k
			own.caller = c
			e.next.keys[accessKey] = &own
		}
	}
}

type count struct {
	what   string
	n, max int
}

func limited(counts []count) error {
	for _, c := range counts {
		if c.n > c.max {
			return &LimitError{What: c.what, Max: c.max}
		}
	}
	return nil
}
