package api

import (
	"slices"
	"strings"
)

// The actions that are asked for beside that of an operation, and those that decide on
// deletes.
const (
	getObject     = "s3:GetObject"
	getVersion    = "s3:GetObjectVersion"
	deleteObject  = "s3:DeleteObject"
	deleteVersion = "s3:DeleteObjectVersion"
	putTags       = "s3:PutObjectTagging"
	bypassLock    = "s3:BypassGovernanceRetention"
	listBucket    = "s3:ListBucket"
	listVersions  = "s3:ListBucketVersions"
)

// further is an action that a request takes besides that of its operation.
type further struct {
	operations []string
	when       func(*exchange) bool
	// action is that of a request without a versionId, versioned with one.
	action, versioned string
}

// makers are the operations that say what an object is to be.
var makers = []string{"PutObject", "PostObject", "CopyObject", "CreateMultipartUpload"}

// furtherActions are all of these (spec AP1-2, AP1-8, AP1-12, AP1-14, OL1.5-1). The
// order is that in which they are asked for. Those of CreateBucket are asked for there.
var furtherActions = []further{
	{[]string{"GetObjectAttributes"}, always, getObject, getVersion},
	{[]string{"DeleteObject"}, (*exchange).comparesETag, getObject, getObject},
	{makers, (*exchange).sendsACL, "s3:PutObjectAcl", ""},
	{makers, (*exchange).sendsTags, putTags, ""},
	{makers, sends(lockModeHeader, lockUntilHeader), "s3:PutObjectRetention", ""},
	{makers, sends(lockHoldHeader), "s3:PutObjectLegalHold", ""},
}

// maxActions is how many actions one request takes at most.
const maxActions = 5

// judgedInStore are the operations that hand [exchange.guard] to the store, so that
// policies can look at the object.
var judgedInStore = map[string]bool{
	"GetObject": true, "HeadObject": true, "GetObjectAttributes": true,
	"DeleteObject": true, "DeleteObjects": true,
	"GetObjectAcl": true, "PutObjectAcl": true,
	"GetObjectTagging": true, "PutObjectTagging": true, "DeleteObjectTagging": true,
	"GetObjectRetention": true, "PutObjectRetention": true,
	"GetObjectLegalHold": true, "PutObjectLegalHold": true,
}

// actions appends the actions that the request takes (spec AP1).
func (x *exchange) actions(list []string) []string {
	_, versioned := x.query.lookup("versionId")
	list = append(list, x.op.action)
	if versioned {
		list[0] = x.op.versioned
	}
	for i := range furtherActions {
		f := &furtherActions[i]
		switch {
		case !slices.Contains(f.operations, x.op.name), !f.when(x):
		case versioned:
			list = append(list, f.versioned)
		default:
			list = append(list, f.action)
		}
	}
	return list
}

func always(*exchange) bool { return true }

// sends returns whether a request has one of the headers, named in canonical form.
func sends(names ...string) func(*exchange) bool {
	return func(x *exchange) bool {
		return slices.ContainsFunc(names, x.sent)
	}
}

// comparesETag reports whether the request is made to depend on the ETag of the object,
// and so tells it to whoever guesses right (spec AP1-8, VD6-11).
func (x *exchange) comparesETag() bool {
	return x.sent("If-Match") && x.header("If-Match") != "*"
}

// sendsACL reports whether the request says who gets access to the object, be it the
// owner alone.
func (x *exchange) sendsACL() bool {
	if x.sent(aclHeader) {
		return true
	}
	for name := range x.r.Header {
		if strings.HasPrefix(name, grantPrefix) {
			return true
		}
	}
	return false
}

// sendsTags reports whether the request gives the object tags: by a header, which a
// copy may send and not mean, or by the field of a form.
func (x *exchange) sendsTags() bool {
	if x.form != nil {
		if _, sent := x.form.fields.Lookup("tagging"); sent {
			return true
		}
	}
	return x.sent(taggingHeader)
}
