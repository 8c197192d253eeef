package identity

import (
	"errors"
	"fmt"
)

// The declare methods make one thing be what the file says of it. What was not there is the file's own; what was there stays
// whose it was, whatever it says now. What is so already they leave alone.

// atLine names the line that err is about, unless it says so itself.
func atLine(line int, err error) error {
	var placed *FileError
	if err == nil || errors.As(err, &placed) {
		return err
	}
	return &FileError{Line: line, Err: err}
}

func (e *edit) declareAccount(d declaredAccount) error {
	if err := atLine(d.line, e.declareItself(d)); err != nil {
		return err
	}
	for _, k := range d.keys {
		if err := atLine(k.line, e.declareKey(d.id, "", k)); err != nil {
			return err
		}
	}
	for _, p := range d.policies {
		if err := atLine(p.line, e.declarePolicy(d.id, p)); err != nil {
			return err
		}
	}
	for _, u := range d.users {
		if err := atLine(u.line, e.declareUser(d.id, u)); err != nil {
			return err
		}
	}
	for _, v := range d.devices {
		if err := atLine(v.line, e.declareDevice(d.id, v)); err != nil {
			return err
		}
	}
	a := e.next.accounts[d.id]
	if !a.configured && len(a.keys) == 0 {
		return atLine(d.line, fmt.Errorf("%w: account %s has no root-keys", ErrLastRoot, d.id))
	}
	return nil
}

// declareItself is about an account without what belongs to it.
func (e *edit) declareItself(d declaredAccount) error {
	a := e.next.accounts[d.id]
	switch {
	case a == nil:
		_, err := e.createAccount(AccountSpec{ID: d.id, CanonicalID: d.canonical, DisplayName: d.name}, true)
		return err
	case d.canonical != "" && d.canonical != a.CanonicalID:
		return &InvalidError{"canonical-id", "that of an account never changes, as buckets and grants name it"}
	case a.configured && d.name != "" && d.name != a.DisplayName:
		return &InvalidError{"name", "that of the default account comes from the configuration"}
	case a.configured:
		return nil
	}
	switch {
	case d.name == "" && !a.FromFile:
		return nil
	case d.name == "":
		d.name = d.id
	}
	if err := checkDisplayName(d.name); err != nil || a.DisplayName == d.name {
		return err
	}
	a, err := e.ownAccount(d.id)
	if err != nil {
		return err
	}
	a.DisplayName = d.name
	return e.putAccount(a)
}

func (e *edit) declareUser(account string, d declaredUser) error {
	u := e.next.accounts[account].users[d.name]
	switch {
	case d.path == "" && u != nil && !u.FromFile:
		d.path = u.Path
	case d.path == "":
		d.path = "/"
	}
	if u == nil {
		if _, err := e.createUser(UserSpec{Account: account, Name: d.name, Path: d.path}, true); err != nil {
			return err
		}
	} else if u.Path != d.path {
		if err := checkPath(d.path); err != nil {
			return err
		}
		own, err := e.ownUser(account, d.name)
		if err != nil {
			return err
		}
		own.Path = d.path
		if err := e.putUser(own); err != nil {
			return err
		}
	}
	return e.declareWithin(account, d)
}

// declareWithin is about what belongs to a user.
func (e *edit) declareWithin(account string, d declaredUser) error {
	for _, k := range d.keys {
		if err := atLine(k.line, e.declareKey(account, d.name, k)); err != nil {
			return err
		}
	}
	for _, p := range d.inline {
		if err := atLine(p.line, e.declareInline(account, d.name, p)); err != nil {
			return err
		}
	}
	for _, t := range d.attach {
		if err := atLine(t.line, e.declareAttached(account, d.name, t.text)); err != nil {
			return err
		}
	}
	return nil
}

// declareKey takes an access key away from where the file had it before, and from nobody else. Where the file does not say
// whether a key is active, a new one is, and one that is there stays as it is: somebody may have disabled a stolen one.
func (e *edit) declareKey(account, user string, d declaredKey) error {
	secret := d.secret.Reveal()
	if err := checkPair(d.accessKey, secret); err != nil {
		return err
	}
	k := &key{Key: Key{
		AccessKey: d.accessKey, Account: account, User: user, Created: e.at(), Active: d.active == nil || *d.active, FromFile: true,
	}, use: &usage{}}
	// The key may have gone with its user a moment ago, so what is published is asked.
	if was := e.r.snapshot.Load().keys[d.accessKey]; was != nil && d.active == nil {
		k.Active = was.Active
	}
	if old := e.next.keys[d.accessKey]; old != nil {
		moved := old.Account != account || old.User != user
		switch {
		case old.Configured, moved && !old.FromFile:
			return fmt.Errorf("%w: access key %s is that of %s", ErrExists, d.accessKey, holder(old.Key))
		case moved:
			if err := e.dropKey(d.accessKey); err != nil {
				return err
			}
		case old.secret.Reveal() == secret && old.Active == k.Active:
			return nil
		default:
			k.Created, k.use, k.unknown, k.FromFile = old.Created, old.use, old.unknown, old.FromFile
		}
	}
	return e.putKey(k, secret)
}

func (e *edit) declarePolicy(account string, d declaredPolicy) error {
	p, err := newKept(d.name, d.json)
	if err != nil {
		return err
	}
	p.FromFile = true
	if !p.replace(e.next.accounts[account].policies[d.name]) {
		return nil
	}
	return e.putPolicy(account, p)
}

func (e *edit) declareInline(account, user string, d declaredPolicy) error {
	p, err := newDocument(d.name, d.json)
	if err != nil {
		return err
	}
	p.FromFile = true
	if !p.replace(e.next.accounts[account].users[user].inline[d.name]) {
		return nil
	}
	return e.putInline(account, user, p)
}

func (e *edit) declareAttached(account, user, policy string) error {
	a := e.next.accounts[account]
	if _, err := a.document(policy); err != nil {
		return &Error{Op: "attach", Subject: policy, Err: err}
	}
	if a.users[user].attached[policy] != nil {
		return nil
	}
	return e.putAttached(account, user, policy, &attachment{created: e.at(), fromFile: true})
}

func (e *edit) declareDevice(account string, d declaredDevice) error {
	serial := d.serialIn(account)
	if d.serial == "" {
		if err := checkName("device name", d.name, maxLongName); err != nil {
			return err
		}
	}
	if err := checkSerial(account, serial); err != nil {
		return err
	}
	secret, err := plainSecret(d.secret.Reveal())
	if err != nil {
		return err
	}
	now := &device{Device: Device{Serial: serial, Account: account, Created: e.at(), FromFile: true}, codes: &attempts{}}
	if old := e.next.devices[serial]; old != nil {
		moved := old.Account != account
		switch {
		case moved && !old.FromFile:
			return fmt.Errorf("%w: the device is one of account %s", ErrExists, old.Account)
		case moved:
			if err := e.dropDevice(serial); err != nil {
				return err
			}
		case old.secret.Reveal() == secret:
			return nil
		default:
			now.Created, now.unknown, now.FromFile = old.Created, old.unknown, old.FromFile
		}
		now.codes = old.codes // a guess is a guess, whatever the secret was
	}
	return e.putDevice(now, secret)
}
