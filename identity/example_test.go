package identity_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
)

// A user of the default account who may write backups, and nothing destroys.
func ExampleRegistry_ApplyFile() {
	ctx := context.Background()
	registry, err := identity.Open(ctx, identity.Options{
		Rows:       &identitytest.Rows{}, // the store, in a server
		SecretsKey: [32]byte{1},
		Now:        time.Now,
		Root: identity.RootCredential{
			Account:   policy.Principal{Account: "000000000000"},
			AccessKey: "root", Secret: "a long secret",
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close(ctx)

	err = registry.ApplyFile(ctx, []byte(`
accounts:
  - id: "000000000000"
    users:
      - name: restic
        attach: [backup-writer]
        keys:
          - access-key: restic
            secret-key: another long secret
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	caller, _ := registry.Caller("restic")
	fmt.Println(caller.Principal.ARN(), caller.Policies[0].Name)
	// Output: arn:aws:iam::000000000000:user/restic backup-writer
}
