package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

const gib = 1 << 30

// heavy skips what writes GiBs, unless it was asked for.
func heavy(t *testing.T) {
	t.Helper()
	if os.Getenv("TOMBSTONE_HEAVY") != "1" {
		t.Skip("TOMBSTONE_HEAVY=1 runs it; it needs 10 GiB of disk")
	}
}

// 1 GiB in parts of 8 MiB, with sums that are verified on both ends.
func TestHeavyMultipart(t *testing.T) {
	heavy(t)
	b, js := newBoto3(t), newJavaScript(t)
	t.Run("boto3", func(t *testing.T) {
		b.note(t, "1 GiB in parts of 8 MiB, up and back, sums verified")
		b.flow(t, shared.Endpoint, "large", bucketName(t))
	})
	t.Run("JavaScript", func(t *testing.T) {
		js.note(t, "1 GiB in parts of 8 MiB, up and back, sums verified")
		js.flow(t, shared.Endpoint, "large", bucketName(t))
	})
}

// copyLimit bounds the copy of 6 GiB. Bytes that are shared are not written, but
// they are read where sums of other ranges are wanted.
const copyLimit = 30 * time.Second

// An object over the 5 GiB that CopyObject takes is copied by UploadPartCopy, in
// seconds, as its bytes are shared.
func TestHeavyPartCopy(t *testing.T) {
	heavy(t)
	const size, part = 6 * gib, gib
	ctx, c, bucket := t.Context(), newAWS(t, shared.Endpoint), bucketName(t)
	must(t, c.createBucket(bucket))
	body := io.LimitReader(&pattern{block: content(7, 1<<20+7)}, size)
	_, err := newMinio(t, shared.Endpoint, minio.Options{}).core.Client.PutObject(ctx, bucket, "six GiB", body, size,
		minio.PutObjectOptions{PartSize: part, NumThreads: 1, DisableContentSha256: true})
	must(t, err)
	_, err = c.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("copy"), CopySource: aws.String(bucket + "/six%20GiB")})
	if err == nil {
		t.Error("CopyObject takes more than 5 GiB")
	}

	begun := time.Now()
	must(t, copyInParts(ctx, c, bucket, "six GiB", "copy", size, part))
	took := time.Since(begun)
	t.Logf("6 GiB copied by UploadPartCopy in %s", took.Round(time.Millisecond))
	if took > copyLimit {
		t.Errorf("the copy took %s, want at most %s", took, copyLimit)
	}
	module(t, "aws-sdk-go-v2", "github.com/aws/aws-sdk-go-v2/service/s3").note(t, "6 GiB copied by UploadPartCopy")
	must(t, c.s3Delete(ctx, bucket, "six GiB"))
	wantPattern(t, c, bucket, "copy", size)
	must(t, c.s3Delete(ctx, bucket, "copy"))
}

func (c awsClient) s3Delete(ctx context.Context, bucket, key string) error {
	_, err := c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	return err
}

// copyInParts copies an object by ranges of part bytes.
func copyInParts(ctx context.Context, c awsClient, bucket, from, to string, size, part int64) error {
	up, err := c.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &to})
	if err != nil {
		return err
	}
	var parts []types.CompletedPart
	for at := int64(0); at < size; at += part {
		number := int32(len(parts) + 1)
		span := fmt.Sprintf("bytes=%d-%d", at, min(at+part, size)-1)
		out, err := c.s3.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: &bucket, Key: &to, UploadId: up.UploadId, PartNumber: &number,
			CopySource: aws.String(bucket + "/" + from), CopySourceRange: &span})
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag})
	}
	_, err = c.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &to, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	return err
}

// wantPattern reads an object and compares it with the pattern that was put.
func wantPattern(t *testing.T, c awsClient, bucket, key string, size int64) {
	t.Helper()
	out, err := c.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	must(t, err)
	defer out.Body.Close()
	want := io.LimitReader(&pattern{block: content(7, 1<<20+7)}, size)
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for at := int64(0); ; {
		n, errGot := io.ReadFull(out.Body, a)
		m, errWant := io.ReadFull(want, b)
		if !bytes.Equal(a[:n], b[:m]) {
			t.Fatalf("%s differs within the MiB from %d", key, at)
		}
		at += int64(n)
		if errGot != nil || errWant != nil {
			if at != size || (!errors.Is(errGot, io.EOF) && !errors.Is(errGot, io.ErrUnexpectedEOF)) {
				t.Fatalf("%s ends after %d bytes of %d: %v", key, at, size, errGot)
			}
			return
		}
	}
}
