package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a declarative file, bytes. A larger one is something else.
const maxFile = 64 << 20

// declaration is what a declarative file says, each part with the line where it begins.
type declaration struct{ accounts []declaredAccount }

type declaredAccount struct {
	line                int
	id, name, canonical string
	keys                []declaredKey
	policies            []declaredPolicy
	users               []declaredUser
	devices             []declaredDevice
}

type declaredKey struct {
	line      int
	accessKey string
	secret    Secret
	active    *bool // nil: it is not said
}

type declaredPolicy struct {
	line int
	name string
	json []byte
}

type declaredUser struct {
	line       int
	name, path string
	keys       []declaredKey
	attach     []declaredText
	inline     []declaredPolicy
}

type declaredDevice struct {
	line         int
	name, serial string
	secret       Secret
}

type declaredText struct {
	line int
	text string
}

// serialIn is the serial of a device of an account.
func (d declaredDevice) serialIn(account string) string {
	if d.serial != "" {
		return d.serial
	}
	return deviceARN(account, d.name)
}

// parseFile reads a declarative file. It sees to its form and its policies; declare methods see to the rest.
func parseFile(data []byte) (*declaration, error) {
	if len(data) > maxFile {
		return nil, &FileError{Err: fmt.Errorf("%w: the file is longer than %d bytes", ErrInvalid, maxFile)}
	}
	documents := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := documents.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, wrong(nil, "the file is empty; to declare nothing write: accounts: []")
	case err != nil && strings.Contains(err.Error(), "anchor"):
		// The parser's error shows the text, which may be a secret that begins with *.
		return nil, wrong(nil, "aliases are not followed; a text that begins with * has to stand in quotes")
	case err != nil:
		return nil, wrong(nil, "%w", err)
	}
	if err := documents.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, wrong(nil, "the file has more than one document")
	}
	d := &declaration{}
	err := readMapping(document.Content[0], []member{{"accounts", true, list(&d.accounts, readAccount)}})
	return d, err
}

func readAccount(n *yaml.Node) (a declaredAccount, err error) {
	a.line = n.Line
	err = readMapping(n, []member{
		{"id", true, text(&a.id)},
		{"name", false, text(&a.name)},
		{"canonical-id", false, text(&a.canonical)},
		{"root-keys", false, list(&a.keys, readKey)},
		{"policies", false, list(&a.policies, readPolicy)},
		{"users", false, list(&a.users, readUser)},
		{"mfa", false, list(&a.devices, readDevice)},
	})
	return a, err
}

func readKey(n *yaml.Node) (k declaredKey, err error) {
	k.line = n.Line
	err = readMapping(n, []member{
		{"access-key", true, text(&k.accessKey)},
		{"secret-key", true, secret(&k.secret)},
		{"active", false, func(n *yaml.Node) error {
			k.active = new(bool)
			return flag(k.active)(n)
		}},
	})
	return k, err
}

func readUser(n *yaml.Node) (u declaredUser, err error) {
	u.line = n.Line
	err = readMapping(n, []member{
		{"name", true, text(&u.name)},
		{"path", false, text(&u.path)},
		{"keys", false, list(&u.keys, readKey)},
		{"attach", false, list(&u.attach, readText)},
		{"inline", false, list(&u.inline, readPolicy)},
	})
	return u, err
}

func readDevice(n *yaml.Node) (d declaredDevice, err error) {
	d.line = n.Line
	err = readMapping(n, []member{
		{"name", false, text(&d.name)},
		{"serial", false, text(&d.serial)},
		{"secret", true, secret(&d.secret)},
	})
	if err == nil && (d.name == "") == (d.serial == "") {
		err = wrong(n, "a device has either a name or a serial")
	}
	return d, err
}

func readPolicy(n *yaml.Node) (p declaredPolicy, err error) {
	p.line = n.Line
	err = readMapping(n, []member{
		{"name", true, text(&p.name)},
		{"document", true, func(n *yaml.Node) (err error) { p.json, err = readDocument(n); return err }},
	})
	return p, err
}

func readText(n *yaml.Node) (t declaredText, err error) {
	t.line = n.Line
	return t, text(&t.text)(n)
}
