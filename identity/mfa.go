package identity

import (
	"context"
	"sync"
	"time"

	"github.com/seed61737384/tombstone/auth"
)

// A device that was tried with maxWrongCodes wrong codes within codeWindow takes no code until the first of them is as
// long ago: at most five guesses of a million in any minute. A restart forgets them.
const (
	maxWrongCodes = 5
	codeWindow    = time.Minute
)

// attempts are the last wrong codes that a device was tried with.
type attempts struct {
	mu    sync.Mutex // held from the look at wrong until the code is judged, so that no guess escapes the count
	wrong [maxWrongCodes]time.Time
	next  int // the oldest of wrong
}

// match returns the step that code belongs to.
func (a *attempts) match(secret, code string, now time.Time) (step uint64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if oldest := a.wrong[a.next]; !oldest.IsZero() && now.Sub(oldest) < codeWindow {
		return 0, ErrTooManyCodes
	}
	step, ok := auth.MatchMFA(secret, code, now)
	if !ok {
		a.wrong[a.next] = now
		a.next = (a.next + 1) % maxWrongCodes
		return 0, ErrWrongCode
	}
	return step, nil
}

// VerifyMFA accepts a code of an MFA device of the caller's account: once for each device, by the real clock, with one step
// of tolerance each way (spec OL2-16, OL2-17, OL2-22). When it returns nil the code is spent, also after a crash. It refuses
// with [ErrNoDevice], [ErrWrongCode], [ErrUsedCode] and [ErrTooManyCodes]; only a wrong code counts towards the latter.
func (r *Registry) VerifyMFA(ctx context.Context, caller *Caller, serial, code string) error {
	d := r.snapshot.Load().devices[serial]
	err := ErrNoDevice
	if d != nil && caller != nil && caller.Principal.Account == d.Account {
		err = r.spend(ctx, d, code)
	}
	if err != nil {
		return &Error{Op: "verify MFA code", Err: err}
	}
	return nil
}

func (r *Registry) spend(ctx context.Context, d *device, code string) error {
	step, err := d.codes.match(d.secret.Reveal(), code, r.now())
	if err != nil {
		return err
	}
	advanced, err := r.rows.AdvanceMFA(ctx, d.Serial, step)
	if err == nil && !advanced {
		err = ErrUsedCode
	}
	return err
}

// EnrollMFA makes a virtual MFA device of an account's root. Its secret and URL are not to be had again.
func (r *Registry) EnrollMFA(ctx context.Context, by By, account, name string) (Enrollment, error) {
	var made Enrollment
	serial := deviceARN(account, name)
	err := r.change(ctx, by, "enroll MFA device", serial, func(e *edit) error {
		if err := checkName("device name", name, maxLongName); err != nil {
			return err
		}
		if e.next.devices[serial] != nil {
			return ErrExists
		}
		secret, err := e.random(deviceSecret)
		if err != nil {
			return err
		}
		url, err := auth.MFAURL(name+"@"+account, secret)
		if err != nil {
			return err
		}
		made = Enrollment{
			Device: Device{Serial: serial, Account: account, Created: e.at()},
			Secret: NewSecret(secret), URL: NewSecret(url),
		}
		return e.putDevice(&device{Device: made.Device, codes: &attempts{}}, secret)
	})
	if err != nil {
		return Enrollment{}, err
	}
	return made, nil
}

// RemoveMFA removes an MFA device of an account.
func (r *Registry) RemoveMFA(ctx context.Context, by By, account, serial string) error {
	return r.change(ctx, by, "remove MFA device", serial, func(e *edit) error {
		if d := e.next.devices[serial]; d == nil || d.Account != account {
			return ErrNoDevice
		}
		return e.dropDevice(serial)
	})
}
