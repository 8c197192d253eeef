package integration

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

// What is not built answers so, what does not make sense is refused, and neither ever
// does something else instead: a request on a sub-resource must not read, write or
// delete the object or bucket itself.
func TestUnsupportedOperationsTouchNothing(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket, key := bucketName(t), "k"
	must(t, c.createBucket(bucket))
	_, err := c.put(bucket, key, []byte("x"))
	must(t, err)
	ctx := context.Background()
	for name, refused := range map[string]struct {
		want string
		call func() error
	}{
		"PutBucketLifecycleConfiguration": {"400 MalformedXML", func() error { // there is no rule
			_, err := c.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{}}})
			return err
		}},
		"PutBucketWebsite": {"501 NotImplemented", func() error {
			_, err := c.s3.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{Bucket: &bucket, WebsiteConfiguration: &types.WebsiteConfiguration{}})
			return err
		}},
		"PutBucketReplication": {"501 NotImplemented", func() error {
			_, err := c.s3.PutBucketReplication(ctx, &s3.PutBucketReplicationInput{Bucket: &bucket,
				ReplicationConfiguration: &types.ReplicationConfiguration{Role: aws.String("r"), Rules: []types.ReplicationRule{}}})
			return err
		}},
		"RestoreObject": {"403 InvalidObjectState", func() error { // it is in no archive
			_, err := c.s3.RestoreObject(ctx, &s3.RestoreObjectInput{Bucket: &bucket, Key: &key, RestoreRequest: &types.RestoreRequest{}})
			return err
		}},
		"RenameObject": {"501 NotImplemented", func() error {
			_, err := c.s3.RenameObject(ctx, &s3.RenameObjectInput{Bucket: &bucket, Key: aws.String("other"), RenameSource: &key})
			return err
		}},
		"PutObjectRetention": {"400 InvalidRequest", func() error { // the bucket has no Object Lock
			_, err := c.s3.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &bucket, Key: &key, Retention: &types.ObjectLockRetention{}})
			return err
		}},
		"PutObjectLegalHold": {"400 MalformedXML", func() error {
			_, err := c.s3.PutObjectLegalHold(ctx, &s3.PutObjectLegalHoldInput{Bucket: &bucket, Key: &key, LegalHold: &types.ObjectLockLegalHold{}})
			return err
		}},
		"PutObjectLockConfiguration": {"400 MalformedXML", func() error {
			_, err := c.s3.PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{Bucket: &bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{}})
			return err
		}},
		"PutBucketPolicy": {"400 MalformedPolicy", func() error {
			_, err := c.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String("{}")})
			return err
		}},
		"PutObjectAcl": {"400 AccessControlListNotSupported", func() error {
			_, err := c.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: &bucket, Key: &key, ACL: types.ObjectCannedACLPublicRead})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			wantFault(t, refused.call(), refused.want)
			wantBody(t, c, bucket, key, "", []byte("x"))
			if keys, _, err := c.keys(bucket, listing{}); err != nil || len(keys) != 1 {
				t.Errorf("the bucket holds %q, %v", keys, err)
			}
		})
	}
}

func TestStrangersAreRefused(t *testing.T) {
	bucket := bucketName(t)
	must(t, newMinio(t, shared.Endpoint, minio.Options{}).createBucket(bucket))
	for name, keys := range map[string][2]string{
		"wrong secret": {accessKey, "wrong-secret"}, "unknown access key": {"nobody", secretKey},
	} {
		c := newAWS(t, shared.Endpoint)
		o := c.s3.Options()
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keys[0], SecretAccessKey: keys[1]}, nil
		})
		_, err := awsClient{s3: s3.New(o)}.put(bucket, "k", []byte("x"))
		want := map[string]string{"wrong secret": "403 SignatureDoesNotMatch", "unknown access key": "403 InvalidAccessKeyId"}[name]
		wantFault(t, err, want)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		r, err := http.NewRequest(method, shared.Endpoint+"/"+bucket+"/k", strings.NewReader(""))
		must(t, err)
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("unsigned %s: %s, want 403", method, answer.Status)
		}
	}
}
