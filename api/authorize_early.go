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

// checkEarly asks policy before what a request sets is looked at, where that is held
// against what others have: the settings of a bucket, and an ACL, which names accounts.
// What is wrong with it is told to those who may. Elsewhere policies look at what is
// read from the body, or at the object.
func (x *exchange) checkEarly() error {
	if !x.asksEarly() {
		return nil
	}
	if err := x.checkSigned(); err != nil {
		return err
	}
	if judgedInStore[x.op.name] {
		depends, err := x.dependsOnObject(&x.found)
		switch {
		case err != nil:
			return err
		case depends:
			return x.askStored()
		}
	}
	return x.askAll(nil)
}

func (x *exchange) asksEarly() bool {
	switch x.op.name {
	case "CreateBucket":
		return false // it asks for more, which its document decides
	case "PutObjectAcl":
		return true
	case "PutObject", "CopyObject", "CreateMultipartUpload":
		return x.sendsACL()
	}
	return x.op.method == put && x.level == bucket
}
