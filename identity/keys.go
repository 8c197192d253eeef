package identity

import (
	"context"
	"fmt"
)

// What is made of random bytes: ids and keys have the length and alphabet of Amazon's, whose beginning only ids share, so
// that scanners for leaked keys of Amazon are not alarmed.
const (
	userIDPrefix   = "AIDA"
	userIDBytes    = 10 // 16 characters
	keyPrefix      = "TSAK"
	accessKeyBytes = 10 // 16 characters
	secretKeyBytes = 25 // 40 characters
)

// CreateKey makes an access key for a user or root. A secret that was made is not to be had again.
func (r *Registry) CreateKey(ctx context.Context, by By, spec KeySpec) (NewKey, error) {
	var made NewKey
	err := r.change(ctx, by, "create key", spec.Account+"/"+spec.User, func(e *edit) (err error) {
		made, err = e.createKey(spec)
		return err
	})
	if err != nil {
		return NewKey{}, err
	}
	return made, nil
}

func (e *edit) createKey(spec KeySpec) (made NewKey, err error) {
	if spec.AccessKey == "" && spec.Secret == "" {
		if spec.AccessKey, err = e.random(accessKeyBytes); err != nil {
			return NewKey{}, err
		}
		spec.AccessKey = keyPrefix + spec.AccessKey
		if spec.Secret, err = e.random(secretKeyBytes); err != nil {
			return NewKey{}, err
		}
	}
	if err := checkPair(spec.AccessKey, spec.Secret); err != nil {
		return NewKey{}, err
	}
	if e.next.keys[spec.AccessKey] != nil {
		return NewKey{}, fmt.Errorf("%w: access key %s", ErrExists, spec.AccessKey)
	}
	k := &key{Key: Key{
		AccessKey: spec.AccessKey, Account: spec.Account, User: spec.User, Active: true, Created: e.at(),
	}, use: &usage{}}
	return NewKey{Key: k.Key, Secret: NewSecret(spec.Secret)}, e.putKey(k, spec.Secret)
}

// SetKeyActive enables or disables an access key. The next request signed with a disabled one is refused.
func (r *Registry) SetKeyActive(ctx context.Context, by By, accessKey string, active bool) error {
	return r.change(ctx, by, "set status of key", accessKey, func(e *edit) error {
		k, err := e.ownKey(accessKey)
		if err != nil || k.Active == active {
			return err
		}
		k.Active = active
		return e.putKey(k, k.secret.Reveal())
	})
}

// DeleteKey removes an access key. The last key of a root is [ErrLastRoot].
func (r *Registry) DeleteKey(ctx context.Context, by By, accessKey string) error {
	return r.change(ctx, by, "delete key", accessKey, func(e *edit) error { return e.dropKey(accessKey) })
}
