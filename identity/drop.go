package identity

import "fmt"

// The drop methods remove a thing with its row and with all that belongs to it. What must not go yet is refused by those
// who call them.

func (e *edit) dropKey(accessKey string) error {
	k, err := e.ownKey(accessKey)
	if err != nil {
		return err
	}
	if k.User == "" {
		a, err := e.ownAccount(k.Account)
		if err != nil {
			return err
		}
		a.keys = removeSorted(a.keys, accessKey)
	} else {
		u, err := e.ownUser(k.Account, k.User)
		if err != nil {
			return err
		}
		u.keys = removeSorted(u.keys, accessKey)
	}
	delete(e.next.keys, accessKey)
	e.set(rowName(kindKey, accessKey), nil)
	if k.use.written > 0 {
		e.set(rowName(kindUsed, accessKey), nil)
	}
	return nil
}

func (e *edit) dropInline(account, name, policy string) error {
	u, err := e.ownUser(account, name)
	if err != nil {
		return err
	}
	if u.inline[policy] == nil {
		return ErrNoSuchPolicy
	}
	delete(u.inline, policy)
	e.set(rowName(kindInline, account, name, policy), nil)
	return nil
}

func (e *edit) dropAttached(account, name, policy string) error {
	u, err := e.ownUser(account, name)
	if err != nil {
		return err
	}
	if u.attached[policy] == nil {
		return ErrNoSuchPolicy
	}
	delete(u.attached, policy)
	e.set(rowName(kindAttached, account, name, policy), nil)
	return nil
}

// dropPolicy refuses a policy that is attached: taking a Deny from a user has to be said of the user.
func (e *edit) dropPolicy(account, policy string) error {
	a, err := e.ownAccount(account)
	if err != nil {
		return err
	}
	if a.policies[policy] == nil {
		return ErrNoSuchPolicy
	}
	for name, u := range a.users {
		if u.attached[policy] != nil {
			return fmt.Errorf("%w: policy %s is attached to user %s", ErrInUse, policy, name)
		}
	}
	delete(a.policies, policy)
	e.set(rowName(kindPolicy, account, policy), nil)
	return nil
}

func (e *edit) dropUser(account, name string) error {
	u, err := e.ownUser(account, name)
	if err != nil {
		return err
	}
	for len(u.keys) > 0 {
		if err := e.dropKey(u.keys[0]); err != nil {
			return err
		}
	}
	for policy := range u.inline {
		e.set(rowName(kindInline, account, name, policy), nil)
	}
	for policy := range u.attached {
		e.set(rowName(kindAttached, account, name, policy), nil)
	}
	delete(e.next.accounts[account].users, name)
	delete(e.users, userName{account, name})
	e.set(rowName(kindUser, account, name), nil)
	return nil
}

// dropDevice leaves the last accepted step of the device, so that none of its codes counts again if it comes back.
func (e *edit) dropDevice(serial string) error {
	d := e.next.devices[serial]
	if d == nil {
		return ErrNoDevice
	}
	a, err := e.ownAccount(d.Account)
	if err != nil {
		return err
	}
	a.devices = removeSorted(a.devices, serial)
	delete(e.next.devices, serial)
	e.set(rowName(kindDevice, serial), nil)
	return nil
}

func (e *edit) dropAccount(id string) error {
	a, err := e.ownAccount(id)
	if err != nil {
		return err
	}
	if a.configured {
		return fmt.Errorf("%w: it is the account of the configuration", ErrLastRoot)
	}
	for name := range a.users {
		if err := e.dropUser(id, name); err != nil {
			return err
		}
	}
	for len(a.keys) > 0 {
		if err := e.dropKey(a.keys[0]); err != nil {
			return err
		}
	}
	for len(a.devices) > 0 {
		if err := e.dropDevice(a.devices[0]); err != nil {
			return err
		}
	}
	for policy := range a.policies {
		e.set(rowName(kindPolicy, id, policy), nil)
	}
	delete(e.next.accounts, id)
	delete(e.next.canonical, a.CanonicalID)
	delete(e.accounts, id)
	e.set(rowName(kindAccount, id), nil)
	return nil
}
