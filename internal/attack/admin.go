package attack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed61737384/tombstone/auth/policy"
)

// actionOf is what policies call an endpoint whose name is another one.
var actionOf = map[string]string{"ExportLedger": "ReadLedger"}

// admin judges a request to one of the server's own endpoints. The account that the server
// belongs to may everywhere, others with what is theirs; users as their policies say.
func (o *oracle) admin() outcome {
	op := o.op
	shaped := shapes[op.Kind].own
	action := op.Kind
	if other, ok := actionOf[action]; ok {
		action = other
	}
	account, of := op.Account, about{}
	if strings.Contains(shaped, "{bucket}") {
		b := o.state.Buckets[op.Bucket]
		if b == nil {
			return refuse("there is no such bucket")
		}
		if account = b.Owner.Account; o.who.Account == account {
			of.bucket = b
		}
	}
	serves := o.who.Account == accounts[0]
	switch {
	case o.who.Account == "":
		return refuse("nobody may")
	case !serves && account != o.who.Account:
		return refuse("the account is another one")
	case !o.may("tombstone:"+action, of):
		return refuse("tombstone:%s is not allowed", action)
	}
	if op.Account != "" && o.state.Accounts[op.Account] == nil && op.Kind != "CreateAccount" {
		return outcome{open: true} // there is none: nothing can be done, whatever is answered
	}
	if judge := adminJudges[op.Kind]; judge != nil {
		return judge(o, o.state.Accounts[op.Account])
	}
	return outcome{open: true} // a question, whose answer changes nothing
}

// isRoot reports whether the caller is the root of an account, or that of the server.
func (o *oracle) isRoot(account string) bool {
	return o.who.User == "" && (o.who.Account == account || o.who.Account == accounts[0])
}

// adminJudges are the judges of endpoints that change something.
var adminJudges = map[string]func(*oracle, *Account) outcome{
	"CreateAccount": (*oracle).createAccount, "DeleteAccount": (*oracle).deleteAccount,
	"CreateUser": (*oracle).createUser, "DeleteUser": (*oracle).deleteUser,
	"CreateAccessKey": (*oracle).createKey, "UpdateAccessKey": (*oracle).changeKey, "DeleteAccessKey": (*oracle).changeKey,
	"EnrollMFADevice": (*oracle).enroll, "RemoveMFADevice": (*oracle).removeDevice,
	"PutPolicy": (*oracle).putAccountPolicy, "DeletePolicy": (*oracle).deleteAccountPolicy,
	"PutUserPolicy": (*oracle).changeUser, "DeleteUserPolicy": (*oracle).changeUser,
	"AttachUserPolicy": (*oracle).changeUser, "DetachUserPolicy": (*oracle).changeUser,
	"AcceptClockStep": (*oracle).acceptStep,
}

func (o *oracle) createAccount(*Account) outcome {
	if o.state.Accounts[o.op.Name] != nil {
		return refuse("there is one")
	}
	return outcome{effects: []effect{
		{name: "account " + o.op.Name, check: func(string) bool { return true }},
		{name: "key ", value: keyFact(o.op.Name, "", true), made: true},
	}}
}

func (o *oracle) deleteAccount(a *Account) outcome {
	if !o.isRoot(a.ID) {
		return refuse("that takes the root with it")
	}
	for _, b := range o.state.Buckets {
		if b.Owner.Account == a.ID {
			return refuse("the account owns %s", b.Name)
		}
	}
	if a.ID == accounts[0] {
		return refuse("the server belongs to it")
	}
	effects := []effect{{name: "account " + a.ID, removed: true}}
	gone := func(format string, args ...any) {
		effects = append(effects, effect{name: fmt.Sprintf(format, args...), removed: true})
	}
	for id, k := range o.state.Keys {
		if k.Account == a.ID {
			gone("key %s", id)
		}
	}
	for name := range a.Policies {
		gone("policy %s %s", a.ID, name)
	}
	for _, serial := range a.Devices {
		gone("device %s", serial)
	}
	for _, u := range a.Users {
		effects = append(effects, u.gone()...)
	}
	return outcome{effects: effects}
}

// gone is what goes with a user, but for keys.
func (u *User) gone() []effect {
	f := facts{}
	u.addTo(f, u.Account+" "+u.Name)
	var effects []effect
	for name := range f {
		effects = append(effects, effect{name: name, removed: true})
	}
	return effects
}

func (o *oracle) createUser(a *Account) outcome {
	if a.Users[o.op.User] != nil {
		return refuse("there is one")
	}
	return outcome{effects: []effect{{name: "user " + a.ID + " " + o.op.User, value: "/"}}}
}

func (o *oracle) deleteUser(a *Account) outcome {
	u := a.Users[o.op.User]
	if u == nil {
		return refuse("there is none")
	}
	effects := u.gone()
	for id, k := range o.state.Keys {
		if k.Account == a.ID && k.User == u.Name {
			effects = append(effects, effect{name: "key " + id, removed: true})
		}
	}
	return outcome{effects: effects}
}

// keyLimit is how many keys a user or root has at most.
const keyLimit = 16

func (o *oracle) createKey(a *Account) outcome {
	switch {
	case o.op.User == "" && !o.isRoot(a.ID):
		return refuse("keys of a root are the root's")
	case o.op.User != "" && a.Users[o.op.User] == nil:
		return refuse("there is no such user")
	case o.state.Keys[o.op.Name].AccessKey != "":
		return refuse("there is one")
	case o.keysOf(a.ID, o.op.User) >= keyLimit:
		return refuse("there are enough")
	}
	return outcome{effects: []effect{{name: "key " + o.op.Name, value: keyFact(a.ID, o.op.User, true)}}}
}

func (o *oracle) keysOf(account, user string) int {
	n := 0
	for _, k := range o.state.Keys {
		if k.Account == account && k.User == user {
			n++
		}
	}
	return n
}

// changeKey judges UpdateAccessKey and DeleteAccessKey.
func (o *oracle) changeKey(a *Account) outcome {
	k := o.state.Keys[o.op.Name]
	switch {
	case k.Account != a.ID:
		return refuse("the account has no such key")
	case k.User == "" && !o.isRoot(a.ID):
		return refuse("keys of a root are the root's")
	case k.Configured:
		return refuse("the key is in the configuration")
	}
	e := effect{name: "key " + o.op.Name, value: keyFact(k.Account, k.User, strings.Contains(o.op.Body, "true"))}
	if o.op.Kind == "DeleteAccessKey" {
		e.removed = true
		if k.User == "" && o.keysOf(a.ID, "") == 1 && a.ID != accounts[0] {
			return refuse("it is the last one of the root")
		}
	}
	return outcome{effects: []effect{e}}
}

// confirmed judges what the root of an account may, if that has devices with a code of one.
func (o *oracle) confirmed(a *Account, out outcome) outcome {
	switch {
	case !o.isRoot(a.ID):
		return refuse("devices are the root's")
	case len(a.Devices) == 0:
		return out
	case o.op.Token == nil:
		out.refused = "a token is needed at an endpoint"
		return out
	case !o.op.Secure:
		out.refused = "tokens come over TLS"
		return out
	}
	return out.with(o.spend(a.ID))
}

func (o *oracle) enroll(a *Account) outcome {
	serial := "arn:aws:iam::" + a.ID + ":mfa/" + o.op.Name
	out := outcome{effects: []effect{{name: "device " + serial, value: a.ID}}}
	switch {
	case slices.Contains(a.Devices, serial):
		out = refuse("there is one")
	case len(a.Devices) >= 8:
		out = refuse("there are enough")
	}
	return o.confirmed(a, out)
}

func (o *oracle) removeDevice(a *Account) outcome {
	out := outcome{effects: []effect{{name: "device " + o.op.Name, removed: true}}}
	if !slices.Contains(a.Devices, o.op.Name) {
		out = refuse("there is none")
	}
	return o.confirmed(a, out)
}

func (o *oracle) putAccountPolicy(a *Account) outcome {
	if _, managed := policy.Managed(o.op.Name); managed {
		return refuse("it is built in")
	}
	return outcome{effects: []effect{{name: "policy " + a.ID + " " + o.op.Name, value: o.op.Body}}}
}

func (o *oracle) deleteAccountPolicy(a *Account) outcome {
	if _, there := a.Policies[o.op.Name]; !there {
		return refuse("there is none")
	}
	for _, u := range a.Users {
		if slices.Contains(u.Attached, o.op.Name) {
			return refuse("it is attached to %s", u.Name)
		}
	}
	return outcome{effects: []effect{{name: "policy " + a.ID + " " + o.op.Name, removed: true}}}
}

// changeUser judges changes of the policies of a user.
func (o *oracle) changeUser(a *Account) outcome {
	u := a.Users[o.op.User]
	if u == nil {
		return refuse("there is no such user")
	}
	_, inline := u.Inline[o.op.Name]
	_, managed := policy.Managed(o.op.Name)
	_, kept := a.Policies[o.op.Name]
	attached := slices.Contains(u.Attached, o.op.Name)
	fact := effect{name: fmt.Sprintf("%s %s %s %s", "inline", a.ID, u.Name, o.op.Name), value: o.op.Body}
	if strings.HasSuffix(o.op.Kind, "tachUserPolicy") {
		fact.name, fact.value = fmt.Sprintf("%s %s %s %s", "attached", a.ID, u.Name, o.op.Name), ""
	}
	fact.removed = o.op.Kind == "DeleteUserPolicy" || o.op.Kind == "DetachUserPolicy"
	switch {
	case o.op.Kind == "DeleteUserPolicy" && !inline, o.op.Kind == "DetachUserPolicy" && !attached:
		return refuse("the user has none")
	case o.op.Kind == "AttachUserPolicy" && !managed && !kept:
		return refuse("there is no such policy")
	}
	return outcome{effects: []effect{fact}}
}

// acceptStep lets locks end by a step of the clock: the root of the server's account may, with
// a code if it has a device.
func (o *oracle) acceptStep(*Account) outcome {
	if !o.isRoot(accounts[0]) {
		return refuse("the clock is the root's of the server")
	}
	return o.confirmed(o.state.Accounts[accounts[0]], outcome{})
}
