package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
)

// One of versitygw's users has one name, the access key. In S3 it is a canonical id in
// ACLs and answers, the id of an account in x-amz-expected-bucket-owner, and an ARN or
// the id of an account in policies. The names of users that the suite made are changed
// on their way to the server and back; those that nobody has are left as they are.
// Grants in headers are written as S3 takes them, id="...". An empty version id, which
// the suite sends for none, is left out.

// named are the names of who has an access key.
type named struct{ account, canonical, principal string }

type directory struct {
	mu        sync.Mutex // protects all below
	byKey     map[string]named
	canonical map[string]string // canonical id -> access key
}

var names = &directory{byKey: map[string]named{}, canonical: map[string]string{}}

// add remembers who has an access key. A canonical id stays with the key that had it
// first, which is the root of the account.
func (d *directory) add(key string, n named) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byKey[key] = n
	if _, taken := d.canonical[n.canonical]; !taken {
		d.canonical[n.canonical] = key
	}
}

func (d *directory) of(key string) (named, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.byKey[key]
	return n, ok
}

func (d *directory) keyOf(canonical string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key, ok := d.canonical[canonical]
	return key, ok
}

// nameOfRoot asks the server who the key that the suite was started with belongs to.
func nameOfRoot(s *S3Conf) (named, error) {
	if n, ok := names.of(s.awsID); ok {
		return n, nil
	}
	var all []adminAccount
	if err := administer(s, http.MethodGet, "accounts", nil, &all); err != nil {
		return named{}, err
	}
	for _, a := range all {
		var keys []adminKey
		if err := administer(s, http.MethodGet, "accounts/"+a.ID+"/keys", nil, &keys); err != nil {
			return named{}, err
		}
		for _, k := range keys {
			if k.AccessKey == s.awsID && k.User == "" {
				n := named{account: a.ID, canonical: a.CanonicalID, principal: a.ID}
				names.add(s.awsID, n)
				return n, nil
			}
		}
	}
	return named{}, fmt.Errorf("no account has the key %s", s.awsID)
}

// learnRoot has the name of the root known before any test asks for it.
func learnRoot(s *S3Conf) {
	if _, err := nameOfRoot(s); err != nil {
		log.Fatal(err)
	}
}

// renaming changes names in what clients send and receive.
func renaming(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Renaming",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			restore := renameInput(in.Parameters)
			defer restore()
			out, data, err := next.HandleInitialize(ctx, in)
			if out.Result != nil {
				walk(reflect.ValueOf(out.Result), func(name string, field *string) *string {
					if key, ok := names.keyOf(*field); ok && name == "ID" {
						return &key
					}
					return field
				})
			}
			if acl, ok := out.Result.(*s3.GetBucketAclOutput); ok {
				renameGroups(acl.Grants)
			}
			return out, data, err
		}), middleware.Before)
}

// renameGroups gives the group of all, which has a URI, the id that the suite knows.
func renameGroups(grants []types.Grant) {
	for i := range grants {
		g := grants[i].Grantee
		if g.ID == nil && strings.HasSuffix(getString(g.URI), "/global/AllUsers") {
			g.ID = getPtr("all-users")
		}
	}
}

// renameInput changes the names in the parameters of an operation, and returns what
// undoes it: tests compare what they sent with what they get.
func renameInput(parameters any) (restore func()) {
	var undo []func()
	walk(reflect.ValueOf(parameters), func(name string, field *string) *string {
		_, policy := parameters.(*s3.PutBucketPolicyInput)
		switch {
		case name == "Policy" && policy:
			changed := renamePolicy(*field)
			return &changed
		case name == "ID":
			return renamed(field, func(n named) string { return n.canonical })
		case name == "ExpectedBucketOwner", name == "ExpectedSourceBucketOwner":
			return renamed(field, func(n named) string { return n.account })
		case strings.HasPrefix(name, "Grant"):
			changed := `id="` + *renamed(field, func(n named) string { return n.canonical }) + `"`
			return &changed
		case name == "VersionId" && *field == "":
			return nil
		}
		return field
	}, &undo)
	return func() {
		for _, f := range undo {
			f()
		}
	}
}

func renamed(key *string, name func(named) string) *string {
	n, ok := names.of(*key)
	if !ok {
		return key
	}
	changed := name(n)
	return &changed
}

// walk calls change with every string that a pointer in v leads to, and the name of its
// field, and sets the pointer to what change returns.
func walk(v reflect.Value, change func(name string, field *string) *string, undo ...*[]func()) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), change, undo...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), change, undo...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field, about := v.Field(i), v.Type().Field(i)
			if !about.IsExported() {
				continue
			}
			old, isText := field.Interface().(*string)
			if !isText {
				walk(field, change, undo...)
				continue
			}
			if old == nil {
				continue
			}
			field.Set(reflect.ValueOf(change(about.Name, old)))
			for _, u := range undo {
				*u = append(*u, func() { field.Set(reflect.ValueOf(old)) })
			}
		}
	}
}

// renamePolicy writes the principals of a bucket policy as S3 takes them: versitygw's are
// an access key or a list of them. What is not JSON is sent as it is.
func renamePolicy(text string) string {
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return text
	}
	statements, _ := document["Statement"].([]any)
	changed := false
	for _, s := range statements {
		statement, ok := s.(map[string]any)
		if !ok {
			continue
		}
		if principal, ok := renamePrincipal(statement["Principal"]); ok {
			statement["Principal"], changed = principal, true
		}
	}
	out, err := json.Marshal(document)
	if err != nil || !changed {
		return text
	}
	return string(out)
}

// renamePrincipal makes {"AWS": [...]} of a principal; "*" and "" stay.
func renamePrincipal(principal any) (any, bool) {
	if object, ok := principal.(map[string]any); ok {
		principal = object["AWS"]
	}
	var list []any
	switch p := principal.(type) {
	case string:
		list = []any{p}
	case []any:
		list = p
	}
	if len(list) == 0 || principal == "*" || principal == "" {
		return nil, false
	}
	out := []any{}
	for _, p := range list {
		key, _ := p.(string)
		if n, ok := names.of(key); ok {
			p = n.principal
		}
		out = append(out, p)
	}
	return map[string]any{"AWS": out}, true
}
