package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// denied is how a refusal for want of permission reads.
const denied = "403 AccessDenied"

// attempt is one way to harm what a bucket keeps.
type attempt struct {
	name string
	try  func(t *testing.T, c *s3.Client) error
	or   string // how else it may be refused, since nobody at all may
}

// These are ways to refuse what nobody may: an ACL where they are disabled, a bypass or a
// lock where there are none, what is not built.
const (
	noACLs   = "400 AccessControlListNotSupported"
	noBypass = "400 InvalidArgument"
	noLocks  = "400 InvalidRequest"
)

func (a attempt) orRefused(as string) attempt {
	a.or = as
	return a
}

// by makes an attempt of a call.
func by[In, Out any](name string, call func(*s3.Client, context.Context, *In, ...func(*s3.Options)) (*Out, error), in *In) attempt {
	return attempt{name: name, try: func(t *testing.T, c *s3.Client) error {
		_, err := call(c, t.Context(), in)
		return err
	}}
}

// wantDenied reports attempts of a user that are not refused.
func (s *usersServer) wantDenied(t *testing.T, key string, attempts []attempt) {
	t.Helper()
	c := s.user(t, key).s3
	for _, a := range attempts {
		if got := fault(a.try(t, c)); got != denied && (a.or == "" || got != a.or) {
			t.Errorf("%s: got %q, want %q", a.name, got, denied)
		}
	}
}

// errDenied is that of an attempt which is refused in another form than by an error.
var errDenied = errors.New(denied)

// deletesOf is DeleteObjects with one entry for each target. It answers errDenied if each was
// refused as it has to be.
func deletesOf(bucket string, bypass bool, targets ...target) attempt {
	return attempt{name: "DeleteObjects", try: func(t *testing.T, c *s3.Client) error {
		in := &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{}}
		if bypass {
			in.BypassGovernanceRetention = &bypass
		}
		for _, to := range targets {
			in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: &to.key, VersionId: given(to.id)})
		}
		out, err := c.DeleteObjects(t.Context(), in)
		if err != nil {
			return err
		}
		otherwise := func(e types.Error) bool { return *e.Code != "AccessDenied" }
		if len(out.Deleted) > 0 || len(out.Errors) != len(targets) || slices.ContainsFunc(out.Errors, otherwise) {
			return fmt.Errorf("deleted %d, refused %d of %d", len(out.Deleted), len(out.Errors), len(targets))
		}
		return errDenied
	}}
}

// removalsOf are the ways to remove an entry for good.
func removalsOf(bucket string, e entry) []attempt {
	in := &s3.DeleteObjectInput{Bucket: &bucket, Key: &e.key, VersionId: &e.id}
	bypassing := *in
	bypassing.BypassGovernanceRetention = aws.Bool(true)
	return []attempt{
		by("DeleteObject of "+e.id, (*s3.Client).DeleteObject, in),
		by("DeleteObject with bypass of "+e.id, (*s3.Client).DeleteObject, &bypassing).orRefused(noBypass),
		deletesOf(bucket, false, target{e.key, e.id}), deletesOf(bucket, true, target{e.key, e.id}).orRefused(noBypass),
	}
}

// overwritesOf are the ways to change what a key is by name: in a bucket that does not
// keep versions each destroys what was there.
func overwritesOf(bucket, key, source string) []attempt {
	return []attempt{
		by("PutObject", (*s3.Client).PutObject, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("gone")}),
		by("CopyObject", (*s3.Client).CopyObject, &s3.CopyObjectInput{Bucket: &bucket, Key: &key, CopySource: &source}),
		by("CreateMultipartUpload", (*s3.Client).CreateMultipartUpload, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key}),
		by("DeleteObject", (*s3.Client).DeleteObject, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}),
		by("DeleteObject of null", (*s3.Client).DeleteObject, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: aws.String("null")}),
		deletesOf(bucket, false, target{key: key}, target{key, "null"}),
		{name: "a form", try: func(t *testing.T, c *s3.Client) error {
			form, err := s3.NewPresignClient(c).PresignPostObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key})
			must(t, err)
			if status := sendForm(t, form, []byte("gone")); status != http.StatusForbidden {
				return fmt.Errorf("status %d", status)
			}
			return errDenied
		}},
	}
}

// settingsOf are the ways to change what protects a bucket and its objects.
func settingsOf(bucket, key string) []attempt {
	return slices.Concat(bucketSettingsOf(bucket), objectSettingsOf(bucket, key))
}

func bucketSettingsOf(bucket string) []attempt {
	rule := types.LifecycleRule{Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
		NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}}
	policy := `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::` + bucket + `/*"}}`
	return []attempt{
		by("PutBucketVersioning", (*s3.Client).PutBucketVersioning, &s3.PutBucketVersioningInput{Bucket: &bucket,
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}}),
		by("PutBucketLifecycleConfiguration", (*s3.Client).PutBucketLifecycleConfiguration, &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket,
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule}}}),
		by("DeleteBucketLifecycle", (*s3.Client).DeleteBucketLifecycle, &s3.DeleteBucketLifecycleInput{Bucket: &bucket}),
		by("PutObjectLockConfiguration", (*s3.Client).PutObjectLockConfiguration, &s3.PutObjectLockConfigurationInput{Bucket: &bucket,
			ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled}}),
		by("PutBucketPolicy", (*s3.Client).PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}),
		by("DeleteBucketPolicy", (*s3.Client).DeleteBucketPolicy, &s3.DeleteBucketPolicyInput{Bucket: &bucket}),
		by("PutBucketAcl", (*s3.Client).PutBucketAcl, &s3.PutBucketAclInput{Bucket: &bucket, ACL: types.BucketCannedACLPublicRead}).orRefused(noACLs),
		by("PutPublicAccessBlock", (*s3.Client).PutPublicAccessBlock, &s3.PutPublicAccessBlockInput{Bucket: &bucket,
			PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{}}),
		by("DeletePublicAccessBlock", (*s3.Client).DeletePublicAccessBlock, &s3.DeletePublicAccessBlockInput{Bucket: &bucket}),
		by("PutBucketOwnershipControls", (*s3.Client).PutBucketOwnershipControls, &s3.PutBucketOwnershipControlsInput{Bucket: &bucket,
			OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}}),
		by("DeleteBucketOwnershipControls", (*s3.Client).DeleteBucketOwnershipControls, &s3.DeleteBucketOwnershipControlsInput{Bucket: &bucket}),
		by("PutBucketCors", (*s3.Client).PutBucketCors, &s3.PutBucketCorsInput{Bucket: &bucket, CORSConfiguration: &types.CORSConfiguration{
			CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}}}}),
		by("PutBucketTagging", (*s3.Client).PutBucketTagging, &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: &types.Tagging{TagSet: []types.Tag{}}}),
		by("PutBucketRequestPayment", (*s3.Client).PutBucketRequestPayment, &s3.PutBucketRequestPaymentInput{Bucket: &bucket,
			RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: types.PayerRequester}}),
		by("DeleteBucketEncryption", (*s3.Client).DeleteBucketEncryption, &s3.DeleteBucketEncryptionInput{Bucket: &bucket}),
		by("DeleteBucket", (*s3.Client).DeleteBucket, &s3.DeleteBucketInput{Bucket: &bucket}),
		by("CreateBucket", (*s3.Client).CreateBucket, &s3.CreateBucketInput{Bucket: aws.String(bucket + "-other")}),
	}
}

func objectSettingsOf(bucket, key string) []attempt {
	soon := time.Now().Add(time.Minute)
	retention := &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeGovernance, RetainUntilDate: &soon}
	tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}
	put := func(name string, in s3.PutObjectInput) attempt {
		in.Bucket, in.Key, in.Body = &bucket, aws.String(key+" of "+name), strings.NewReader("x")
		return by("PutObject with "+name, (*s3.Client).PutObject, &in)
	}
	return []attempt{
		by("PutObjectRetention", (*s3.Client).PutObjectRetention, &s3.PutObjectRetentionInput{Bucket: &bucket, Key: &key, Retention: retention}).orRefused(noLocks),
		by("PutObjectRetention with bypass", (*s3.Client).PutObjectRetention, &s3.PutObjectRetentionInput{Bucket: &bucket, Key: &key,
			Retention: &types.ObjectLockRetention{}, BypassGovernanceRetention: aws.Bool(true)}).orRefused(noLocks),
		by("PutObjectLegalHold", (*s3.Client).PutObjectLegalHold, &s3.PutObjectLegalHoldInput{Bucket: &bucket, Key: &key,
			LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOff}}).orRefused(noLocks),
		by("PutObjectAcl", (*s3.Client).PutObjectAcl, &s3.PutObjectAclInput{Bucket: &bucket, Key: &key, ACL: types.ObjectCannedACLPublicRead}).orRefused(noACLs),
		by("PutObjectAcl by grant", (*s3.Client).PutObjectAcl, &s3.PutObjectAclInput{Bucket: &bucket, Key: &key,
			GrantRead: aws.String(`uri="http://acs.amazonaws.com/groups/global/AllUsers"`)}).orRefused(noACLs),
		by("PutObjectTagging", (*s3.Client).PutObjectTagging, &s3.PutObjectTaggingInput{Bucket: &bucket, Key: &key, Tagging: tags}),
		by("DeleteObjectTagging", (*s3.Client).DeleteObjectTagging, &s3.DeleteObjectTaggingInput{Bucket: &bucket, Key: &key}),
		put("ACL", s3.PutObjectInput{ACL: types.ObjectCannedACLPublicRead}).orRefused(noACLs),
		put("tags", s3.PutObjectInput{Tagging: aws.String("a=b")}),
		put("retention", s3.PutObjectInput{ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &lockUntil}),
		put("legal hold", s3.PutObjectInput{ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn}),
	}
}
