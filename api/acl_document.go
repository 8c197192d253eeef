package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
)

// parseACL reads an AccessControlPolicy. A document that is none is errXML.
func parseACL(data []byte) (*wantedACL, error) {
	r, err := openXML(data, "AccessControlPolicy")
	if err != nil {
		return nil, err
	}
	w := &wantedACL{document: true}
	lists := 0
	err = r.each(func(name string) error {
		switch {
		case name == "Owner" && w.owner == "":
			values, err := r.leaves("ID", "DisplayName")
			w.owner = values["ID"]
			return err
		case name == "AccessControlList":
			lists++
			return r.each(w.readGrant(r))
		}
		return errXML
	})
	if err == nil {
		err = r.finish()
	}
	if err == nil && (lists != 1 || w.owner == "") {
		err = errXML
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// readGrant reads a Grant, of which there are at most maxGrants.
func (w *wantedACL) readGrant(r *xmlReader) func(string) error {
	return func(name string) error {
		if name != "Grant" || len(w.wanted) == maxGrants {
			return errXML
		}
		var g wantedGrant
		var seen [2]bool
		err := r.each(func(name string) (err error) {
			switch {
			case name == "Grantee" && !seen[0]:
				seen[0] = true
				g.kind, g.value, err = readGrantee(r)
			case name == "Permission" && !seen[1]:
				seen[1] = true
				g.permission, err = readPermission(r)
			default:
				err = errXML
			}
			return err
		})
		if err == nil && seen != [2]bool{true, true} {
			err = errXML
		}
		w.wanted = append(w.wanted, g)
		return err
	}
}

// documentGrantees are the kinds of grantees by the element that names one.
var documentGrantees = map[string]granteeKind{"ID": granteeID, "URI": granteeGroup, "EmailAddress": granteeEmail}

// readGrantee reads a Grantee. What it holds tells its type: it is not read from the
// attribute.
func readGrantee(r *xmlReader) (kind granteeKind, value string, err error) {
	values, err := r.leaves("ID", "DisplayName", "URI", "EmailAddress")
	delete(values, "DisplayName")
	if err != nil || len(values) != 1 {
		return 0, "", errXML
	}
	for name, text := range values {
		kind, value = documentGrantees[name], text
	}
	if value == "" {
		err = errXML
	}
	return kind, value, err
}

func readPermission(r *xmlReader) (policy.Permission, error) {
	text, err := r.text()
	if err != nil {
		return 0, err
	}
	p, ok := policy.ParsePermission(text)
	if !ok {
		err = errXML
	}
	return p, err
}

// xsiNamespace is the namespace of the attribute that tells what kind a grantee is.
const xsiNamespace = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`

// showACL answers with the ACL of what belongs to owner; nil is the private one.
func (x *exchange) showACL(owner store.Owner, acl *policy.ACL) error {
	if acl == nil {
		acl = &policy.ACL{Grants: []policy.Grant{{Grantee: granteeOf(owner), Permission: policy.FullControl}}}
	}
	d := x.beginDocument(http.StatusOK, "AccessControlPolicy", false)
	d.account("Owner", owner)
	d.open("AccessControlList")
	for _, g := range acl.Grants {
		d.open("Grant")
		d.grantee(g.Grantee)
		d.text("Permission", g.Permission.String())
		d.close("Grant")
	}
	d.close("AccessControlList")
	return d.end("AccessControlPolicy")
}

// grantee writes a Grantee with its type.
func (d *document) grantee(g policy.Grantee) {
	if g.Group != "" {
		d.open("Grantee " + xsiNamespace + ` xsi:type="Group"`)
		d.text("URI", g.Group)
		d.close("Grantee")
		return
	}
	d.open("Grantee " + xsiNamespace + ` xsi:type="CanonicalUser"`)
	d.text("ID", g.CanonicalID)
	d.close("Grantee")
}
