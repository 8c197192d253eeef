package identity

import (
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
)

// Caller is who signs with an access key: what a decision needs to know of them. It is shared and never changes.
type Caller struct {
	Principal policy.Principal
	Policies  []policy.Named // inline and attached ones; none for a root, which needs none
	Temporary bool           // the credential is a temporary one; no static key is
}

// Account is an account.
type Account struct {
	ID          string // 12 digits
	CanonicalID string // 64 hex digits, lower case
	DisplayName string
	Created     time.Time // zero for the default account, which is configured
	FromFile    bool      // the declarative file made it
}

// User is a user of an account.
type User struct {
	Account  string
	Name     string
	Path     string // "/", or "/division/": it begins and ends with a slash
	ID       string // never given to another user, also of the same name
	Created  time.Time
	FromFile bool
}

// Key is an access key, without its secret.
type Key struct {
	AccessKey  string
	Account    string
	User       string // empty: the account's root
	Active     bool
	Configured bool // it is the root key of the configuration, which cannot be changed here
	Created    time.Time
	LastUsed   time.Time // zero: never, as far as it was written down
	FromFile   bool
}

// NewKey is an access key as it was made: the only time its secret can be had.
type NewKey struct {
	Key
	Secret Secret
}

// Policy is a policy of an account, or an inline policy of a user.
type Policy struct {
	Name     string
	JSON     []byte // as it was given; not to be changed
	FromFile bool
}

// Device is a virtual MFA device of an account's root.
type Device struct {
	Serial   string // arn:aws:iam::ACCOUNT:mfa/NAME, or what the file gave for a device of hardware
	Account  string
	Created  time.Time
	FromFile bool
}

// Enrollment is a device as it was made: the only time its secret can be had.
type Enrollment struct {
	Device
	Secret Secret // base32 without padding
	URL    Secret // otpauth://, as QR codes carry it
}

// AccountSpec says what a new account is to be.
type AccountSpec struct {
	ID          string // 12 digits; empty: random ones
	CanonicalID string // 64 hex digits; empty: made of the id
	DisplayName string // empty: the id
}

// UserSpec says what a new user is to be.
type UserSpec struct {
	Account string
	Name    string // 1 to 64 letters, digits and _+=,.@-
	Path    string // empty: "/"
}

// KeySpec says whose a new access key is to be.
type KeySpec struct {
	Account string
	User    string // empty: the account's root
	// AccessKey and Secret are a pair that exists already; both empty: a new one.
	AccessKey string
	Secret    string
}

// By says who makes a change. What is not known is empty.
type By struct {
	AccessKey string
	RequestID string
	Principal string // ARN
	Source    string // IP address
	Operation string
	Cause     string // "request", which empty means too, or "job"
	CauseID   string
}
