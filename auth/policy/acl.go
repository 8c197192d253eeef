package policy

// Permission is what a grant of an ACL permits.
type Permission uint8

// The permissions, with the values in which they are stored.
const (
	Read        Permission = iota + 1 // list a bucket, read an object
	Write                             // add, replace and hide objects of a bucket; nothing on an object
	ReadACP                           // read the ACL
	WriteACP                          // change the ACL
	FullControl                       // all of these
)

var permissionNames = [...]string{
	Read:        "READ",
	Write:       "WRITE",
	ReadACP:     "READ_ACP",
	WriteACP:    "WRITE_ACP",
	FullControl: "FULL_CONTROL",
}

// String returns the name of the permission in S3.
func (p Permission) String() string {
	if p.valid() {
		return permissionNames[p]
	}
	return "no permission"
}

func (p Permission) valid() bool { return p >= Read && p <= FullControl }

// ParsePermission returns the permission of a name, as "READ_ACP", and false if
// there is none of that name.
func ParsePermission(name string) (Permission, bool) {
	for p := Read; p <= FullControl; p++ {
		if permissionNames[p] == name {
			return p, true
		}
	}
	return 0, false
}

// The groups that a grant can name.
const (
	AllUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	AuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	LogDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// Grantee is an account or a group.
type Grantee struct {
	CanonicalID string // of an account
	DisplayName string // of an account; may be empty
	Group       string // URI of a group; "" of an account
}

// public reports whether the grantee is everybody, or everybody with a key.
func (g Grantee) public() bool { return g.Group == AllUsers || g.Group == AuthenticatedUsers }

// Grant is one line of an ACL.
type Grant struct {
	Grantee    Grantee
	Permission Permission
}

// ACL is the access control list of a bucket or an object.
type ACL struct {
	Owner  Grantee
	Grants []Grant
}

// Public reports whether the ACL grants anything to AllUsers or
// AuthenticatedUsers, which is what Block Public Access calls public.
func (a *ACL) Public() bool {
	if a == nil {
		return false
	}
	for _, g := range a.Grants {
		if g.Grantee.public() {
			return true
		}
	}
	return false
}

// ec2Bundles is the account of Amazon that reads machine images, which
// "aws-exec-read" grants to.
const ec2Bundles = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"

// canned is what a canned ACL grants besides FULL_CONTROL to the owner.
var canned = []struct {
	name   string
	grants []Grant
	owner  Permission // granted to the bucket's owner, of an object that is another's
}{
	{name: "private"},
	{name: "public-read", grants: []Grant{{Grantee{Group: AllUsers}, Read}}},
	{name: "public-read-write", grants: []Grant{{Grantee{Group: AllUsers}, Read}, {Grantee{Group: AllUsers}, Write}}},
	{name: "authenticated-read", grants: []Grant{{Grantee{Group: AuthenticatedUsers}, Read}}},
	{name: "aws-exec-read", grants: []Grant{{Grantee{CanonicalID: ec2Bundles}, Read}}},
	{name: "log-delivery-write", grants: []Grant{{Grantee{Group: LogDelivery}, Write}, {Grantee{Group: LogDelivery}, ReadACP}}},
	{name: "bucket-owner-read", owner: Read},
	{name: "bucket-owner-full-control", owner: FullControl},
}

// Canned returns the ACL that a canned name stands for, and false if S3 has none
// of that name. For a bucket bucketOwner is owner: the two names that grant to
// the bucket's owner then add nothing.
func Canned(name string, owner, bucketOwner Grantee) (ACL, bool) {
	for _, c := range canned {
		if c.name != name {
			continue
		}
		a := ACL{Owner: owner, Grants: []Grant{{owner, FullControl}}}
		a.Grants = append(a.Grants, c.grants...)
		if c.owner != 0 && bucketOwner.CanonicalID != owner.CanonicalID {
			a.Grants = append(a.Grants, Grant{bucketOwner, c.owner})
		}
		return a, true
	}
	return ACL{}, false
}
