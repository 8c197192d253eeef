package integration

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

var algorithms = []types.ChecksumAlgorithm{
	types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme,
	types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256,
}

var minioAlgorithms = map[types.ChecksumAlgorithm]minio.ChecksumType{
	types.ChecksumAlgorithmCrc32: minio.ChecksumCRC32, types.ChecksumAlgorithmCrc32c: minio.ChecksumCRC32C,
	types.ChecksumAlgorithmCrc64nvme: minio.ChecksumCRC64NVME, types.ChecksumAlgorithmSha1: minio.ChecksumSHA1,
	types.ChecksumAlgorithmSha256: minio.ChecksumSHA256,
}

// A checksum comes in a header, in an unsigned trailer, and in a signed one, and
// is the same. The SDK computes it by itself, and compares the one it gets back
// with the bytes it reads.
func TestChecksumsInHeaderAndTrailer(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	trailers := newAWSTrailers(t, shared.Endpoint)
	signed := newMinio(t, shared.Endpoint, minio.Options{TrailingHeaders: true})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	for _, algorithm := range algorithms {
		key := string(algorithm)
		for i, n := range []int{1, 10, 200 << 10} {
			body := content(i, n)
			var sums []string
			for _, sdk := range []awsClient{c, trailers} {
				in := s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ChecksumAlgorithm: algorithm}
				_, err := sdk.s3.PutObject(context.Background(), &in)
				must(t, err)
				sums = append(sums, checksumOf(t, c, bucket, key, body))
			}
			_, err := signed.core.Client.PutObject(context.Background(), bucket, key, bytes.NewReader(body), int64(n), minio.PutObjectOptions{Checksum: minioAlgorithms[algorithm]})
			must(t, err)
			sums = append(sums, checksumOf(t, c, bucket, key, body))
			if sums[0] == "" || sums[1] != sums[0] || sums[2] != sums[0] {
				t.Errorf("%s of %d bytes, in a header, an unsigned and a signed trailer: %q", algorithm, n, sums)
			}
		}
	}
}

// checksumOf reads a key and returns the one checksum the server has of it.
func checksumOf(t *testing.T, c awsClient, bucket, key string, body []byte) string {
	t.Helper()
	wantBody(t, c, bucket, key, "", body)
	out, err := c.s3.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	must(t, err)
	if out.ChecksumType != types.ChecksumTypeFullObject {
		t.Errorf("%s: checksum type %q", key, out.ChecksumType)
	}
	all := map[types.ChecksumAlgorithm]*string{
		types.ChecksumAlgorithmCrc32: out.ChecksumCRC32, types.ChecksumAlgorithmCrc32c: out.ChecksumCRC32C, types.ChecksumAlgorithmCrc64nvme: out.ChecksumCRC64NVME,
		types.ChecksumAlgorithmSha1: out.ChecksumSHA1, types.ChecksumAlgorithmSha256: out.ChecksumSHA256,
	}
	for algorithm, value := range all {
		if (value != nil) != (string(algorithm) == key) {
			t.Errorf("%s: has a checksum %s: %v", key, algorithm, value != nil)
		}
	}
	return aws.ToString(all[types.ChecksumAlgorithm(key)])
}

// A body that is not what a checksum or digest says is refused, and what the key
// held before stays.
func TestWrongChecksums(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	before := []byte("before")
	_, err := c.put(bucket, "k", before)
	must(t, err)
	sha := sha256.Sum256([]byte("other"))
	sum := md5.Sum([]byte("other"))
	wrong := base64.StdEncoding.EncodeToString
	for name, test := range map[string]struct {
		in   s3.PutObjectInput
		want string
	}{
		"sha256":        {s3.PutObjectInput{ChecksumSHA256: aws.String(wrong(sha[:]))}, "400 BadDigest"},
		"crc32":         {s3.PutObjectInput{ChecksumCRC32: aws.String("AAAAAA==")}, "400 BadDigest"},
		"crc64nvme":     {s3.PutObjectInput{ChecksumCRC64NVME: aws.String("AAAAAAAAAAA=")}, "400 BadDigest"},
		"not a crc32":   {s3.PutObjectInput{ChecksumCRC32: aws.String("AAAA")}, "400 InvalidRequest"},
		"md5":           {s3.PutObjectInput{ContentMD5: aws.String(wrong(sum[:]))}, "400 BadDigest"},
		"not an md5":    {s3.PutObjectInput{ContentMD5: aws.String("AAAA")}, "400 InvalidDigest"},
		"not even text": {s3.PutObjectInput{ContentMD5: aws.String("%%%%")}, "400 InvalidDigest"},
	} {
		t.Run(name, func(t *testing.T) {
			in := test.in
			in.Bucket, in.Key, in.Body = &bucket, aws.String("k"), bytes.NewReader([]byte("after"))
			_, err := c.s3.PutObject(context.Background(), &in)
			wantFault(t, err, test.want)
			wantBody(t, c, bucket, "k", "", before)
		})
	}
}

func TestContentMD5(t *testing.T) {
	c := newMinio(t, shared.Endpoint, minio.Options{})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	body := content(1, 100<<10)
	for _, o := range []minio.PutObjectOptions{{SendContentMd5: true}, {DisableContentSha256: true}, {SendContentMd5: true, DisableContentSha256: true}} {
		info, err := c.core.Client.PutObject(context.Background(), bucket, "k", bytes.NewReader(body), int64(len(body)), o)
		must(t, err)
		wantBody(t, c, bucket, "k", "", body)
		if stat, err := c.core.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{}); err != nil || stat.ETag != info.ETag {
			t.Errorf("head shows ETag %s, %v, want %s", stat.ETag, err, info.ETag)
		}
	}
}
