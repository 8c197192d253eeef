package policy

import (
	"fmt"
	"strings"
)

// Reason is why a request is allowed or refused.
type Reason uint8

// The reasons, those that refuse first.
const (
	NothingAllows      Reason = iota // nothing that applies allows it (AP3-7)
	ExplicitDeny                     // a Deny statement matches (AP3-3)
	NoIdentityAllow                  // the caller's own policies do not allow it, and need to (AP3-5)
	NoResourceAllow                  // neither bucket policy nor ACL of another account allows it (AP3-5)
	NoObjectOwnerAllow               // the object belongs to another account, whose ACL does not allow it (AP3-6)
	RestrictedBucket                 // only a public policy allows it, and RestrictPublicBuckets is set
	AllowedByIdentity                // a statement of an identity policy allows it (AP3-4)
	AllowedByBucket                  // a statement of the bucket policy allows it
	AllowedByACL                     // a grant allows it
	AllowedAsRoot                    // the caller is the root of the account that owns what is asked for
)

var reasonTexts = [...]string{
	NothingAllows:      "no statement allows it",
	ExplicitDeny:       "explicit deny",
	NoIdentityAllow:    "no identity policy of the caller allows it",
	NoResourceAllow:    "the account that owns the bucket does not allow it",
	NoObjectOwnerAllow: "the account that owns the object does not allow it",
	RestrictedBucket:   "the public policy of the bucket is restricted",
	AllowedByIdentity:  "an identity policy allows it",
	AllowedByBucket:    "the bucket policy allows it",
	AllowedByACL:       "an ACL allows it",
	AllowedAsRoot:      "the caller is the root of the account",
}

// String returns the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r]
	}
	return fmt.Sprintf("Reason(%d)", r)
}

// The names that a Decision and a Step use for what is not an identity policy.
const (
	BucketPolicyName = "bucket policy"
	BucketACLName    = "bucket ACL"
	ObjectACLName    = "object ACL"
)

// Decision is the answer to one request and what decided it. Of several
// statements that decide alike it names the first.
type Decision struct {
	Allowed   bool
	Reason    Reason
	Policy    string // name of the identity policy, BucketPolicyName, or that of an ACL; "" if no statement decided
	Statement int    // its number, from 1; of a grant in an ACL; 0 if none decided
	Sid       string // of the statement, if it has one
	Line      int    // where the statement begins in the policy's text, from 1; 0 if none decided
}

// String returns the decision in one line, as
// `denied: explicit deny (backup-writer, statement 2 "NoDestroy", line 14)`.
func (d Decision) String() string {
	verdict := "denied: "
	if d.Allowed {
		verdict = "allowed: "
	}
	if d.Policy == "" {
		return verdict + d.Reason.String()
	}
	return verdict + d.Reason.String() + " (" + d.place() + ")"
}

// place returns where the statement stands.
func (d Decision) place() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s, statement %d", d.Policy, d.Statement)
	if d.Sid != "" {
		fmt.Fprintf(&s, " %q", d.Sid)
	}
	if d.Line > 0 {
		fmt.Fprintf(&s, ", line %d", d.Line)
	}
	return s.String()
}
