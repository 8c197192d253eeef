package integration

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

// What is not built answers so, and never does something else instead: a request
// on a sub-resource must not read, write or delete the object or bucket itself.
func TestUnsupportedOperationsTouchNothing(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket, key := bucketName(t), "k"
	must(t, c.createBucket(bucket))
	_, err := c.put(bucket, key, []byte("x"))
	must(t, err)
	ctx := context.Background()
	tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}
	for name, call := range map[string]func() error{
		"GetObjectTagging": func() error {
			_, err := c.s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
			return err
		},
		"PutObjectTagging": func() error {
			_, err := c.s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &bucket, Key: &key, Tagging: tags})
			return err
		},
		"DeleteObjectTagging": func() error {
			_, err := c.s3.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: &bucket, Key: &key})
			return err
		},
		"PutObjectAcl": func() error {
			_, err := c.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: &bucket, Key: &key, ACL: types.ObjectCannedACLPrivate})
			return err
		},
		"PutObjectRetention": func() error {
			_, err := c.s3.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &bucket, Key: &key, Retention: &types.ObjectLockRetention{}})
			return err
		},
		"CopyObject": func() error {
			_, err := c.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: &key, CopySource: aws.String(bucket + "/other")})
			return err
		},
		"CreateMultipartUpload": func() error {
			_, err := c.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
			return err
		},
		"UploadPart": func() error {
			_, err := c.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: aws.String("u"), PartNumber: aws.Int32(1), Body: bytes.NewReader([]byte("y"))})
			return err
		},
		"AbortMultipartUpload": func() error {
			_, err := c.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: aws.String("u")})
			return err
		},
		"PutBucketLifecycleConfiguration": func() error {
			_, err := c.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{}}})
			return err
		},
		"DeleteBucketLifecycle": func() error {
			_, err := c.s3.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: &bucket})
			return err
		},
		"DeleteBucketPolicy": func() error {
			_, err := c.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &bucket})
			return err
		},
		"GetObjectLockConfiguration": func() error {
			_, err := c.s3.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &bucket})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantFault(t, call(), "501 NotImplemented")
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
