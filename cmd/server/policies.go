package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/api"
)

// policyActions are those of "tombstone policy".
func policyActions() []action {
	return []action{
		{verb: "list", args: "ACCOUNT [USER]", help: "the policies of an account, or those that a user has", run: listPolicies},
		{verb: "show", args: "ACCOUNT NAME", flags: []string{"user"},
			help: "the text of a policy that comes with the server or that the account keeps, or of an inline one of a user", run: showPolicy},
		{verb: "put", args: "ACCOUNT NAME FILE", flags: []string{"user"},
			help: "keep a policy in an account, or inline in a user; - reads standard input", run: putPolicy},
		{verb: "delete", args: "ACCOUNT NAME", flags: []string{"user"}, help: "remove a policy of an account, or an inline one of a user", run: removePolicy},
		{verb: "attach", args: "ACCOUNT USER NAME", help: "give a user a policy", run: attachPolicy(http.MethodPut)},
		{verb: "detach", args: "ACCOUNT USER NAME", help: "take a policy from a user", run: attachPolicy(http.MethodDelete)},
		{verb: "explain", args: "ACTION [RESOURCE]", flags: []string{"account", "user", "anonymous?", "version-id", "condition"},
			help: "what is decided about an action on s3://BUCKET[/KEY], and by which statement", run: explainPolicy},
	}
}

func listPolicies(ctx context.Context, r *remote) error {
	path := below("/accounts/%s/policies", r.arg(0))
	if user := r.arg(1); user != "" {
		path = below("/accounts/%s/users/%s/policies", r.arg(0), user)
	}
	var all []api.AdminPolicy
	if err := r.call(ctx, http.MethodGet, path, nil, nil, &all); err != nil {
		return err
	}
	rows := [][]string{{"NAME", "KIND"}}
	for _, p := range all {
		kind := "account"
		switch {
		case p.Managed:
			kind = "managed"
		case r.arg(1) != "" && !p.Attached:
			kind = "inline"
		}
		rows = append(rows, []string{p.Name, kind})
	}
	return r.table(all, rows)
}

func showPolicy(ctx context.Context, r *remote) error {
	if user := r.given["user"]; user != "" {
		return showInline(ctx, r, user)
	}
	var p api.AdminPolicy
	if err := r.call(ctx, http.MethodGet, below("/accounts/%s/policies/%s", r.rest...), nil, nil, &p); err != nil {
		return err
	}
	return printJSON(r.stdout, p.Document)
}

// showInline prints a policy of a user, of which the server knows the list only.
func showInline(ctx context.Context, r *remote, user string) error {
	var all []api.AdminPolicy
	if err := r.call(ctx, http.MethodGet, below("/accounts/%s/users/%s/policies", r.arg(0), user), nil, nil, &all); err != nil {
		return err
	}
	for i := range all {
		if p := &all[i]; p.Name == r.arg(1) && !p.Attached {
			return printJSON(r.stdout, p.Document)
		}
	}
	return &refusal{status: http.StatusNotFound, Code: "NoSuchEntity", Message: fmt.Sprintf("User %s has no inline policy %s.", user, r.arg(1))}
}

// policyPath is where a policy of an account or an inline one of a user is.
func policyPath(r *remote) string {
	if user := r.given["user"]; user != "" {
		return below("/accounts/%s/users/%s/policies/%s", r.arg(0), user, r.arg(1))
	}
	return below("/accounts/%s/policies/%s", r.arg(0), r.arg(1))
}

func putPolicy(ctx context.Context, r *remote) error {
	text, err := readArgument(r.arg(2))
	if err != nil {
		return err
	}
	if !json.Valid(text) {
		return errors.New(r.arg(2) + ": not JSON")
	}
	return r.call(ctx, http.MethodPut, policyPath(r), nil, json.RawMessage(text), nil)
}

func removePolicy(ctx context.Context, r *remote) error {
	return r.call(ctx, http.MethodDelete, policyPath(r), nil, nil, nil)
}

func attachPolicy(method string) func(context.Context, *remote) error {
	return func(ctx context.Context, r *remote) error {
		return r.call(ctx, method, below("/accounts/%s/users/%s/attached/%s", r.rest...), nil, nil, nil)
	}
}

func explainPolicy(ctx context.Context, r *remote) error {
	account := r.given["account"]
	if account == "" {
		account = api.OwnAccount
	}
	q, err := r.question()
	if err != nil {
		return err
	}
	var d api.AdminDecision
	if err := r.call(ctx, http.MethodPost, below("/accounts/%s/explain", account), nil, q, &d); err != nil {
		return err
	}
	if r.config.remote.json {
		return printJSON(r.stdout, d)
	}
	fmt.Fprintln(r.stdout, d.Decision)
	for _, note := range d.Notes {
		fmt.Fprintf(r.stdout, "besides: %s\n", note)
	}
	rows := make([][]string, 0, len(d.Steps))
	for _, s := range d.Steps {
		verdict := "matches"
		if !s.Matched {
			verdict = "does not match: " + s.Why
		}
		rows = append(rows, []string{fmt.Sprintf("  %s, statement %d, line %d", s.Policy, s.Statement, s.Line), s.Sid, s.Effect, verdict})
	}
	return r.table(d, rows)
}

// question reads what is asked about: a resource as s3:// names it, or by its ARN as
// refusals do.
func (r *remote) question() (q api.AdminQuestion, err error) {
	_, anonymous := r.given["anonymous"]
	q = api.AdminQuestion{User: r.given["user"], Anonymous: anonymous, Action: r.arg(0), VersionID: r.given["version-id"]}
	if name := r.arg(1); name != "" {
		rest, ok := strings.CutPrefix(name, "s3://")
		if !ok {
			rest, ok = strings.CutPrefix(name, "arn:aws:s3:::")
		}
		if !ok {
			return q, fmt.Errorf("%q is not s3://BUCKET[/KEY]", name)
		}
		q.Bucket, q.Key, _ = strings.Cut(rest, "/")
	}
	for _, c := range r.all["condition"] {
		key, value, ok := strings.Cut(c, "=")
		if !ok {
			return q, fmt.Errorf("--condition %q is not KEY=VALUE", c)
		}
		if q.Conditions == nil {
			q.Conditions = make(map[string][]string)
		}
		q.Conditions[key] = append(q.Conditions[key], value)
	}
	return q, nil
}
