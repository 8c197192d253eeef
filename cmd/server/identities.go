package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
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

// openIdentities opens who may sign requests, the root with the given keys, and applies
// the declarative file.
func openIdentities(c config, st *store.Store, log *slog.Logger, keys keyPair) (*identity.Registry, error) {
	sealing, err := folderKey(c, c.secretsKey, secretsKeyFile)
	if err != nil {
		return nil, fmt.Errorf("--secrets-key: %w", err)
	}
	o := owner()
	ctx := context.Background()
	reg, err := identity.Open(ctx, identity.Options{
		Rows: identityRows{st}, SecretsKey: sealing, Now: time.Now, Logger: log,
		Root: identity.RootCredential{
			Account:   policy.Principal{Account: o.Account, CanonicalID: o.CanonicalID, DisplayName: o.DisplayName},
			AccessKey: keys.Access, Secret: keys.Secret,
		},
	})
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
