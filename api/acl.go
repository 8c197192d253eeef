package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// xsiNamespace is the namespace of the attribute that tells what kind a grantee is.
const xsiNamespace = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`

// prepareGetBucketACL shows the ACL of every bucket: the owner may everything.
func prepareGetBucketACL(x *exchange) (task, error) {
	return task{run: func() error { return x.acl(x.found.Owner) }}, nil
}

// prepareGetObjectACL shows the ACL of every version (spec VD4-3): with ACLs disabled
// all objects belong to the owner of the bucket.
func prepareGetObjectACL(x *exchange) (task, error) {
	return task{run: func() error {
		if err := x.lookAt(versioning.GetObjectACL); err != nil {
			return err
		}
		return x.acl(x.found.Owner)
	}}, nil
}

// lookAt finds the entry that a request on one is about, and names it in the answer.
func (x *exchange) lookAt(op versioning.Operation) error {
	o, err := x.h.store.Head(x.Context(), x.readRequest(op))
	if err != nil {
		return err
	}
	x.setNonEmpty("x-amz-version-id", o.VersionHeader)
	return nil
}

// acl answers with the ACL that everything of owner has.
func (x *exchange) acl(owner store.Owner) error {
	d := x.beginDocument(http.StatusOK, "AccessControlPolicy", false)
	d.account("Owner", owner)
	d.open("AccessControlList")
	d.open("Grant")
	d.open("Grantee " + xsiNamespace + ` xsi:type="CanonicalUser"`)
	d.text("ID", owner.CanonicalID)
	if owner.DisplayName != "" {
		d.text("DisplayName", owner.DisplayName)
	}
	d.close("Grantee")
	d.text("Permission", "FULL_CONTROL")
	d.close("Grant")
	d.close("AccessControlList")
	return d.end("AccessControlPolicy")
}

// preparePutBucketACL accepts the ACL that every bucket has (spec AP3-8).
func preparePutBucketACL(x *exchange) (task, error) {
	if err := x.readACL(); err != nil {
		return task{}, err
	}
	return x.accept(), nil
}

// preparePutObjectACL accepts the ACL that every version has (spec VD4-4, AP3-8).
func preparePutObjectACL(x *exchange) (task, error) {
	if err := x.readACL(); err != nil {
		return task{}, err
	}
	return task{run: func() error {
		if err := x.lookAt(versioning.PutObjectACL); err != nil {
			return err
		}
		x.WriteHeader(http.StatusOK)
		return nil
	}}, nil
}

// readACL reads the ACL that a request sets, by header or by document, one of them.
// Any but the one that holds is refused.
func (x *exchange) readACL() error {
	if err := x.checkACL(); err != nil {
		return err
	}
	data, err := x.readDocument(maxConfigDocument)
	switch {
	case err != nil:
		return err
	case len(data) == 0 && !x.sent("X-Amz-Acl"):
		return refuse("MissingSecurityHeader", "MissingHeaderName", "x-amz-acl") // spec WI2.2-40
	case len(data) == 0:
		return nil
	case x.sent("X-Amz-Acl"):
		return refuse("UnexpectedContent") // spec WI2.2-56
	}
	grants, err := parseACL(data)
	if err != nil {
		return refuse("MalformedACLError") // spec WI2.2-33
	}
	for _, g := range grants {
		if g.grantee != x.found.Owner.CanonicalID || g.permission != "FULL_CONTROL" {
			return refuse("AccessControlListNotSupported")
		}
	}
	if len(grants) != 1 {
		return refuse("AccessControlListNotSupported")
	}
	return nil
}

// grant is a permission that an ACL gives.
type grant struct{ grantee, permission string }

// parseACL reads an AccessControlPolicy. A document that is none is errXML.
func parseACL(data []byte) ([]grant, error) {
	r, err := openXML(data, "AccessControlPolicy")
	if err != nil {
		return nil, err
	}
	var grants []grant
	lists := 0
	err = r.each(func(name string) error {
		switch name {
		case "Owner":
			_, err := r.leaves("ID", "DisplayName")
			return err
		case "AccessControlList":
			lists++
			return r.each(func(name string) error {
				g, err := readGrant(r, name)
				grants = append(grants, g)
				return err
			})
		}
		return errXML
	})
	if err == nil {
		err = r.finish()
	}
	if err == nil && lists != 1 {
		err = errXML
	}
	return grants, err
}

// permissions are those that an ACL can give.
var permissions = []string{"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"}

// readGrant reads a Grant. Of the grantee the canonical id counts, whatever its type.
func readGrant(r *xmlReader, name string) (grant, error) {
	var g grant
	if name != "Grant" {
		return g, errXML
	}
	err := r.each(func(name string) (err error) {
		switch name {
		case "Grantee":
			values, err := r.leaves("ID", "DisplayName", "URI", "EmailAddress")
			g.grantee = values["ID"]
			return err
		case "Permission":
			g.permission, err = r.text()
			return err
		}
		return errXML
	})
	if err == nil && !isOneOf(g.permission, permissions) {
		err = errXML
	}
	return g, err
}
