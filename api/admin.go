package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
)

// AdminPath is where the server's own endpoints are. No bucket's name begins with an
// underscore.
const AdminPath = "/_/v1"

// OwnAccount stands in a path for the account of the caller.
const OwnAccount = "self"

// endpoint is one line of the table of the server's own endpoints. Requests are signed
// like those of S3, documents are JSON, refusals are the error documents of S3.
type endpoint struct {
	method string
	// path is below AdminPath; {account} stands for an account, {bucket} for a bucket,
	// which has to be there. Behind a question mark are the parameters it may be asked
	// with, separated by "&".
	path string
	name string // as log, metrics and ledger show it
	// action is what policies call it. The account in the path, or the owner of the
	// bucket, decides about it, and the account that the server belongs to.
	action string
	// run does it and returns the document to answer with, nil for none.
	run func(*exchange, pathValues) (any, error)
}

// endpoints is the table of all of them. It is never changed.
var endpoints = [][]endpoint{identityEndpoints, policyEndpoints, storeEndpoints, clockEndpoints, lifecycleEndpoints, holdEndpoints, jobEndpoints}

// pathValues are what stood in a path at the names in braces.
type pathValues map[string]string

// routeEndpoints adds the routes of the server's own endpoints. Under the host of a
// bucket a path is a key.
func (h *Handler) routeEndpoints(r *mux.Router) {
	own := r.MatcherFunc(h.isReserved).Subrouter()
	for _, family := range endpoints {
		for i := range family {
			e := &family[i]
			op := &operation{method: e.method, level: service, name: e.name, action: e.action}
			path, _, _ := strings.Cut(e.path, "?")
			own.Path(AdminPath + path).Methods(e.method).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				x := w.(*exchange)
				x.op, x.level = op, service
				x.serveEndpoint(e, mux.Vars(r))
			})
		}
	}
}

// serveEndpoint answers a request to one of the server's own endpoints.
func (x *exchange) serveEndpoint(e *endpoint, vars map[string]string) {
	document, err := x.runEndpoint(e, vars)
	if err == nil && x.status == 0 {
		err = x.answerJSON(document)
	}
	if err != nil {
		x.fail(administered(err))
	}
}

func (x *exchange) runEndpoint(e *endpoint, vars map[string]string) (any, error) {
	values := make(pathValues, len(vars))
	for name, escaped := range vars {
		value, err := url.PathUnescape(escaped)
		if err != nil {
			return nil, refuse("InvalidURI", "URI", x.r.RequestURI)
		}
		values[name] = value
	}
	q, ok := parseQuery(x.r.URL.RawQuery)
	if !ok {
		return nil, refuse("InvalidURI", "URI", x.r.RequestURI)
	}
	x.query = q
	if err := x.checkFraming(); err != nil {
		return nil, err
	}
	session, err := x.h.verifier.Verify(x.r, "", x.h.clock.Now())
	x.session = session
	if err == nil {
		err = x.identify()
	}
	if err == nil {
		err = x.mayAdminister(e, values)
	}
	if err == nil {
		err = x.checkParameters(e)
	}
	if err == nil && (e.method == http.MethodPut || e.method == http.MethodPost) {
		err = x.readAdministered(e, values)
	}
	if err != nil {
		return nil, err
	}
	return e.run(x, values)
}

// checkParameters refuses parameters that the endpoint does not have, for a misspelt
// one might have said what is not to be done. Those of a signature are not its concern.
func (x *exchange) checkParameters(e *endpoint) error {
	_, names, _ := strings.Cut(e.path, "?")
	known := strings.Split(names, "&")
	for i, p := range x.query {
		switch {
		case strings.HasPrefix(p.name, "X-Amz-"), slices.Contains(presignedV2, p.name):
		case p.name == "", !slices.Contains(known, p.name):
			return invalidArgument("This endpoint has no such parameter.", p.name, p.value)
		case slices.ContainsFunc(x.query[:i], func(other pair) bool { return other.name == p.name }):
			return invalidArgument("The parameter is there twice.", p.name, p.value)
		}
	}
	return nil
}

// presignedV2 are the parameters of a Signature Version 2.
var presignedV2 = []string{"AWSAccessKeyId", "Expires", "Signature"}

// readAdministered reads the document that an endpoint is given, and asks again behind it:
// it may have been withheld for as long as its client liked, and a key that was disabled
// meanwhile, or a policy that was taken away, allows nothing.
func (x *exchange) readAdministered(e *endpoint, values pathValues) (err error) {
	if x.document, err = x.readDocument(maxSmallDocument); err != nil {
		return err
	}
	if err := x.identify(); err != nil {
		return err
	}
	return x.mayAdminister(e, values)
}

// mayAdminister asks whether the caller may do what e does: the account that the server
// belongs to may everywhere, others with what is theirs; users of both as their policies
// say. Nobody learns more of what is not theirs than that they may not.
func (x *exchange) mayAdminister(e *endpoint, values pathValues) error {
	p := &x.caller.Principal
	if p.Anonymous() {
		return refuse("AccessDenied")
	}
	serves := p.Account == x.h.root.Principal.Account
	q := question{x: x, action: e.action}
	account, ofAccount := values["account"]
	if account == OwnAccount {
		account = p.Account
		values["account"] = account
	}
	if owner, ofJobs := x.ownerOfJobs(e, values); ofJobs {
		account, ofAccount = owner, true
	}
	if name, ofBucket := values["bucket"]; ofBucket {
		found, err := x.h.store.Bucket(x.Context(), name)
		if err != nil && !serves {
			return refuse("AccessDenied")
		}
		x.bucket = name
		if err != nil {
			return err
		}
		x.found = found
		account, ofAccount = found.Owner.Account, true
		if p.Account == account {
			x.level, q.bucket = bucket, &x.found
		}
	}
	if !serves && (!ofAccount || account != p.Account) {
		return refuse("AccessDenied")
	}
	return x.ask(&q)
}

// answerJSON answers with a document, 204 without one.
func (x *exchange) answerJSON(document any) error {
	if document == nil {
		x.WriteHeader(http.StatusNoContent)
		return nil
	}
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	x.set("Content-Type", "application/json")
	x.WriteHeader(http.StatusOK)
	_, err = x.Write(append(body, '\n'))
	return err
}

// readJSON reads what an endpoint was given into a document. What the document has no
// place for is refused, for it may have been meant to say something.
func (x *exchange) readJSON(document any) error {
	d := json.NewDecoder(bytes.NewReader(x.document))
	d.DisallowUnknownFields()
	var kind *json.UnmarshalTypeError
	switch err := d.Decode(document); {
	case err == nil && bytes.HasPrefix(bytes.TrimSpace(x.document), []byte("null")), errors.As(err, &kind) && kind.Field == "":
		// A null would be taken for an object that asks for everything by default.
		return refuseWith("MalformedJSON", "The document is not what is expected here: it has to be an object.")
	case errors.As(err, &kind):
		return refuseWith("MalformedJSON", fmt.Sprintf("The document is not what is expected here: %q cannot be a %s", kind.Field, kind.Value))
	case err != nil:
		return refuseWith("MalformedJSON", "The document is not what is expected here: "+err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuseWith("MalformedJSON", "There is more than one document.")
	}
	return nil
}

// registry returns who manages identities, or an error where there is one root alone.
func (x *exchange) registry() (*identity.Registry, error) {
	if x.h.identities == nil {
		return nil, refuseWith("NotImplemented", "This server has one identity, its root.")
	}
	return x.h.identities, nil
}

// managed returns what runs an endpoint that needs the registry.
func managed(run func(*exchange, *identity.Registry, pathValues) (any, error)) func(*exchange, pathValues) (any, error) {
	return func(x *exchange, v pathValues) (any, error) {
		reg, err := x.registry()
		if err != nil {
			return nil, err
		}
		return run(x, reg, v)
	}
}

// by says who makes a change of identities.
func (x *exchange) by() identity.By {
	m := x.maker()
	return identity.By{
		AccessKey: m.AccessKey, RequestID: m.RequestID, Principal: m.Principal,
		Source: m.Source, Operation: m.Operation, Cause: m.Cause.String(), CauseID: m.CauseID,
	}
}

// identityCodes says which code the registry's errors answer: those of IAM.
var identityCodes = []struct {
	err  error
	code Code
}{
	{identity.ErrNoSuchAccount, "NoSuchEntity"},
	{identity.ErrNoSuchUser, "NoSuchEntity"},
	{identity.ErrNoSuchKey, "NoSuchEntity"},
	{identity.ErrNoSuchPolicy, "NoSuchEntity"},
	{identity.ErrNoDevice, "NoSuchEntity"},
	{identity.ErrExists, "EntityAlreadyExists"},
	{identity.ErrInUse, "DeleteConflict"},
	{identity.ErrLastRoot, "DeleteConflict"},
	{identity.ErrLimit, "LimitExceeded"},
	{identity.ErrInvalid, "ValidationError"},
}

// administered makes the answer of what an endpoint was refused with.
func administered(err error) error {
	var syntax *policy.SyntaxError
	if errors.As(err, &syntax) {
		return &failure{code: "MalformedPolicy", message: syntax.Error(), cause: err}
	}
	if errors.Is(err, store.ErrNoSuchBucket) {
		return refuse("NoSuchBucket")
	}
	for _, c := range identityCodes {
		if errors.Is(err, c.err) {
			return &failure{code: c.code, message: err.Error(), cause: err}
		}
	}
	return err
}
