package integration

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	managed "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

// partedSize is the size of objects that clients upload in parts by themselves.
const partedSize = 20 << 20

// partedETag is the ETag of an object of parts of a size.
func partedETag(body []byte, size int) string {
	var sums []byte
	n := 0
	for part := range slices.Chunk(body, size) {
		sum := md5.Sum(part)
		sums = append(sums, sum[:]...)
		n++
	}
	sum := md5.Sum(sums)
	return fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:]), n)
}

// The transfer manager uploads in parts and downloads by parts and by ranges, with
// each checksum; it compares what it gets with what it computes.
func TestTransferManager(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	body := content(1, partedSize)
	for _, algorithm := range algorithms {
		m := transfermanager.New(c.s3, func(o *transfermanager.Options) { o.ChecksumAlgorithm = managed.ChecksumAlgorithm(algorithm) })
		key := string(algorithm)
		up, err := m.UploadObject(context.Background(), &transfermanager.UploadObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
		must(t, err)
		if want := `"` + partedETag(body, 8<<20) + `"`; aws.ToString(up.ETag) != want {
			t.Errorf("%s: ETag %s, want %s", key, aws.ToString(up.ETag), want)
		}
		for _, kind := range []managed.GetObjectType{managed.GetObjectParts, managed.GetObjectRanges} {
			got := make(buffer, partedSize)
			_, err := m.DownloadObject(context.Background(), &transfermanager.DownloadObjectInput{
				Bucket: &bucket, Key: &key, WriterAt: got, ChecksumMode: managed.ChecksumModeEnabled,
			}, func(o *transfermanager.Options) { o.GetObjectType = kind })
			must(t, err)
			if !bytes.Equal(got, body) {
				t.Errorf("%s by %s: bytes that are not those written", key, kind)
			}
		}
		wantPartsOf(t, c, bucket, key, algorithm)
	}
}

// buffer is memory that is written to in any order.
type buffer []byte

func (b buffer) WriteAt(p []byte, at int64) (int, error) { return copy(b[at:], p), nil }

// wantPartsOf compares what is said of an object of parts of 8 MiB.
func wantPartsOf(t *testing.T, c awsClient, bucket, key string, algorithm types.ChecksumAlgorithm) {
	t.Helper()
	out, err := c.s3.GetObjectAttributes(context.Background(), &s3.GetObjectAttributesInput{
		Bucket: &bucket, Key: &key, ObjectAttributes: types.ObjectAttributes("").Values(),
	})
	must(t, err)
	want := types.ChecksumTypeComposite
	if algorithm == types.ChecksumAlgorithmCrc64nvme {
		want = types.ChecksumTypeFullObject
	}
	if out.Checksum == nil || out.Checksum.ChecksumType != want || aws.ToInt64(out.ObjectSize) != partedSize || out.StorageClass != types.StorageClassStandard {
		t.Errorf("%s: %+v", key, out)
	}
	if out.ObjectParts == nil || aws.ToInt32(out.ObjectParts.TotalPartsCount) != 3 || len(out.ObjectParts.Parts) != 3 {
		t.Fatalf("%s: parts %+v", key, out.ObjectParts)
	}
	for i, p := range out.ObjectParts.Parts {
		if aws.ToInt32(p.PartNumber) != int32(i+1) || aws.ToInt64(p.Size) != min(8<<20, partedSize-int64(i)*8<<20) {
			t.Errorf("%s: part %d has number %d and %d bytes", key, i+1, aws.ToInt32(p.PartNumber), aws.ToInt64(p.Size))
		}
	}
}

// minio-go uploads in parts by itself, with and without a checksum it is told, from
// a reader of known and of unknown length; conditions are judged at the end.
func TestMinioParts(t *testing.T) {
	c := newMinio(t, shared.Endpoint, minio.Options{})
	trailing := newMinio(t, shared.Endpoint, minio.Options{TrailingHeaders: true})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	body := content(2, partedSize)
	put := func(c minioClient, key string, size int64, o minio.PutObjectOptions) error {
		_, err := c.core.Client.PutObject(context.Background(), bucket, key, bytes.NewReader(body), size, o)
		return err
	}
	must(t, put(c, "default", partedSize, minio.PutObjectOptions{}))
	info, err := c.core.StatObject(context.Background(), bucket, "default", minio.StatObjectOptions{})
	must(t, err)
	if want := partedETag(body, 16<<20); info.ETag != want || info.Size != partedSize {
		t.Errorf("ETag %s of %d bytes, want %s", info.ETag, info.Size, want)
	}
	wantBody(t, c, bucket, "default", "", body)
	for _, algorithm := range algorithms {
		o := minio.PutObjectOptions{Checksum: minioAlgorithms[algorithm], PartSize: 5 << 20}
		must(t, put(trailing, string(algorithm), partedSize, o))
		wantBody(t, c, bucket, string(algorithm), "", body)
	}
	described := func() minio.PutObjectOptions { // minio-go writes into the map that it is given
		return minio.PutObjectOptions{PartSize: 5 << 20, UserMetadata: map[string]string{"a": "b"}, UserTags: map[string]string{"k": "v"}}
	}
	must(t, put(trailing, "stream", -1, described()))
	wantBody(t, c, bucket, "stream", "", body)
	once := described()
	once.SetMatchETagExcept("*")
	wantFault(t, put(c, "stream", partedSize, once), "412 PreconditionFailed")
	once = described()
	once.SetMatchETagExcept("*")
	must(t, put(c, "another", partedSize, once))
	wantBody(t, c, bucket, "another", "", body)
}

// A version is made by each Complete, in the state that the bucket has then.
func TestPartsInEveryState(t *testing.T) {
	forEachState(t, func(t *testing.T, c client, bucket, status string) {
		m := newMinio(t, shared.Endpoint, minio.Options{})
		var ids []string
		var bodies [][]byte
		for i := range 3 {
			body := content(i, 6<<20)
			info, err := m.core.Client.PutObject(context.Background(), bucket, "key", bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{PartSize: 5 << 20})
			must(t, err)
			ids, bodies = append(ids, info.VersionID), append(bodies, body)
		}
		wantBody(t, c, bucket, "key", "", bodies[2])
		if status != "Enabled" {
			return
		}
		for i, id := range ids {
			wantBody(t, c, bucket, "key", id, bodies[i])
		}
	})
}

// Copies of parts: of ranges of one object, of a version, and of whole objects put
// together.
func TestCopiedParts(t *testing.T) {
	c := newMinio(t, shared.Endpoint, minio.Options{})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	must(t, c.setVersioning(bucket, "Enabled"))
	first, second := content(3, 7<<20), content(4, 6<<20)
	id, err := c.put(bucket, "source", first)
	must(t, err)
	_, err = c.put(bucket, "source", second)
	must(t, err)
	to := minio.CopyDestOptions{Bucket: bucket, Object: "composed"}
	_, err = c.core.ComposeObject(context.Background(), to,
		minio.CopySrcOptions{Bucket: bucket, Object: "source", VersionID: id, MatchRange: true, Start: 1, End: 6 << 20},
		minio.CopySrcOptions{Bucket: bucket, Object: "source"})
	must(t, err)
	wantBody(t, c, bucket, "composed", "", slices.Concat(first[1:6<<20+1], second))
}

// More than a page of uploads is listed and aborted as clients do that clean up.
// What is aborted is gone, and so is the bucket then.
func TestAbortedUploads(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	uploads := many
	if testing.Short() {
		uploads /= 10
	}
	startUploads(t, bucket, uploads)
	aborted := 0
	pages := s3.NewListMultipartUploadsPaginator(c.s3, &s3.ListMultipartUploadsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		must(t, err)
		for _, u := range page.Uploads {
			_, err := c.s3.AbortMultipartUpload(context.Background(), &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: u.Key, UploadId: u.UploadId})
			must(t, err)
			_, err = c.s3.ListParts(context.Background(), &s3.ListPartsInput{Bucket: &bucket, Key: u.Key, UploadId: u.UploadId})
			wantFault(t, err, "404 NoSuchUpload")
			aborted++
		}
	}
	if aborted != uploads {
		t.Errorf("%d uploads were listed, want %d", aborted, uploads)
	}
	wantUploads(t, bucket, 0)
	must(t, c.deleteBucket(bucket))
}

// Complete and Abort of one upload from several clients: it ends one way.
func TestRacingEndsOfUploads(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	inParallel(t, 40, func(i int) error {
		key := fmt.Sprint("key-", i)
		up, err := c.s3.CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return err
		}
		part, err := c.s3.UploadPart(context.Background(), &s3.UploadPartInput{
			Bucket: &bucket, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
		})
		if err != nil {
			return err
		}
		ends := make(chan error, 2)
		go func() {
			listed := types.CompletedPart{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}
			_, err := c.s3.CompleteMultipartUpload(context.Background(), &s3.CompleteMultipartUploadInput{
				Bucket: &bucket, Key: &key, UploadId: up.UploadId,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{listed}},
			})
			ends <- err
		}()
		_, aborted := c.s3.AbortMultipartUpload(context.Background(), &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: up.UploadId})
		completed := <-ends
		_, read := c.get(bucket, key, "")
		got := fmt.Sprintf("complete %q, abort %q, get %q", fault(completed), fault(aborted), fault(read))
		if got != `complete "", abort "404 NoSuchUpload", get ""` && got != `complete "404 NoSuchUpload", abort "", get "404 NoSuchKey"` {
			return fmt.Errorf("%s: %s", key, got)
		}
		return nil
	})
	wantUploads(t, bucket, 0)
}
