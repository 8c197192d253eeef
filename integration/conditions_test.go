package integration

import (
	"bytes"
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestConditionalWrites(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	must(t, c.setVersioning(bucket, "Enabled"))
	put := func(key, ifMatch, ifNoneMatch string) (string, error) {
		out, err := c.s3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte(key)),
			IfMatch: given(ifMatch), IfNoneMatch: given(ifNoneMatch)})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.ETag), nil
	}
	etag, err := put("new", "", "*")
	must(t, err)
	_, err = put("new", "", "*")
	wantFault(t, err, "412 PreconditionFailed")
	_, err = put("new", etag, "")
	must(t, err)
	_, err = put("new", `"00000000000000000000000000000000"`, "")
	wantFault(t, err, "412 PreconditionFailed")
	_, err = put("missing", etag, "")
	wantFault(t, err, "404 NoSuchKey")
	_, err = put("new", "*", "")
	wantFault(t, err, "501 NotImplemented")
	_, err = c.remove(bucket, "new", "")
	must(t, err)
	_, err = put("new", "", "*") // a marker is no object
	must(t, err)
}

func TestConditionalDeletes(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	must(t, c.setVersioning(bucket, "Enabled"))
	out, err := c.s3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("k"), Body: bytes.NewReader([]byte("x"))})
	must(t, err)
	remove := func(key, etag, id string) error {
		_, err := c.s3.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, IfMatch: &etag, VersionId: given(id)})
		return err
	}
	wantFault(t, remove("k", `"00000000000000000000000000000000"`, ""), "412 PreconditionFailed")
	wantFault(t, remove("missing", "*", ""), "404 NoSuchKey")
	wantFault(t, remove("k", *out.ETag, *out.VersionId), "501 NotImplemented")
	wantBody(t, c, bucket, "k", "", []byte("x"))
	must(t, remove("k", *out.ETag, ""))
	if got := history(t, c, bucket, "k"); got != "vd*" {
		t.Errorf("history %s, want a version below a marker", got)
	}
	wantFault(t, remove("k", "*", ""), "404 NoSuchKey")
}

func TestConditionalReads(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	out, err := c.s3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("k"), Body: bytes.NewReader([]byte("x"))})
	must(t, err)
	read := func(in s3.GetObjectInput) error {
		in.Bucket, in.Key = &bucket, aws.String("k")
		_, err := c.read(&in)
		return err
	}
	must(t, read(s3.GetObjectInput{IfMatch: out.ETag}))
	wantFault(t, read(s3.GetObjectInput{IfMatch: aws.String(`"0"`)}), "412 PreconditionFailed")
	wantFault(t, read(s3.GetObjectInput{IfNoneMatch: out.ETag}), "304 NotModified")
	must(t, read(s3.GetObjectInput{IfNoneMatch: aws.String(`"0"`)}))
}
