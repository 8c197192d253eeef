package api

import (
	"encoding/json"
	"net/http"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
)

// policyEndpoints manage the policies of accounts and users, and explain decisions.
var policyEndpoints = []endpoint{
	{http.MethodGet, "/accounts/{account}/policies", "ListPolicies", "tombstone:ListPolicies", managed(listPolicies)},
	{http.MethodGet, "/accounts/{account}/policies/{policy}", "GetPolicy", "tombstone:GetPolicy", getPolicy},
	{http.MethodPut, "/accounts/{account}/policies/{policy}", "PutPolicy", "tombstone:PutPolicy", managed(putPolicy)},
	{http.MethodDelete, "/accounts/{account}/policies/{policy}", "DeletePolicy", "tombstone:DeletePolicy", managed(deletePolicy)},
	{http.MethodGet, "/accounts/{account}/users/{user}/policies", "ListUserPolicies", "tombstone:ListUserPolicies", managed(listUserPolicies)},
	{http.MethodPut, "/accounts/{account}/users/{user}/policies/{policy}", "PutUserPolicy", "tombstone:PutUserPolicy", managed(putUserPolicy)},
	{http.MethodDelete, "/accounts/{account}/users/{user}/policies/{policy}", "DeleteUserPolicy", "tombstone:DeleteUserPolicy", managed(deleteUserPolicy)},
	{http.MethodPut, "/accounts/{account}/users/{user}/attached/{policy}", "AttachUserPolicy", "tombstone:AttachUserPolicy", managed(attachPolicy)},
	{http.MethodDelete, "/accounts/{account}/users/{user}/attached/{policy}", "DetachUserPolicy", "tombstone:DetachUserPolicy", managed(detachPolicy)},
	{http.MethodPost, "/accounts/{account}/explain", "ExplainPolicy", "tombstone:ExplainPolicy", explainDecision},
}

// managedPolicy returns a policy that comes with the server.
func managedPolicy(name string) (AdminPolicy, bool) {
	d, ok := policy.Managed(name)
	if !ok {
		return AdminPolicy{}, false
	}
	return AdminPolicy{Name: name, Managed: true, Document: json.RawMessage(d.JSON())}, true
}

// listPolicies answers those that come with the server and those of the account.
func listPolicies(_ *exchange, reg *identity.Registry, v pathValues) (any, error) {
	all := []AdminPolicy{}
	for _, name := range policy.ManagedNames() {
		p, _ := managedPolicy(name)
		all = append(all, p)
	}
	own, err := reg.Policies(v["account"])
	return append(all, mapped(own, adminPolicy)...), err
}

func getPolicy(x *exchange, v pathValues) (any, error) {
	if p, ok := managedPolicy(v["policy"]); ok {
		return p, nil
	}
	reg, err := x.registry()
	if err != nil {
		return nil, err
	}
	own, err := reg.Policies(v["account"])
	if err != nil {
		return nil, err
	}
	for _, p := range own {
		if p.Name == v["policy"] {
			return adminPolicy(p), nil
		}
	}
	return nil, identity.ErrNoSuchPolicy
}

func putPolicy(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	return nil, reg.PutPolicy(x.Context(), x.by(), v["account"], v["policy"], x.document)
}

func deletePolicy(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	return nil, reg.DeletePolicy(x.Context(), x.by(), v["account"], v["policy"])
}

func listUserPolicies(_ *exchange, reg *identity.Registry, v pathValues) (any, error) {
	inline, attached, err := reg.UserPolicies(v["account"], v["user"])
	all := mapped(inline, adminPolicy)
	for _, name := range attached {
		p, _ := managedPolicy(name)
		p.Name, p.Attached = name, true
		all = append(all, p)
	}
	return all, err
}

func putUserPolicy(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	return nil, reg.PutUserPolicy(x.Context(), x.by(), v["account"], v["user"], v["policy"], x.document)
}

func deleteUserPolicy(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	return nil, reg.DeleteUserPolicy(x.Context(), x.by(), v["account"], v["user"], v["policy"])
}

func attachPolicy(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	return nil, reg.AttachPolicy(x.Context(), x.by(), v["account"], v["user"], v["policy"])
}

func detachPolicy(x *exchange, reg *identity.Registry, v pathValues) (any, error) {
	return nil, reg.DetachPolicy(x.Context(), x.by(), v["account"], v["user"], v["policy"])
}
