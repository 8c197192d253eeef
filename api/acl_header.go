package api

import (
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/auth/policy"
)

// aclHeader names a canned ACL, in canonical form.
const aclHeader = "X-Amz-Acl"

// grantPrefix is what the headers begin with that grant something.
const grantPrefix = "X-Amz-Grant-"

// grantHeaders are the permissions that they grant, in the order in which grants are
// kept.
var grantHeaders = []struct {
	name       string
	permission policy.Permission
}{
	{grantPrefix + "Full-Control", policy.FullControl},
	{grantPrefix + "Read", policy.Read},
	{grantPrefix + "Read-Acp", policy.ReadACP},
	{grantPrefix + "Write", policy.Write},
	{grantPrefix + "Write-Acp", policy.WriteACP},
}

// headerACL reads the ACL that the headers of the request ask for, nil if they ask for
// none. A canned one goes not with grants.
func (x *exchange) headerACL() (*wantedACL, error) {
	grants, granting, err := readGrantHeaders(x.r.Header)
	switch {
	case err != nil:
		return nil, err
	case granting && x.sent(aclHeader):
		return nil, refuseWith("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
	case granting:
		return &wantedACL{wanted: grants}, nil
	case !x.sent(aclHeader):
		return nil, nil
	}
	name := x.header(aclHeader)
	if _, known := policy.Canned(name, policy.Grantee{}, policy.Grantee{}); !known {
		return nil, invalidArgument("", "x-amz-acl", name)
	}
	return &wantedACL{canned: name}, nil
}

// readGrantHeaders reads the headers that grant something, and whether there are any. One
// that is not known was sent to grant something too, and is not passed over.
func readGrantHeaders(h http.Header) (grants []wantedGrant, granting bool, err error) {
	for name := range h {
		if strings.HasPrefix(name, grantPrefix) && !isGrantHeader(name) {
			return nil, true, notImplemented(strings.ToLower(name), "")
		}
	}
	for _, header := range grantHeaders {
		values := h[header.name]
		granting = granting || len(values) > 0
		grants, err = appendGrants(grants, header.name, header.permission, values)
		if err != nil {
			return nil, true, err
		}
	}
	if len(grants) > maxGrants {
		return nil, true, refuse("MalformedACLError")
	}
	return grants, granting, nil
}

// appendGrants appends what the values of a header grant, each to a list of grantees.
func appendGrants(grants []wantedGrant, header string, p policy.Permission, values []string) ([]wantedGrant, error) {
	for _, value := range values {
		for _, item := range strings.Split(value, ",") {
			g, ok := parseGrantee(strings.TrimSpace(item))
			if !ok {
				return nil, invalidArgument("Argument format not recognized", strings.ToLower(header), item)
			}
			g.permission = p
			grants = append(grants, g)
		}
	}
	return grants, nil
}

func isGrantHeader(name string) bool {
	for i := range grantHeaders {
		if grantHeaders[i].name == name {
			return true
		}
	}
	return false
}

// headerGrantees are the kinds of grantees as headers name them, in lower case: clients
// differ in theirs.
var headerGrantees = map[string]granteeKind{"id": granteeID, "uri": granteeGroup, "emailaddress": granteeEmail}

// parseGrantee reads a grantee of a header, such as id="79a5…".
func parseGrantee(item string) (g wantedGrant, ok bool) {
	name, value, ok := strings.Cut(item, "=")
	value = strings.TrimSpace(value)
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	g.kind, g.value = headerGrantees[strings.ToLower(strings.TrimSpace(name))], value
	return g, ok && g.kind != 0
}
