package policy

import "strings"

// VersioningKey is a condition key of this server: the versioning state of the
// bucket of an object action, as "Unversioned", "Enabled" or "Suspended". In the
// first and the last PutObject and DeleteObject destroy the null version
// (AP1-32); a Deny on this key keeps a credential from doing so.
const VersioningKey = "tombstone:versioning"

// keyName is a condition key, ready to be looked up.
type keyName struct {
	name string // in lower case
	own  ownKey // of the keys that Evaluate knows itself
}

func newKeyName(name string) keyName {
	name = strings.ToLower(name)
	return keyName{name, ownKeys[name]}
}

// ownKey is a key whose value follows from principal and bucket. Callers cannot
// set these, so that none can be forgotten or forged.
type ownKey uint8

const (
	userName ownKey = iota + 1
	userID
	principalARN
	principalAccount
	principalType
	resourceAccount
	viaService
	isService
)

var ownKeys = map[string]ownKey{
	"aws:username":         userName,
	"aws:userid":           userID,
	"aws:principalarn":     principalARN,
	"aws:principalaccount": principalAccount,
	"aws:principaltype":    principalType,
	"aws:resourceaccount":  resourceAccount,
	"s3:resourceaccount":   resourceAccount,
	// No service of Amazon makes requests here, neither for itself nor for others. A Deny
	// often demands that it is none, and has to hold.
	"aws:viaawsservice":         viaService,
	"aws:principalisawsservice": isService,
}

// value returns the value of the key in a request, "" if it is absent. The
// values for each kind of principal are those of the IAM reference.
func (k ownKey) value(e *evaluation) string {
	p := e.request.Principal
	switch k {
	case userName:
		if p != nil {
			return p.User
		}
	case userID:
		return userIDOf(p)
	case principalARN:
		return p.ARN()
	case principalAccount:
		if p.Anonymous() {
			return "anonymous"
		}
		return p.Account
	case principalType:
		return typeOf(p)
	case viaService:
		return "false"
	case isService: // absent of anonymous requests
		if !p.Anonymous() {
			return "false"
		}
	case resourceAccount:
		if e.bucket != nil {
			return e.bucket.Owner
		}
	}
	return ""
}

func userIDOf(p *Principal) string {
	switch {
	case p.Anonymous():
		return "anonymous"
	case p.Root():
		return p.Account
	}
	return p.UserID
}

func typeOf(p *Principal) string {
	switch {
	case p.Anonymous():
		return "Anonymous"
	case p.Root():
		return "Account"
	}
	return "User"
}

// globalKeys are the keys of the IAM reference that any action may have. What
// ends with a slash is followed by the key of a tag.
var globalKeys = fieldSet(`
	aws:AssumedRoot aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:ChatbotSourceArn aws:CurrentTime
	aws:Ec2InstanceSourcePrivateIPv4 aws:Ec2InstanceSourceVpc aws:EpochTime aws:FederatedProvider
	aws:MultiFactorAuthAge aws:MultiFactorAuthPresent aws:PrincipalAccount aws:PrincipalArn
	aws:PrincipalIsAWSService aws:PrincipalOrgID aws:PrincipalOrgPaths aws:PrincipalServiceName
	aws:PrincipalServiceNamesList aws:PrincipalTag/ aws:PrincipalType aws:Referer aws:RequestTag/
	aws:RequestedRegion aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths aws:ResourceTag/
	aws:SecureTransport aws:SourceAccount aws:SourceArn aws:SourceIdentity aws:SourceIp aws:SourceOrgID
	aws:SourceOrgPaths aws:SourceOwner aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:TagKeys
	aws:TokenIssueTime aws:UserAgent aws:ViaAWSService aws:VpcSourceIp aws:VpceAccount aws:VpceOrgID
	aws:VpceOrgPaths aws:userid aws:username
	s3:AccessGrantsInstanceArn s3:AccessPointNetworkOrigin s3:DataAccessPointAccount s3:DataAccessPointArn
	s3:ResourceAccount s3:TlsVersion s3:authType s3:signatureAge s3:signatureversion s3:x-amz-content-sha256 ` +
	VersioningKey)

// s3Keys are the keys that only some actions have (AP2-3 to AP2-9; Service
// Authorization Reference, "Actions, resources, and condition keys for S3").
var s3Keys = newActionKeys([]actionKeys{
	{"s3:VersionId", "s3:*ObjectVersion*"},
	{"s3:prefix s3:delimiter s3:max-keys", "s3:ListBucket s3:ListBucketVersions"},
	{"s3:ExistingObjectTag/", `s3:GetObject s3:GetObjectAcl s3:GetObjectAttributes s3:GetObjectTagging
		s3:GetObjectVersion s3:GetObjectVersionAcl s3:GetObjectVersionAttributes s3:GetObjectVersionTagging
		s3:PutObjectAcl s3:PutObjectTagging s3:PutObjectVersionAcl s3:PutObjectVersionTagging
		s3:DeleteObjectTagging s3:DeleteObjectVersionTagging`},
	{"s3:RequestObjectTag/ s3:RequestObjectTagKeys", "s3:PutObject s3:PutObjectTagging s3:PutObjectVersionTagging " + bypass},
	{"s3:object-lock-mode s3:object-lock-retain-until-date s3:object-lock-remaining-retention-days",
		"s3:PutObject s3:PutObjectRetention s3:ReplicateObject " + bypass},
	{"s3:object-lock-legal-hold", "s3:PutObject s3:PutObjectLegalHold s3:ReplicateObject " + bypass},
	{"s3:if-match", "s3:PutObject s3:DeleteObject s3:DeleteObjectVersion"},
	{"s3:if-none-match s3:ObjectCreationOperation", "s3:PutObject"},
	{`s3:x-amz-acl s3:x-amz-grant-full-control s3:x-amz-grant-read s3:x-amz-grant-read-acp
		s3:x-amz-grant-write s3:x-amz-grant-write-acp`,
		"s3:CreateBucket s3:PutBucketAcl s3:PutObject s3:PutObjectAcl s3:PutObjectVersionAcl " + bypass},
	{`s3:x-amz-copy-source s3:x-amz-metadata-directive s3:x-amz-server-side-encryption
		s3:x-amz-server-side-encryption-aws-kms-key-id s3:x-amz-server-side-encryption-customer-algorithm
		s3:x-amz-storage-class s3:x-amz-website-redirect-location`, "s3:PutObject s3:ReplicateObject " + bypass},
	{"s3:LocationConstraint s3:x-amz-object-ownership", "s3:CreateBucket"},
	{"s3:InventoryAccessibleOptionalFields", "s3:PutInventoryConfiguration"},
})

// bypass has the keys of everything that it can override.
const bypass = "s3:BypassGovernanceRetention"

// actionKeys are keys and the actions that have them, as words.
type actionKeys struct{ keys, actions string }

// newActionKeys returns the actions of each key.
func newActionKeys(rows []actionKeys) map[string]actionSet {
	keys := make(map[string]actionSet)
	for _, row := range rows {
		var set actionSet
		for pattern := range strings.FieldsSeq(row.actions) {
			set.merge(actionsOf(pattern))
		}
		for key := range fieldSet(row.keys) {
			keys[key] = set
		}
	}
	return keys
}

// fieldSet returns the words of s in lower case.
func fieldSet(s string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(strings.ToLower(s)) {
		set[word] = true
	}
	return set
}

// knownKey reports whether S3 has a key, and which actions do; those of a key
// that all have are empty.
func knownKey(key string) (actionSet, bool) {
	if before, tag, ok := strings.Cut(key, "/"); ok && tag != "" {
		key = before + "/"
	}
	if globalKeys[key] {
		return actionSet{}, true
	}
	set, ok := s3Keys[key]
	return set, ok
}
