package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed61737384/tombstone/api"
)

// accountActions are those of "tombstone account".
func accountActions() []action {
	return []action{
		{verb: "list", help: "the accounts", run: listAccounts},
		{verb: "create", args: "NAME", flags: []string{"id"}, help: "a new account with a root key, shown once", run: createAccount},
		{verb: "delete", args: "ID", help: "remove an account that owns no bucket, with all that belongs to it", run: deletePath("/accounts/%s")},
	}
}

// userActions are those of "tombstone user".
func userActions() []action {
	return []action{
		{verb: "list", args: "ACCOUNT", help: "the users of an account", run: listUsers},
		{verb: "create", args: "ACCOUNT NAME", flags: []string{"path"}, help: "a new user, who may do nothing yet", run: createUser},
		{verb: "delete", args: "ACCOUNT NAME", help: "remove a user with keys and policies", run: deletePath("/accounts/%s/users/%s")},
	}
}

// keyActions are those of "tombstone key".
func keyActions() []action {
	return []action{
		{verb: "list", args: "ACCOUNT", help: "the access keys of an account", run: listKeys},
		{verb: "create", args: "ACCOUNT [USER]", flags: []string{"root?"},
			help: "a new access key of a user, or with --root of the root, which may do everything; its secret is shown once", run: createKey},
		{verb: "enable", args: "ACCOUNT KEY", help: "let a key sign again", run: setKey(true)},
		{verb: "disable", args: "ACCOUNT KEY", help: "let a key sign nothing", run: setKey(false)},
		{verb: "delete", args: "ACCOUNT KEY", help: "remove a key", run: deletePath("/accounts/%s/keys/%s")},
	}
}

func listAccounts(ctx context.Context, r *remote) error {
	var all []api.AdminAccount
	if err := r.call(ctx, http.MethodGet, "/accounts", nil, nil, &all); err != nil {
		return err
	}
	rows := [][]string{{"ID", "NAME", "CREATED", "CANONICAL ID"}}
	for _, a := range all {
		rows = append(rows, []string{a.ID, a.DisplayName, showTime(a.Created), a.CanonicalID})
	}
	return r.table(all, rows)
}

func createAccount(ctx context.Context, r *remote) error {
	var made api.AdminAccount
	in := api.AdminAccount{ID: r.given["id"], DisplayName: r.arg(0)}
	if err := r.call(ctx, http.MethodPost, "/accounts", nil, in, &made); err != nil {
		return err
	}
	if made.Root == nil {
		return errors.New("the answer of the server has no root key")
	}
	return r.say(made, "account     %s\naccess key  %s\nsecret key  %s  (shown once)", made.ID, made.Root.AccessKey, made.Root.Secret)
}

func listUsers(ctx context.Context, r *remote) error {
	var all []api.AdminUser
	if err := r.call(ctx, http.MethodGet, below("/accounts/%s/users", r.rest...), nil, nil, &all); err != nil {
		return err
	}
	rows := [][]string{{"NAME", "ARN", "CREATED"}}
	for _, u := range all {
		rows = append(rows, []string{u.Name, u.ARN, showTime(u.Created)})
	}
	return r.table(all, rows)
}

func createUser(ctx context.Context, r *remote) error {
	var made api.AdminUser
	in := api.AdminUser{Name: r.arg(1), Path: r.given["path"]}
	if err := r.call(ctx, http.MethodPost, below("/accounts/%s/users", r.arg(0)), nil, in, &made); err != nil {
		return err
	}
	return r.say(made, "user %s", made.ARN)
}

func listKeys(ctx context.Context, r *remote) error {
	var all []api.AdminKey
	if err := r.call(ctx, http.MethodGet, below("/accounts/%s/keys", r.arg(0)), nil, nil, &all); err != nil {
		return err
	}
	rows := [][]string{{"ACCESS KEY", "USER", "STATUS", "CREATED", "LAST USED"}}
	for _, k := range all {
		status, user := "inactive", k.User
		if k.Active {
			status = "active"
		}
		if user == "" {
			user = "(root)"
		}
		rows = append(rows, []string{k.AccessKey, user, status, showTime(k.Created), showTime(k.LastUsed)})
	}
	return r.table(all, rows)
}

func createKey(ctx context.Context, r *remote) error {
	user, root := r.arg(1), r.on("root")
	switch {
	case user == "" && !root:
		return errors.New("key create: whose key? Name a user, or say --root for a key of the root, which may do everything")
	case user != "" && root:
		return errors.New("key create: a user is named and --root is set; a key is of one of them")
	}
	var made api.AdminKey
	in := api.AdminKey{User: user}
	if err := r.call(ctx, http.MethodPost, below("/accounts/%s/keys", r.arg(0)), nil, in, &made); err != nil {
		return err
	}
	whose := "user " + user
	if root {
		whose = "the root, which may do everything"
	}
	return r.say(made, "access key  %s\nsecret key  %s  (shown once)\nkey of      %s", made.AccessKey, made.Secret, whose)
}

func setKey(active bool) func(context.Context, *remote) error {
	return func(ctx context.Context, r *remote) error {
		in := api.AdminKeyStatus{Active: &active}
		return r.call(ctx, http.MethodPut, below("/accounts/%s/keys/%s", r.rest...), nil, in, nil)
	}
}
