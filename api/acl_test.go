package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/auth/policy"
)

// FuzzACL reads documents of ACLs: what is taken names each grantee in one way, gives a
// permission that there is, and can be kept and read again.
func FuzzACL(f *testing.F) {
	grant := "<Grant><Grantee><ID>c</ID></Grantee><Permission>READ</Permission></Grant>"
	list := func(grants string) []byte {
		return []byte("<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList>" + grants + "</AccessControlList></AccessControlPolicy>")
	}
	f.Add(list(grant))
	f.Add(list(""))
	f.Add(list(strings.Repeat(grant, maxGrants)))
	f.Add(list(strings.Repeat(grant, maxGrants+1)))
	f.Add(list("<Grant><Permission>WRITE_ACP</Permission><Grantee><URI>" + policy.AllUsers + "</URI></Grantee></Grant>"))
	f.Add([]byte("<AccessControlPolicy><AccessControlList/></AccessControlPolicy>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := parseACL(data)
		if err != nil {
			if !errors.Is(err, errXML) {
				t.Fatalf("%q is refused with %v", data, err)
			}
			return
		}
		if w.owner == "" || len(w.wanted) > maxGrants {
			t.Fatalf("%q is %+v", data, w)
		}
		acl := policy.ACL{Owner: policy.Grantee{CanonicalID: w.owner}}
		for _, g := range w.wanted {
			if g.kind == 0 || g.value == "" {
				t.Fatalf("%q grants %+v", data, g)
			}
			acl.Grants = append(acl.Grants, policy.Grant{Grantee: policy.Grantee{CanonicalID: g.value}, Permission: g.permission})
		}
		again, err := policy.DecodeACL(acl.Encode())
		if err != nil || len(again.Grants) != len(acl.Grants) || isPrivate(again) != isPrivate(&acl) {
			t.Fatalf("%q is kept as %+v, %v", data, again, err)
		}
		agreesWithStandard(t, data)
	})
}

// FuzzGrantHeader reads headers that grant something.
func FuzzGrantHeader(f *testing.F) {
	f.Add(`id="a", uri="http://acs.amazonaws.com/groups/global/AllUsers"`)
	f.Add(`emailAddress=a@b`)
	f.Add(`id=","`)
	f.Fuzz(func(t *testing.T, value string) {
		grants, granting, err := readGrantHeaders(http.Header{"X-Amz-Grant-Read-Acp": {value}})
		if !granting {
			t.Fatalf("%q grants nothing", value)
		}
		if err != nil {
			if !wellRefused(err) {
				t.Fatalf("%q is refused with %v", value, err)
			}
			return
		}
		for _, g := range grants {
			if g.kind == 0 || g.permission != policy.ReadACP || !strings.Contains(value, g.value) {
				t.Fatalf("%q grants %+v", value, g)
			}
		}
	})
}
