package api

import (
	"encoding/json"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
)

// The documents of the server's own endpoints under /_/v1, as JSON. Times are RFC 3339
// and left out where there is none.

// AdminAccount is an account.
type AdminAccount struct {
	ID          string     `json:"id"` // 12 digits
	CanonicalID string     `json:"canonicalId,omitempty"`
	DisplayName string     `json:"displayName,omitempty"`
	Created     *time.Time `json:"created,omitempty"`
	FromFile    bool       `json:"fromFile,omitempty"` // the declarative file made it
	Root        *AdminKey  `json:"rootKey,omitempty"`  // in the answer that made the account
}

// AdminUser is a user of an account.
type AdminUser struct {
	Name     string     `json:"name"`
	Path     string     `json:"path,omitempty"`
	ID       string     `json:"id,omitempty"`
	ARN      string     `json:"arn,omitempty"`
	Created  *time.Time `json:"created,omitempty"`
	FromFile bool       `json:"fromFile,omitempty"`
}

// AdminKey is an access key. Its secret is there in the answer that made it, and
// nowhere else.
type AdminKey struct {
	AccessKey  string     `json:"accessKey"`
	Secret     string     `json:"secretKey,omitempty"`
	User       string     `json:"user,omitempty"` // empty: the account's root
	Active     bool       `json:"active"`
	Configured bool       `json:"configured,omitempty"` // by the settings of the server
	Created    *time.Time `json:"created,omitempty"`
	LastUsed   *time.Time `json:"lastUsed,omitempty"`
	FromFile   bool       `json:"fromFile,omitempty"`
}

// AdminKeyStatus says whether an access key is to sign.
type AdminKeyStatus struct {
	Active *bool `json:"active"`
}

// AdminPolicy is a policy of an account or of a user.
type AdminPolicy struct {
	Name     string          `json:"name"`
	Managed  bool            `json:"managed,omitempty"`  // it comes with the server
	Attached bool            `json:"attached,omitempty"` // a user has it by name
	FromFile bool            `json:"fromFile,omitempty"`
	Document json.RawMessage `json:"document,omitempty"`
}

// AdminDevice is an MFA device. Its secret is there in the answer that made it, and
// nowhere else.
type AdminDevice struct {
	Serial   string     `json:"serial"`
	Name     string     `json:"name,omitempty"`
	Created  *time.Time `json:"created,omitempty"`
	FromFile bool       `json:"fromFile,omitempty"`
	Secret   string     `json:"secret,omitempty"` // base32
	URL      string     `json:"url,omitempty"`    // otpauth://, as QR codes carry it
}

// AdminQuestion asks what would be decided about a request that nobody makes.
type AdminQuestion struct {
	User      string `json:"user,omitempty"`      // of the account in the path; empty: its root
	Anonymous bool   `json:"anonymous,omitempty"` // nobody known asks
	Action    string `json:"action"`              // such as s3:DeleteObjectVersion
	Bucket    string `json:"bucket,omitempty"`
	Key       string `json:"key,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	// Conditions are values of condition keys, by their names in any case.
	Conditions map[string][]string `json:"conditions,omitempty"`
}

// AdminDecision is the answer to an AdminQuestion.
type AdminDecision struct {
	Allowed  bool        `json:"allowed"`
	Decision string      `json:"decision"` // in words
	Reason   string      `json:"reason"`
	Policy   string      `json:"policy,omitempty"` // that decided
	Sid      string      `json:"sid,omitempty"`
	Line     int         `json:"line,omitempty"`
	Steps    []AdminStep `json:"steps"`           // all statements that were looked at
	Notes    []string    `json:"notes,omitempty"` // what besides policies would hold the request back
}

// AdminStep is one statement in a decision.
type AdminStep struct {
	Policy    string `json:"policy"`
	Statement int    `json:"statement"` // from 1
	Sid       string `json:"sid,omitempty"`
	Line      int    `json:"line"`
	Effect    string `json:"effect"`
	Matched   bool   `json:"matched"`
	Why       string `json:"why,omitempty"` // it did not match
}

// moment returns t for a document, nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func adminAccount(a identity.Account) AdminAccount {
	return AdminAccount{ID: a.ID, CanonicalID: a.CanonicalID, DisplayName: a.DisplayName, Created: moment(a.Created), FromFile: a.FromFile}
}

func adminUser(u identity.User) AdminUser {
	p := policy.Principal{Account: u.Account, User: u.Name, Path: u.Path}
	return AdminUser{Name: u.Name, Path: u.Path, ID: u.ID, ARN: p.ARN(), Created: moment(u.Created), FromFile: u.FromFile}
}

func adminKey(k identity.Key) AdminKey {
	return AdminKey{
		AccessKey: k.AccessKey, User: k.User, Active: k.Active, Configured: k.Configured,
		Created: moment(k.Created), LastUsed: moment(k.LastUsed), FromFile: k.FromFile,
	}
}

func adminPolicy(p identity.Policy) AdminPolicy {
	return AdminPolicy{Name: p.Name, FromFile: p.FromFile, Document: json.RawMessage(p.JSON)}
}

func adminDevice(d identity.Device) AdminDevice {
	return AdminDevice{Serial: d.Serial, Created: moment(d.Created), FromFile: d.FromFile}
}
