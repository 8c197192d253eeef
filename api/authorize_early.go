package api

// signedOnly are the operations that nobody does without a signature, whatever policies
// say, with what Amazon answers (aws/aws-sdk-cpp#1575 for uploads in parts, versitygw's
// tests for the others).
var signedOnly = map[string]string{
	"CreateMultipartUpload":         "Anonymous users cannot initiate multipart uploads.  Please authenticate.",
	"CopyObject":                    "Anonymous users cannot copy objects. Please authenticate.",
	"CreateBucket":                  needsSignature,
	"PutBucketAcl":                  needsSignature,
	"PutObjectAcl":                  needsSignature,
	"GetBucketOwnershipControls":    "s3:GetBucketOwnershipControls does not support Anonymous requests!",
	"PutBucketOwnershipControls":    "s3:PutBucketOwnershipControls does not support Anonymous requests!",
	"DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls does not support Anonymous requests!",
}

const needsSignature = "Anonymous users cannot invoke this API. Please authenticate."

// checkSigned refuses callers without a name what only others may.
func (x *exchange) checkSigned() error {
	if text, ok := signedOnly[x.op.name]; ok && x.caller.Principal.Anonymous() {
		return refuseWith("AccessDenied", text)
	}
	return nil
}

// checkEarly asks policy before the document of a request is read that configures its
// bucket, or replaces an ACL: what is wrong with it, and whether it goes with what the
// bucket has, is told to those who may. Elsewhere policies look at what is read, or at
// the object.
func (x *exchange) checkEarly() error {
	if x.op.method != put || x.creates() || x.level != bucket && x.op.name != "PutObjectAcl" {
		return nil
	}
	if err := x.checkSigned(); err != nil {
		return err
	}
	if judgedInStore[x.op.name] {
		if depends, err := x.dependsOnObject(&x.found); depends || err != nil {
			return err
		}
	}
	return x.askAll(nil)
}
