package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
)

// identityRows keeps the rows of identities in the store.
type identityRows struct{ *store.Store }

var _ identity.Rows = identityRows{}

// SaveIdentities sets and removes rows, and tells the ledger who asked for it.
func (r identityRows) SaveIdentities(ctx context.Context, rows map[string][]byte, by identity.By) error {
	made := store.Maker{
		AccessKey: by.AccessKey, RequestID: by.RequestID, Principal: by.Principal,
		Source: by.Source, Operation: by.Operation, CauseID: by.CauseID,
	}
	if by.Cause == store.CauseJob.String() {
		made.Cause = store.CauseJob
	}
	return r.Store.SaveIdentities(ctx, rows, made)
}

// openSecretsKey returns the key that seals secrets. A missing one is made where it has
// sealed nothing, or what it has sealed is to be forgotten.
func openSecretsKey(ctx context.Context, c config, rows identityRows) (key [keyBytes]byte, err error) {
	if c.secretsKey != "" || c.memory || c.forgetSecrets {
		return folderKey(c, c.secretsKey, secretsKeyFile)
	}
	path := filepath.Join(c.data, secretsKeyFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		sealed, err := identity.Sealed(ctx, rows)
		if err != nil {
			return key, err
		}
		if sealed {
			return key, fmt.Errorf("%s is missing, which seals the secrets in this folder; put it back, or name a copy "+
				"(--forget-secrets starts without, and drops stored access keys and MFA devices)", path)
		}
	}
	return folderKey(c, "", secretsKeyFile)
}

// openIdentities opens who may sign requests, the root with the given keys, and applies
// the declarative file.
func openIdentities(c config, st *store.Store, log *slog.Logger, keys keyPair) (*identity.Registry, error) {
	o := owner()
	ctx := context.Background()
	sealing, err := openSecretsKey(ctx, c, identityRows{st})
	if err != nil {
		return nil, fmt.Errorf("--secrets-key: %w", err)
	}
	reg, err := identity.Open(ctx, identity.Options{
		Rows: identityRows{st}, SecretsKey: sealing, ForgetSecrets: c.forgetSecrets, Now: time.Now, Logger: log,
		Root: identity.RootCredential{
			Account:   policy.Principal{Account: o.Account, CanonicalID: o.CanonicalID, DisplayName: o.DisplayName},
			AccessKey: keys.Access, Secret: keys.Secret,
		},
	})
	if errors.Is(err, identity.ErrWrongKey) {
		err = fmt.Errorf("%w: --forget-secrets drops them", err)
	}
	if err != nil || c.identities == "" {
		return reg, err
	}
	text, err := os.ReadFile(c.identities)
	if err == nil {
		err = reg.ApplyFile(ctx, text)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--identities %s: %w", c.identities, err), reg.Close(ctx))
	}
	return reg, nil
}
