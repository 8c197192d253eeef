package attack

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Op is one request, a move of the clock or a restart.
type Op struct {
	Number int
	Kind   string // what S3 or the server calls it; Advance and SetClock move the clock, Restart restarts

	By     string // access key that signs, empty for none
	How    string // header, query or form; forged: with a wrong secret; tampered: something is added that was not signed
	Secure bool   // over TLS
	IP     string

	Bucket, Key string
	Version     string
	Versioned   bool              // Version is sent
	Headers     map[string]string // by canonical name
	Body        string
	Entries     []Entry // of a DeleteObjects
	Source      *Source // of a copy
	Upload      string
	Part        int
	Token       *Token // x-amz-mfa

	Account, User, Name string // of the server's own endpoints
	Move                time.Duration
}

// Entry is one of a DeleteObjects.
type Entry struct {
	Key, Version string
	Versioned    bool
}

// Source is what is copied.
type Source struct {
	Bucket, Key, Version string
	Versioned            bool
}

// Token is what x-amz-mfa holds.
type Token struct {
	Serial string
	Step   uint64
	Code   string
	Wrong  bool // Code is none of any step near
}

// shape is how a request of a kind looks.
type shape struct {
	method string
	object bool   // about a key
	query  string // besides versionId
	own    string // path of one of the server's own endpoints
}

const own = "/_/v1"

// shapes are those of all kinds.
var shapes = map[string]shape{
	"PutObject": {"PUT", true, "", ""}, "CopyObject": {"PUT", true, "", ""}, "PostObject": {"POST", false, "", ""},
	"GetObject": {"GET", true, "", ""}, "DeleteObject": {"DELETE", true, "", ""}, "DeleteObjects": {"POST", false, "delete", ""},
	"CreateMultipartUpload": {"POST", true, "uploads", ""}, "UploadPart": {"PUT", true, "part", ""},
	"UploadPartCopy": {"PUT", true, "part", ""}, "CompleteMultipartUpload": {"POST", true, "upload", ""},
	"AbortMultipartUpload": {"DELETE", true, "upload", ""},
	"PutObjectRetention":   {"PUT", true, "retention", ""}, "PutObjectLegalHold": {"PUT", true, "legal-hold", ""},
	"PutObjectAcl": {"PUT", true, "acl", ""}, "PutObjectTagging": {"PUT", true, "tagging", ""},
	"DeleteObjectTagging": {"DELETE", true, "tagging", ""},

	"CreateBucket": {"PUT", false, "", ""}, "DeleteBucket": {"DELETE", false, "", ""},
	"PutBucketVersioning": {"PUT", false, "versioning", ""}, "PutObjectLockConfiguration": {"PUT", false, "object-lock", ""},
	"PutBucketPolicy": {"PUT", false, "policy", ""}, "DeleteBucketPolicy": {"DELETE", false, "policy", ""},
	"PutBucketAcl":         {"PUT", false, "acl", ""},
	"PutPublicAccessBlock": {"PUT", false, "publicAccessBlock", ""}, "DeletePublicAccessBlock": {"DELETE", false, "publicAccessBlock", ""},
	"PutBucketOwnershipControls":    {"PUT", false, "ownershipControls", ""},
	"DeleteBucketOwnershipControls": {"DELETE", false, "ownershipControls", ""},
	"PutBucketTagging":              {"PUT", false, "tagging", ""}, "DeleteBucketTagging": {"DELETE", false, "tagging", ""},
	"PutBucketRequestPayment":         {"PUT", false, "requestPayment", ""},
	"PutBucketLifecycleConfiguration": {"PUT", false, "lifecycle", ""}, "DeleteBucketLifecycle": {"DELETE", false, "lifecycle", ""},

	"CreateAccount": {"POST", false, "", "/accounts"}, "DeleteAccount": {"DELETE", false, "", "/accounts/{account}"},
	"CreateUser": {"POST", false, "", "/accounts/{account}/users"}, "DeleteUser": {"DELETE", false, "", "/accounts/{account}/users/{user}"},
	"CreateAccessKey": {"POST", false, "", "/accounts/{account}/keys"}, "UpdateAccessKey": {"PUT", false, "", "/accounts/{account}/keys/{name}"},
	"DeleteAccessKey": {"DELETE", false, "", "/accounts/{account}/keys/{name}"},
	"EnrollMFADevice": {"POST", false, "", "/accounts/{account}/devices"}, "RemoveMFADevice": {"DELETE", false, "", "/accounts/{account}/devices/{name}"},
	"PutPolicy": {"PUT", false, "", "/accounts/{account}/policies/{name}"}, "DeletePolicy": {"DELETE", false, "", "/accounts/{account}/policies/{name}"},
	"PutUserPolicy":    {"PUT", false, "", "/accounts/{account}/users/{user}/policies/{name}"},
	"DeleteUserPolicy": {"DELETE", false, "", "/accounts/{account}/users/{user}/policies/{name}"},
	"AttachUserPolicy": {"PUT", false, "", "/accounts/{account}/users/{user}/attached/{name}"},
	"DetachUserPolicy": {"DELETE", false, "", "/accounts/{account}/users/{user}/attached/{name}"},
	"AcceptClockStep":  {"POST", false, "", "/clock/accept"},
	"ExplainPolicy":    {"POST", false, "", "/accounts/{account}/explain"},
	"ListAccounts":     {"GET", false, "", "/accounts"}, "ListAccessKeys": {"GET", false, "", "/accounts/{account}/keys"},
	"ListUsers": {"GET", false, "", "/accounts/{account}/users"}, "ListMFADevices": {"GET", false, "", "/accounts/{account}/devices"},
	"ListPolicies": {"GET", false, "", "/accounts/{account}/policies"}, "GetPolicy": {"GET", false, "", "/accounts/{account}/policies/{name}"},
	"ListUserPolicies": {"GET", false, "", "/accounts/{account}/users/{user}/policies"},
	"ListLocks":        {"GET", false, "", "/buckets/{bucket}/locks"}, "VerifyLocks": {"GET", false, "", "/buckets/{bucket}/locks/verify"},
	"ReadLedger": {"GET", false, "", "/ledger"}, "ExportLedger": {"GET", false, "", "/ledger/export"},
	"VerifyLedger": {"GET", false, "", "/ledger/verify"}, "GetClock": {"GET", false, "", "/clock"},
}

// target returns the method and the path with its query.
func (op *Op) target() (method, target string) {
	s := shapes[op.Kind]
	if s.own != "" {
		fill := strings.NewReplacer("{account}", op.Account, "{user}", op.User, "{bucket}", op.Bucket,
			"{name}", strings.NewReplacer(":", "%3A", "/", "%2F").Replace(op.Name))
		return s.method, own + fill.Replace(s.own)
	}
	target = "/" + op.Bucket
	if s.object {
		target += "/" + op.Key
	}
	var query []string
	switch s.query {
	case "":
	case "part":
		query = append(query, fmt.Sprintf("partNumber=%d", op.Part), "uploadId="+op.Upload)
	case "upload":
		query = append(query, "uploadId="+op.Upload)
	default:
		query = append(query, s.query+"=")
	}
	if op.Versioned {
		query = append(query, "versionId="+op.Version)
	}
	if len(query) > 0 {
		target += "?" + strings.Join(query, "&")
	}
	return s.method, target
}

// header returns a header as it is sent, empty if it is not.
func (op *Op) header(name string) string { return op.Headers[http.CanonicalHeaderKey(name)] }

// sends reports whether a header is sent.
func (op *Op) sends(name string) bool {
	_, ok := op.Headers[http.CanonicalHeaderKey(name)]
	return ok
}

// set sets a header.
func (op *Op) set(name, value string) { op.Headers[http.CanonicalHeaderKey(name)] = value }

// isEvent reports whether op is no request.
func (op *Op) isEvent() bool {
	return op.Kind == "Advance" || op.Kind == "SetClock" || op.Kind == "Restart"
}

// String is one line that tells all that is sent.
func (op *Op) String() string {
	if op.isEvent() {
		return fmt.Sprintf("#%d %s %s", op.Number, op.Kind, op.Move)
	}
	method, target := op.target()
	by := op.By
	if by == "" {
		by = "nobody"
	}
	line := fmt.Sprintf("#%d %s by %s (%s tls=%v %s): %s %s", op.Number, op.Kind, by, op.How, op.Secure, op.IP, method, target)
	for _, name := range slices.Sorted(maps.Keys(op.Headers)) {
		line += fmt.Sprintf(" %s=%q", name, op.Headers[name])
	}
	if op.Key != "" && op.Kind == "PostObject" {
		line += " key=" + op.Key
	}
	if op.Body != "" {
		line += " " + op.Body
	}
	return line
}
