package identity

import (
	"context"
	"strings"
)

// Sealed reports whether rows hold anything that a secrets key has sealed: then a registry over them opens with that key
// alone.
func Sealed(ctx context.Context, rows Rows) (sealed bool, err error) {
	err = rows.LoadIdentities(ctx, func(name string, _ []byte) error {
		kind, _, _ := strings.Cut(name, "/")
		sealed = sealed || kind == kindSecrets || kind == kindKey || kind == kindDevice
		return nil
	})
	return sealed, err
}

// lose passes over a row whose secret cannot be opened, if that is to be forgotten, else returns why it cannot.
func (e *edit) lose(name string, err error) error {
	if !e.r.forgets {
		return err
	}
	e.lost = append(e.lost, name)
	return nil
}

// forget removes the rows that e passed over, and notes the secrets key that counts from here on. An account may be without
// a root key then, which has to be the next thing that it is given.
func (r *Registry) forget(ctx context.Context, e *edit) error {
	if r.checked && len(e.lost) == 0 {
		r.logger.Warn("nothing is forgotten: the secrets key opens all secrets")
		return nil
	}
	sealed, err := r.sealed(kindSecrets, checkText)
	if err != nil {
		return err
	}
	rows := map[string][]byte{kindSecrets: encodeSecrets(sealed)}
	for _, name := range e.lost {
		rows[name] = nil
	}
	by := By{Operation: "ForgetSecrets", Cause: "job", CauseID: "forget-secrets"}
	if err := r.rows.SaveIdentities(ctx, rows, by); err != nil {
		return err
	}
	r.checked = true
	for _, name := range e.lost {
		if !strings.HasPrefix(name, kindUsed+"/") {
			r.logger.Warn("identity forgotten: the secrets key does not open its secret", "row", name)
		}
	}
	return nil
}
