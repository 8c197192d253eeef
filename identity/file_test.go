package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/identity/identitytest"
)

const wholeFile = `
accounts:
  - id: 000000000000
    users:
      - name: ops
        attach: [auditor]
        keys:
          - {access-key: opskey, secret-key: opssecret, active: false}
  - id: "111122223333"
    name: Backup
    root-keys:
      - access-key: backuproot
        secret-key: backuprootsecret
    policies:
      - name: prefix
        document:
          Version: 2012-10-17
          Statement:
            - Sid: own
              Effect: Allow
              Action: [s3:GetObject, "s3:PutObject"]
              Resource: arn:aws:s3:::backup/*
              Condition: {Bool: {aws:SecureTransport: true}}
    users:
      - name: restic
        path: /backup/
        keys:
          - access-key: restickey
            secret-key: resticsecret
        attach: [prefix, auditor]
        inline:
          - name: own
            document: |
              {"Version": "2012-10-17",
               "Statement": [{"Effect": "Deny", "Action": "s3:DeleteObjectVersion", "Resource": "*"}]}
    mfa:
      - name: safe
        secret: gezd gnbv gy3t qojq gezd gnbv gy3t qojq
      - serial: GAHT12345678
        secret: GEZDGNBVGY3TQOJQ
`

func TestFile(t *testing.T) {
	rows := &identitytest.Rows{}
	r := open(t, rows)
	must(t, r.ApplyFile(t.Context(), []byte(wholeFile)))
	if n := len(rows.Saves()); n != 1 {
		t.Errorf("%d saves", n)
	}
	caller, ok := r.Caller("restickey")
	if !ok || caller.Principal.ARN() != "arn:aws:iam::111122223333:user/backup/restic" || names(caller) != "own auditor prefix" {
		t.Fatalf("caller %+v", caller)
	}
	document := string(caller.Policies[2].Document.JSON())
	if document != `{"Version":"2012-10-17","Statement":[{"Sid":"own","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],`+
		`"Resource":"arn:aws:s3:::backup/*","Condition":{"Bool":{"aws:SecureTransport":true}}}]}` {
		t.Errorf("document %s", document)
	}
	if _, ok := r.Credential("opskey"); ok {
		t.Error("a key that is not active")
	}
	if c, _ := r.Credential("backuproot"); c.Secret != "backuprootsecret" {
		t.Error("the root key is not there")
	}
	devices, err := r.Devices(other)
	must(t, err)
	if len(devices) != 2 || devices[0].Serial != "GAHT12345678" || devices[1].Serial != "arn:aws:iam::111122223333:mfa/safe" {
		t.Errorf("devices %+v", devices)
	}
	before := dump(t, r)
	must(t, r.Close(t.Context()))
	r = open(t, rows)
	must(t, r.ApplyFile(t.Context(), []byte(wholeFile)))
	if len(rows.Saves()) != 1 || dump(t, r) != before {
		t.Error("applying the file again after a start changed something")
	}
	must(t, r.ApplyFile(t.Context(), []byte("accounts: []")))
	if left := rows.Rows(); len(left) != 2 { // secrets, and the default account
		t.Errorf("left: %v", left)
	}
}

// What the file made goes when it is not listed any more; what others made stays.
func TestFileRemoves(t *testing.T) {
	r := open(t, &identitytest.Rows{})
	ctx := t.Context()
	must(t, r.ApplyFile(ctx, []byte(wholeFile)))
	made := mustKey(t, r, other, "restic")
	must(t, r.PutUserPolicy(ctx, by, other, "restic", "made", []byte(denyAll)))
	mustUser(t, r, home, "ann")
	must(t, r.AttachPolicy(ctx, by, home, "ops", "readonly"))

	less := `
accounts:
  - id: 000000000000
    users: [{name: ops}]
  - id: 111122223333
    root-keys: [{access-key: backuproot, secret-key: anothersecret}]
    users: [{name: restic, path: /elsewhere/}]
`
	must(t, r.ApplyFile(ctx, []byte(less)))
	for key, want := range map[string]bool{"restickey": false, "opskey": false, made.AccessKey: true, "backuproot": true} {
		if _, ok := r.Caller(key); ok != want {
			t.Errorf("key %s: %v", key, ok)
		}
	}
	if c, _ := r.Credential("backuproot"); c.Secret != "anothersecret" {
		t.Error("the secret was not replaced")
	}
	caller, _ := r.Caller(made.AccessKey)
	if names(caller) != "made" || caller.Principal.Path != "/elsewhere/" || caller.Principal.DisplayName != other {
		t.Errorf("caller %+v with %s", caller.Principal, names(caller))
	}
	if ops, _ := r.CallerOf(home, "ops"); names(ops) != "readonly" {
		t.Errorf("ops has %s", names(ops))
	}
	if devices, _ := r.Devices(other); len(devices) != 0 {
		t.Errorf("devices %v", devices)
	}

	must(t, r.ApplyFile(ctx, []byte("accounts: [{id: 111122223333, root-keys: [{access-key: backuproot, secret-key: anothersecret}]}]")))
	for _, account := range []string{home, other} {
		if users, _ := r.Users(account); slices.ContainsFunc(users, func(u identity.User) bool { return u.FromFile }) {
			t.Errorf("users %v", users)
		}
	}
	if ops, _ := r.CallerOf(home, "ops"); ops == nil || names(ops) != "readonly" {
		t.Errorf("ops is %+v", ops)
	}
	if caller, _ := r.Caller(made.AccessKey); caller == nil || names(caller) != "made" || caller.Principal.User != "restic" {
		t.Errorf("caller %+v", caller)
	}
}

// An account that the file does not list any more stays, with an error, while others' users live in it.
func TestFileLeavesUsersOfOthers(t *testing.T) {
	r := open(t, &identitytest.Rows{})
	must(t, r.ApplyFile(t.Context(), []byte(wholeFile)))
	mustUser(t, r, other, "ann")
	before := dump(t, r)
	err := r.ApplyFile(t.Context(), []byte("accounts: []"))
	want(t, "users of others", err, identity.ErrInUse)
	if !strings.Contains(err.Error(), "such as user ann") || dump(t, r) != before {
		t.Errorf("%v", err)
	}
}

// The file gives what it lists its content, moves its own keys and devices, and takes none from others.
func TestFileTakesOver(t *testing.T) {
	rows := &identitytest.Rows{}
	r := populated(t, rows)
	made, err := r.User(other, "bob")
	must(t, err)
	file := `
accounts:
  - id: 111122223333
    root-keys: [{access-key: fileroot, secret-key: filerootsecret}]
    users:
      - name: bob
        path: /team/
        keys: [{access-key: bobkey, secret-key: bobsecret}, {access-key: moving, secret-key: movingsecret}]
        attach: [kept]
        inline: [{name: own, document: ` + "'" + allowAll + "'" + `}]
    policies: [{name: kept, document: ` + "'" + allowAll + "'" + `}]
`
	must(t, r.ApplyFile(t.Context(), []byte(file)))
	if u, _ := r.User(other, "bob"); u.ID != made.ID || u.FromFile || u.Path != "/team/" {
		t.Errorf("user %+v", u)
	}
	must(t, r.ApplyFile(t.Context(), []byte(file)))
	moved := strings.Replace(file, ", {access-key: moving, secret-key: movingsecret}", "", 1) +
		"  - {id: 000000000000, users: [{name: ops, keys: [{access-key: moving, secret-key: movingsecret}]}]}\n"
	must(t, r.ApplyFile(t.Context(), []byte(moved)))
	if c, _ := r.Caller("moving"); c == nil || c.Principal.User != "ops" {
		t.Errorf("the key is that of %+v", c)
	}
	if keys, _ := r.Keys(other, "bob"); len(keys) != 1 {
		t.Errorf("bob has %v", keys)
	}
	after := dump(t, r)
	must(t, r.Close(t.Context()))
	if again := dump(t, open(t, rows)); again != after {
		t.Errorf("a start made\n%sof\n%s", again, after)
	}
}

// Each mistake is named by its line, and none shows a secret.
func TestFileMistakes(t *testing.T) {
	const account = "accounts:\n  - id: 111122223333\n    root-keys: [{access-key: fileroot, secret-key: filerootsecret}]\n"
	for _, c := range []struct {
		file string
		line int
		text string
		want error
	}{
		{"", 0, "the file is empty", identity.ErrInvalid},
		{"# nothing\n", 0, "the file is empty", identity.ErrInvalid},
		{"accounts: []\n---\naccounts: []", 0, "more than one document", identity.ErrInvalid},
		{"accounts: [", 0, "", identity.ErrInvalid},
		{"- accounts", 1, "\"key: value\" is expected", identity.ErrInvalid},
		{"accounts: {}", 1, "a list is expected", identity.ErrInvalid},
		{"users: []", 1, "unknown key; there may be accounts", identity.ErrInvalid},
		{"{}", 1, "accounts is missing", identity.ErrInvalid},
		{account + "    user: []\n", 4, "unknown key; there may be id, name,", identity.ErrInvalid},
		{account + "    users: []\n    users: []\n", 5, "users is given twice", identity.ErrInvalid},
		{account + "    users:\n      - path: /\n", 5, "name is missing", identity.ErrInvalid},
		{account + "    users:\n      - name: [a]\n", 5, "a text is expected", identity.ErrInvalid},
		{account + "    users:\n      - name: !x a\n", 5, "a text is expected", identity.ErrInvalid},
		{account + "    users:\n      - name:\n", 5, "a text is expected", identity.ErrInvalid},
		{account + "    users:\n      - name: a b\n", 5, "user name", identity.ErrInvalid},
		{account + "    users:\n      - &a {name: a}\n      - *a\n", 6, "aliases are not followed", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        attach:\n          - none\n", 7, "policy does not exist", identity.ErrNoSuchPolicy},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: a/b, secret-key: hushhush}\n", 7, "access key", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: abc, secret-key: hush}\n", 7, "secret key", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: abc, secret-key: [hushhush]}\n", 7, "a text is expected", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: abc, secret-key: hushhush, active: hush}\n", 7, "true or false", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: rootkey, secret-key: hushhush}\n", 7, "the root of 000000000000", identity.ErrExists},
		{account + "    mfa:\n      - name: phone\n        secret: hush hush\n", 5, "device secret", identity.ErrInvalid},
		{account + "    mfa:\n      - name: phone\n        serial: phone1234\n        secret: GEZDGNBVGY3TQOJQ\n", 5, "either a name or a serial", identity.ErrInvalid},
		{account + "    mfa:\n      - serial: arn:aws:iam::000000000000:mfa/x\n        secret: GEZDGNBVGY3TQOJQ\n", 5, "serial", identity.ErrInvalid},
		{account + "    policies:\n      - name: auditor\n        document: {Version: 2012-10-17, Statement: []}\n", 0, "", nil},
		{account + "    policies:\n      - name: p\n        document: [1]\n", 6, "a policy is expected", identity.ErrInvalid},
		{account + "    policies:\n      - name: p\n        document: {a: {*b : 1}}\n", 0, "", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: abc, secret-key: *hushhush}\n", 0, "in quotes", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: abc, secret-key: !!int hushhush, active: !!bool hush}\n", 7, "true or false", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: abc, secret-key: hush%hush, <<: hush}\n", 7, "unknown key", identity.ErrInvalid},
		{account + "  - {id: 111122223333}\n", 4, "account/111122223333 is listed twice", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        keys:\n          - {access-key: fileroot, secret-key: hushhush}\n", 7, "listed twice", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n      - name: a\n", 6, "listed twice", identity.ErrInvalid},
		{account + "    users:\n      - name: a\n        attach: [auditor, auditor]\n", 6, "listed twice", identity.ErrInvalid},
		{"accounts:\n  - id: 111122223333\n", 2, "has no root-keys", identity.ErrLastRoot},
		{"accounts:\n  - id: 12\n", 2, "12 digits", identity.ErrInvalid},
		{"accounts:\n  - id: 000000000000\n    name: mine\n", 2, "comes from the configuration", identity.ErrInvalid},
		{"accounts:\n  - id: 000000000000\n    canonical-id: mine\n", 2, "never changes", identity.ErrInvalid},
	} {
		rows := &identitytest.Rows{}
		r := open(t, rows)
		err := r.ApplyFile(t.Context(), []byte(c.file))
		if err == nil || len(rows.Saves()) > 0 {
			t.Errorf("%q was applied", c.file)
			continue
		}
		var at *identity.FileError
		if c.text != "" && (!errors.As(err, &at) || at.Line != c.line) || !strings.Contains(err.Error(), c.text) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%q: %v", c.file, err)
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("a secret in %q", err)
		}
	}
}

// A mistake in a policy is named by its line in the file, however the policy is written.
func TestFilePolicyLines(t *testing.T) {
	const head = "accounts:\n  - id: 000000000000\n    policies:\n      - name: p\n        document: "
	for name, c := range map[string]struct {
		document string
		line     int
	}{
		"mapping": {"\n          Version: 2012-10-17\n          Statement:\n            - Effect: Allow\n              Action: s3:*\n              Resource: \"*\"\n" +
			"            - Effect: Maybe\n              Action: s3:*\n              Resource: \"*\"\n", 11},
		"flow": {"{Version: 2012-10-17, Statement: [{Effect: Maybe, Action: 's3:*', Resource: '*'}]}\n", 5},
		"text": {"|\n          {\"Version\": \"2012-10-17\",\n           \"Statement\": [{\"Effect\": \"Maybe\",\n           \"Action\": \"s3:*\", \"Resource\": \"*\"}]}\n", 7},
		"line": {"'{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Maybe\", \"Action\": \"s3:*\", \"Resource\": \"*\"}]}'\n", 5},
	} {
		r := open(t, &identitytest.Rows{})
		err := r.ApplyFile(t.Context(), []byte(head+c.document))
		var at *identity.FileError
		var syntax *policy.SyntaxError
		if !errors.As(err, &at) || !errors.As(err, &syntax) || at.Line != c.line {
			t.Errorf("%s: %v, want line %d", name, err, c.line)
		}
	}
}
