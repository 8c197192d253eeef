package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// awsClient is aws-sdk-go-v2.
type awsClient struct{ s3 *s3.Client }

var _ client = awsClient{}

// newAWS returns the SDK as its users have it, but without retries: a test is to
// see what the server answered.
func newAWS(t *testing.T, endpoint string) awsClient {
	t.Helper()
	return awsClient{s3: s3.New(s3.Options{
		BaseEndpoint:     aws.String(endpoint),
		UsePathStyle:     true,
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		RetryMaxAttempts: 1,
	})}
}

// newAWSTrailers returns the SDK in the form in which it sends checksums behind
// the body. It does that over TLS only, so it is given an https endpoint and a
// dialer that leaves TLS out.
func newAWSTrailers(t *testing.T, endpoint string) awsClient {
	t.Helper()
	plain := func(ctx context.Context, network, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	o := newAWS(t, strings.Replace(endpoint, "http:", "https:", 1)).s3.Options()
	o.HTTPClient = &http.Client{Transport: &http.Transport{DialTLSContext: plain}}
	return awsClient{s3: s3.New(o)}
}

func (c awsClient) createBucket(bucket string) error {
	_, err := c.s3.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &bucket})
	return err
}

func (c awsClient) deleteBucket(bucket string) error {
	_, err := c.s3.DeleteBucket(context.Background(), &s3.DeleteBucketInput{Bucket: &bucket})
	return err
}

func (c awsClient) hasBucket(bucket string) (bool, error) {
	_, err := c.s3.HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: &bucket})
	var missing *types.NotFound
	if errors.As(err, &missing) {
		return false, nil
	}
	return err == nil, err
}

func (c awsClient) bucketNames() ([]string, error) {
	out, err := c.s3.ListBuckets(context.Background(), &s3.ListBucketsInput{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, b := range out.Buckets {
		names = append(names, *b.Name)
	}
	return names, nil
}

func (c awsClient) setVersioning(bucket, status string) error {
	_, err := c.s3.PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(status)}})
	return err
}

func (c awsClient) versioning(bucket string) (string, error) {
	out, err := c.s3.GetBucketVersioning(context.Background(), &s3.GetBucketVersioningInput{Bucket: &bucket})
	if err != nil {
		return "", err
	}
	return string(out.Status), nil
}

func (c awsClient) put(bucket, key string, body []byte) (string, error) {
	out, err := c.s3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

func (c awsClient) get(bucket, key, id string) ([]byte, error) {
	return c.read(&s3.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: given(id)})
}

func (c awsClient) getRange(bucket, key, id string, from, to int64) ([]byte, error) {
	span := fmt.Sprintf("bytes=%d-%d", from, to)
	return c.read(&s3.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: given(id), Range: &span})
}

func (c awsClient) read(in *s3.GetObjectInput) ([]byte, error) {
	out, err := c.s3.GetObject(context.Background(), in)
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

func (c awsClient) head(bucket, key, id string) (entry, error) {
	out, err := c.s3.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key, VersionId: given(id)})
	if err != nil {
		return entry{}, err
	}
	return entry{key: key, id: aws.ToString(out.VersionId), size: aws.ToInt64(out.ContentLength)}, nil
}

func (c awsClient) remove(bucket, key, id string) (deleted, error) {
	out, err := c.s3.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: given(id)})
	if err != nil {
		return deleted{}, err
	}
	d := deleted{key: key, id: id, marker: aws.ToBool(out.DeleteMarker)}
	if d.marker {
		d.markerID = aws.ToString(out.VersionId)
	}
	return d, nil
}

// removeMany sends requests of 1,000 entries, the most S3 takes.
func (c awsClient) removeMany(bucket string, targets []target) ([]deleted, error) {
	var answers []deleted
	for len(targets) > 0 {
		n := min(len(targets), 1000)
		page, err := c.removePage(bucket, targets[:n])
		if err != nil {
			return nil, err
		}
		answers, targets = append(answers, page...), targets[n:]
	}
	return answers, nil
}

func (c awsClient) removePage(bucket string, targets []target) ([]deleted, error) {
	var ids []types.ObjectIdentifier
	for _, t := range targets {
		ids = append(ids, types.ObjectIdentifier{Key: &t.key, VersionId: given(t.id)})
	}
	out, err := c.s3.DeleteObjects(context.Background(), &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: ids}})
	if err != nil {
		return nil, err
	}
	if len(out.Errors) > 0 {
		return nil, fmt.Errorf("%s: %s", aws.ToString(out.Errors[0].Key), aws.ToString(out.Errors[0].Code))
	}
	var answers []deleted
	for _, d := range out.Deleted {
		answers = append(answers, deleted{key: *d.Key, id: aws.ToString(d.VersionId), marker: aws.ToBool(d.DeleteMarker), markerID: aws.ToString(d.DeleteMarkerVersionId)})
	}
	return answers, nil
}

func (c awsClient) keys(bucket string, how listing) (keys, prefixes []string, err error) {
	if how.v1 {
		return c.keysV1(bucket, how)
	}
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: given(how.prefix), Delimiter: given(how.delimiter), EncodingType: types.EncodingTypeUrl, MaxKeys: limit(how.page)}
	pages := s3.NewListObjectsV2Paginator(c.s3, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			return nil, nil, err
		}
		for _, o := range page.Contents {
			keys = append(keys, decoded(o.Key))
		}
		prefixes = append(prefixes, decodedPrefixes(page.CommonPrefixes)...)
	}
	return keys, prefixes, nil
}

func (c awsClient) keysV1(bucket string, how listing) (keys, prefixes []string, err error) {
	in := &s3.ListObjectsInput{Bucket: &bucket, Prefix: given(how.prefix), Delimiter: given(how.delimiter), EncodingType: types.EncodingTypeUrl, MaxKeys: limit(how.page)}
	for {
		page, err := c.s3.ListObjects(context.Background(), in)
		if err != nil {
			return nil, nil, err
		}
		for _, o := range page.Contents {
			keys = append(keys, decoded(o.Key))
		}
		prefixes = append(prefixes, decodedPrefixes(page.CommonPrefixes)...)
		if !aws.ToBool(page.IsTruncated) {
			return keys, prefixes, nil
		}
		next := decoded(page.NextMarker)
		if next == "" {
			next = keys[len(keys)-1]
		}
		in.Marker = &next
	}
}

func (c awsClient) versions(bucket string, how listing) (entries []entry, prefixes []string, err error) {
	in := &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: given(how.prefix), Delimiter: given(how.delimiter), EncodingType: types.EncodingTypeUrl, MaxKeys: limit(how.page)}
	for {
		page, err := c.s3.ListObjectVersions(context.Background(), in)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, pageEntries(page)...)
		prefixes = append(prefixes, decodedPrefixes(page.CommonPrefixes)...)
		if !aws.ToBool(page.IsTruncated) {
			return entries, prefixes, nil
		}
		key := decoded(page.NextKeyMarker)
		in.KeyMarker, in.VersionIdMarker = &key, page.NextVersionIdMarker
	}
}

// pageEntries returns the versions of a page, then its delete markers: the SDK
// has lost the order between the two.
func pageEntries(page *s3.ListObjectVersionsOutput) []entry {
	var entries []entry
	for _, v := range page.Versions {
		entries = append(entries, entry{key: decoded(v.Key), id: *v.VersionId, latest: aws.ToBool(v.IsLatest), size: aws.ToInt64(v.Size)})
	}
	for _, m := range page.DeleteMarkers {
		entries = append(entries, entry{key: decoded(m.Key), id: *m.VersionId, marker: true, latest: aws.ToBool(m.IsLatest)})
	}
	return entries
}

// given returns a pointer to s, or nil for "".
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func limit(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(n))
}

// decoded undoes encoding-type=url, which this SDK leaves to its caller.
func decoded(s *string) string {
	if s == nil {
		return ""
	}
	text, err := url.QueryUnescape(*s)
	if err != nil {
		return "undecodable: " + *s
	}
	return text
}

func decodedPrefixes(common []types.CommonPrefix) []string {
	var prefixes []string
	for _, p := range common {
		prefixes = append(prefixes, decoded(p.Prefix))
	}
	return prefixes
}
