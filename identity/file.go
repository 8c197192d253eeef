package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ApplyFile makes the registry have what a declarative file lists, in one change. Applying a file twice changes nothing.
//
// What is listed and not there is made, and is the file's own from then on. What is there is given the content that the file
// lists, and stays whose it is. What is the file's own and not listed is removed, and nothing else ever is: a user with
// access keys or policies that commands made loses those of the file, and is no longer the file's. An account of the file
// with anything that commands made is refused as [ErrInUse], and so is a policy of the file that a command attached. The
// log names each row that was added, changed or removed.
//
// The file is one YAML document:
//
//	accounts:
//	  - id: "111122223333"          # the default account too, whose name and root come from the configuration
//	    name: backup                # absent: the id, or what a command made it
//	    canonical-id: 64 hex digits # absent: made of the id
//	    root-keys:                  # at least one, but for the default account
//	      - access-key: …
//	        secret-key: …
//	        active: true            # absent: true for a new key, else as it is
//	    policies:                   # that users of the account can have
//	      - name: own-prefix
//	        document: {Version: 2012-10-17, Statement: […]} # or a text in JSON
//	    users:
//	      - name: restic
//	        path: /backup/          # absent: /, or what a command made it
//	        keys: […]               # like root-keys
//	        attach: [backup-writer, own-prefix]
//	        inline: […]             # like policies
//	    mfa:                        # devices of the root
//	      - name: phone             # or serial: what is printed on a device of hardware
//	        secret: base32
//
// An unknown or repeated key is an error. Errors are [*FileError] and hold no secret.
func (r *Registry) ApplyFile(ctx context.Context, data []byte) error {
	const op = "apply identity file"
	d, err := parseFile(data)
	if err != nil {
		return &Error{Op: op, Err: err}
	}
	listed, err := d.rows()
	if err != nil {
		return &Error{Op: op, Err: err}
	}
	by := By{Operation: "ApplyIdentityFile", Cause: "job", CauseID: "identity-file"}
	var before *snapshot
	var made *edit
	err = r.change(ctx, by, op, "", func(e *edit) error {
		before, made = r.snapshot.Load(), e
		if err := e.sweep(listed); err != nil {
			return err
		}
		for _, a := range d.accounts {
			if err := e.declareAccount(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		r.tellRows("identities file", before, made)
	}
	return err
}

// listing is the names of the rows that a file stands for.
type listing map[string]bool

// add lists a row, which may be there once: twice would be undone by each other.
func (l listing) add(line int, parts ...string) error {
	name := rowName(parts...)
	if l[name] {
		return atLine(line, fmt.Errorf("%w: %s is listed twice", ErrInvalid, name))
	}
	l[name] = true
	return nil
}

// rows lists what the file stands for.
func (d *declaration) rows() (listing, error) {
	l := make(listing)
	for _, a := range d.accounts {
		if err := errors.Join(l.add(a.line, kindAccount, a.id), l.keys(a.keys)); err != nil {
			return nil, err
		}
		for _, p := range a.policies {
			if err := l.add(p.line, kindPolicy, a.id, p.name); err != nil {
				return nil, err
			}
		}
		for _, v := range a.devices {
			if err := l.add(v.line, kindDevice, v.serialIn(a.id)); err != nil {
				return nil, err
			}
		}
		for _, u := range a.users {
			if err := l.user(a.id, u); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

func (l listing) keys(keys []declaredKey) error {
	for _, k := range keys {
		if err := l.add(k.line, kindKey, k.accessKey); err != nil {
			return err
		}
	}
	return nil
}

func (l listing) user(account string, u declaredUser) error {
	if err := errors.Join(l.add(u.line, kindUser, account, u.name), l.keys(u.keys)); err != nil {
		return err
	}
	for _, p := range u.inline {
		if err := l.add(p.line, kindInline, account, u.name, p.name); err != nil {
			return err
		}
	}
	for _, t := range u.attach {
		if err := l.add(t.line, kindAttached, account, u.name, t.text); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what a file made and none lists any more.
func (e *edit) sweep(listed listing) error {
	for _, id := range slices.Sorted(maps.Keys(e.next.accounts)) {
		a := e.next.accounts[id]
		var err error
		if a.FromFile && !a.configured && !listed[rowName(kindAccount, id)] {
			err = e.sweepAccount(a)
		} else {
			err = e.sweepWithin(a, listed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepAccount removes an account, unless something would go that the file did not make.
func (e *edit) sweepAccount(a *account) error {
	if other := e.othersIn(a); other != "" {
		return &FileError{Err: fmt.Errorf("%w: account %s is not listed any more, and has what the file did not make, "+
			"such as %s: list the account again, or delete that first", ErrInUse, a.ID, other)}
	}
	return e.dropAccount(a.ID)
}

// othersIn names something in an account that the file did not make, or nothing.
func (e *edit) othersIn(a *account) string {
	for _, name := range slices.Sorted(maps.Keys(a.users)) {
		if u := a.users[name]; !u.FromFile || e.othersOf(u) {
			return "user " + name
		}
	}
	for _, accessKey := range a.keys {
		if !e.next.keys[accessKey].FromFile {
			return "access key " + accessKey
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.policies)) {
		if !a.policies[name].FromFile {
			return "policy " + name
		}
	}
	for _, serial := range a.devices {
		if !e.next.devices[serial].FromFile {
			return "MFA device " + serial
		}
	}
	return ""
}

// othersOf reports whether a user has anything that the file did not make.
func (e *edit) othersOf(u *user) bool {
	for _, accessKey := range u.keys {
		if !e.next.keys[accessKey].FromFile {
			return true
		}
	}
	for _, d := range u.inline {
		if !d.FromFile {
			return true
		}
	}
	for _, at := range u.attached {
		if !at.fromFile {
			return true
		}
	}
	return false
}

// sweepWithin removes what an account that stays has no more. Policies go last: users may have had them.
func (e *edit) sweepWithin(a *account, listed listing) error {
	for _, name := range slices.Sorted(maps.Keys(a.users)) {
		u := a.users[name]
		var err error
		gone := u.FromFile && !listed[rowName(kindUser, a.ID, name)]
		if gone && !e.othersOf(u) {
			err = e.dropUser(a.ID, name)
		} else {
			err = e.sweepUser(u, listed)
		}
		if err == nil && gone {
			err = e.disownUser(a.ID, name)
		}
		if err != nil {
			return err
		}
	}
	if err := e.sweepKeys(a.keys, listed); err != nil {
		return err
	}
	for _, serial := range slices.Clone(a.devices) {
		if e.next.devices[serial].FromFile && !listed[rowName(kindDevice, serial)] {
			if err := e.dropDevice(serial); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.policies)) {
		if a.policies[name].FromFile && !listed[rowName(kindPolicy, a.ID, name)] {
			if err := e.dropPolicy(a.ID, name); err != nil {
				return &FileError{Err: err}
			}
		}
	}
	return nil
}

// disownUser leaves a user, if it is still there, to the commands that gave it something.
func (e *edit) disownUser(account, name string) error {
	u, err := e.ownUser(account, name)
	if errors.Is(err, ErrNoSuchUser) {
		return nil
	}
	if err != nil {
		return err
	}
	u.FromFile = false
	return e.putUser(u)
}

func (e *edit) sweepUser(u *user, listed listing) error {
	for _, name := range slices.Sorted(maps.Keys(u.attached)) {
		if u.attached[name].fromFile && !listed[rowName(kindAttached, u.Account, u.Name, name)] {
			if err := e.dropAttached(u.Account, u.Name, name); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.inline)) {
		if u.inline[name].FromFile && !listed[rowName(kindInline, u.Account, u.Name, name)] {
			if err := e.dropInline(u.Account, u.Name, name); err != nil {
				return err
			}
		}
	}
	return e.sweepKeys(u.keys, listed)
}

func (e *edit) sweepKeys(keys []string, listed listing) error {
	for _, accessKey := range slices.Clone(keys) {
		if e.next.keys[accessKey].FromFile && !listed[rowName(kindKey, accessKey)] {
			if err := e.dropKey(accessKey); err != nil {
				return err
			}
		}
	}
	return nil
}
