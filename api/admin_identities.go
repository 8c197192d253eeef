package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
)

// identityEndpoints manage accounts and what belongs to them.
var identityEndpoints = []endpoint{
	{http.MethodGet, "/accounts", "ListAccounts", "tombstone:ListAccounts", managed(listAccounts)},
	{http.MethodPost, "/accounts", "CreateAccount", "tombstone:CreateAccount", managed(createAccount)},
	{http.MethodDelete, "/accounts/{account}", "DeleteAccount", "tombstone:DeleteAccount", managed(deleteAccount)},
	{http.MethodGet, "/accounts/{account}/users", "ListUsers", "tombstone:ListUsers", managed(listUsers)},
	{http.MethodPost, "/accounts/{account}/users", "CreateUser", "tombstone:CreateUser", managed(createUser)},
	{http.MethodDelete, "/accounts/{account}/users/{user}", "DeleteUser", "tombstone:DeleteUser", managed(deleteUser)},
	{http.MethodGet, "/accounts/{account}/keys", "ListAccessKeys", "tombstone:ListAccessKeys", managed(listKeys)},
	{http.MethodPost, "/accounts/{account}/keys", "CreateAccessKey", "tombstone:CreateAccessKey", managed(createKey)},
	{http.MethodPut, "/accounts/{account}/keys/{key}", "UpdateAccessKey", "tombstone:UpdateAccessKey", managed(updateKey)},
	{http.MethodDelete, "/accounts/{account}/keys/{key}", "DeleteAccessKey", "tombstone:DeleteAccessKey", managed(deleteKey)},
	{http.MethodGet, "/accounts/{account}/devices", "ListMFADevices", "tombstone:ListMFADevices", managed(listDevices)},
	{http.MethodPost, "/accounts/{account}/devices", "EnrollMFADevice", "tombstone:EnrollMFADevice", managed(enrollDevice)},
	{http.MethodDelete, "/accounts/{account}/devices/{serial}", "RemoveMFADevice", "tombstone:RemoveMFADevice", managed(removeDevice)},
}

func listAccounts(_ *exchange, reg *identity.Registry, _ pathValues) (any, error) {
	return mapped(reg.Accounts(), adminAccount), nil
}

func createAccount(x *exchange, reg *identity.Registry, _ pathValues) (any, error) {
	var in AdminAccount
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	a, key, err := reg.CreateAccount(x.Context(), x.by(), identity.AccountSpec{
		ID: in.ID, CanonicalID: in.CanonicalID, DisplayName: in.DisplayName,
	})
	if err != nil {
		return nil, err
	}
	made := adminAccount(a)
	root := adminKey(key.Key)
	root.Secret = key.Secret.Reveal()
	made.Root = &root
	return made, nil
}

// deleteAccount removes an account with all that belongs to it, its root too, so that
// roots alone may; but not one that owns buckets: nobody could delete them any more.
func deleteAccount(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	if err := x.rootOnly(v["account"]); err != nil {
		return nil, err
	}
	q := store.BucketQuery{}
	for more := true; more; {
		var page []store.Bucket
		var err error
		if page, more, err = x.h.store.Buckets(x.Context(), q); err != nil {
			return nil, err
		}
		for i := range page {
			if page[i].Owner.Account == v["account"] {
				return nil, refuseWith("DeleteConflict", "The account owns the bucket "+page[i].Name+".")
			}
			q.After = page[i].Name
		}
	}
	return nil, reg.DeleteAccount(x.Context(), x.by(), v["account"], true)
}

func listUsers(_ *exchange, reg *identity.Registry, v pathValues) (any, error) {
	all, err := reg.Users(v["account"])
	return mapped(all, adminUser), err
}

func createUser(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	var in AdminUser
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	u, err := reg.CreateUser(x.Context(), x.by(), identity.UserSpec{Account: v["account"], Name: in.Name, Path: in.Path})
	return adminUser(u), err
}

func deleteUser(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	return nil, reg.DeleteUser(x.Context(), x.by(), v["account"], v["user"], true)
}

// listKeys answers the keys of the root and of all users.
func listKeys(_ *exchange, reg *identity.Registry, v pathValues) (any, error) {
	users, err := reg.Users(v["account"])
	if err != nil {
		return nil, err
	}
	owners := []string{""} // the root
	for i := range users {
		owners = append(owners, users[i].Name)
	}
	all := []AdminKey{}
	for _, user := range owners {
		keys, err := reg.Keys(v["account"], user)
		if err != nil {
			return nil, err
		}
		all = append(all, mapped(keys, adminKey)...)
	}
	return all, nil
}

func createKey(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	var in AdminKey
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	if err := x.mayHandle(v["account"], in.User); err != nil {
		return nil, err
	}
	key, err := reg.CreateKey(x.Context(), x.by(), identity.KeySpec{
		Account: v["account"], User: in.User, AccessKey: in.AccessKey, Secret: in.Secret,
	})
	made := adminKey(key.Key)
	made.Secret = key.Secret.Reveal()
	return made, err
}

// checkKey refuses a key in the path that the account in the path has not, or that the
// caller may not handle.
func (x *exchange) checkKey(reg *identity.Registry, v pathValues) error {
	key, err := reg.Key(v["key"])
	if err == nil && key.Account != v["account"] {
		err = identity.ErrNoSuchKey
	}
	if err == nil {
		err = x.mayHandle(key.Account, key.User)
	}
	return err
}

// mayHandle refuses users the keys of a root: a user who may manage keys could hand
// themselves one, and be bound by no policy any more.
func (x *exchange) mayHandle(account, user string) error {
	if user != "" {
		return nil
	}
	return x.rootOnly(account)
}

func updateKey(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	if err := x.checkKey(reg, v); err != nil {
		return nil, err
	}
	var in AdminKeyStatus
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	if in.Active == nil {
		return nil, refuseWith("ValidationError", "active: it has to be true or false")
	}
	return nil, reg.SetKeyActive(x.Context(), x.by(), v["key"], *in.Active)
}

func deleteKey(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	if err := x.checkKey(reg, v); err != nil {
		return nil, err
	}
	return nil, reg.DeleteKey(x.Context(), x.by(), v["key"])
}

func listDevices(_ *exchange, reg *identity.Registry, v pathValues) (any, error) {
	all, err := reg.Devices(v["account"])
	return mapped(all, adminDevice), err
}

// enrollDevice makes a device. It belongs to the root of the account, so that a user who
// may manage devices could hand themselves the root's second factor: the root alone may,
// besides the account that the server belongs to.
func enrollDevice(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	if err := x.rootOnly(v["account"]); err != nil {
		return nil, err
	}
	var in AdminDevice
	if err := x.readJSON(&in); err != nil {
		return nil, err
	}
	if err := x.confirmDevices(reg, v["account"]); err != nil {
		return nil, err
	}
	made, err := reg.EnrollMFA(x.Context(), x.by(), v["account"], in.Name)
	out := adminDevice(made.Device)
	out.Secret, out.URL = made.Secret.Reveal(), made.URL.Reveal()
	return out, err
}

func removeDevice(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	if err := x.rootOnly(v["account"]); err != nil {
		return nil, err
	}
	if err := x.confirmDevices(reg, v["account"]); err != nil {
		return nil, err
	}
	return nil, reg.RemoveMFA(x.Context(), x.by(), v["account"], v["serial"])
}

// rootOnly refuses everybody but the root of an account and the root of that which the
// server belongs to.
func (x *exchange) rootOnly(account string) error {
	p := &x.caller.Principal
	if p.Root() && (p.Account == account || p.Account == x.h.root.Principal.Account) {
		return nil
	}
	return refuseWith("AccessDenied", "This operation may only be performed by the root of the account")
}

// callerOf returns what somebody would be as a caller.
func (x *exchange) callerOf(account, user string) (*identity.Caller, error) {
	reg, err := x.registry()
	if err == nil {
		return reg.CallerOf(account, user)
	}
	p := &x.h.root.Principal
	if account != p.Account || user != "" {
		return nil, identity.ErrNoSuchAccount
	}
	return &x.h.root, nil
}

// mapped returns what each of list is made into; empty, not nil, for none.
func mapped[A, B any](list []A, shown func(A) B) []B {
	out := []B{}
	for _, item := range list {
		out = append(out, shown(item))
	}
	return out
}
