package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/minio/minio-go/v7"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// entry is an entry of a key as a client sees it in ListObjectVersions.
type entry struct {
	key, id string
	marker  bool
	latest  bool
	size    int64
}

// target names what DeleteObjects is to delete. Without an id that is the key.
type target struct{ key, id string }

// deleted is an answer to the delete of a key or of one entry.
type deleted struct {
	key      string
	id       string // of the entry that was destroyed
	marker   bool   // a delete marker was added or destroyed
	markerID string
}

// listing says how to list. Pages are followed to the end.
type listing struct {
	prefix, delimiter string
	page              int  // entries in a page, 0 for the server's choice
	v1                bool // ListObjects rather than ListObjectsV2
}

// buckets is what clients do with buckets.
type buckets interface {
	createBucket(bucket string) error
	deleteBucket(bucket string) error
	hasBucket(bucket string) (bool, error)
	bucketNames() ([]string, error)
	setVersioning(bucket, status string) error
	versioning(bucket string) (string, error)
}

// objects is what clients do with objects. An empty id means the current entry.
type objects interface {
	put(bucket, key string, body []byte) (id string, err error)
	get(bucket, key, id string) ([]byte, error)
	getRange(bucket, key, id string, from, to int64) ([]byte, error)
	head(bucket, key, id string) (entry, error)
	remove(bucket, key, id string) (deleted, error)
	removeMany(bucket string, targets []target) ([]deleted, error)
}

// lists is what clients list.
type lists interface {
	keys(bucket string, how listing) (keys, prefixes []string, err error)
	versions(bucket string, how listing) (entries []entry, prefixes []string, err error)
}

// client is an SDK, in the words of S3.
type client interface {
	buckets
	objects
	lists
}

// forEachClient runs a test with each SDK, with a bucket of its own.
func forEachClient(t *testing.T, test func(t *testing.T, c client, bucket string)) {
	t.Helper()
	minioGo, awsGo := module(t, "minio-go", mintModule), module(t, "aws-sdk-go-v2", "github.com/aws/aws-sdk-go-v2/service/s3")
	scenario, _, _ := strings.Cut(strings.TrimPrefix(t.Name(), "Test"), "/")
	for _, c := range []struct {
		name   string
		played played
		client client
	}{
		{"minio-go", minioGo, newMinio(t, shared.Endpoint, minio.Options{})},
		{"minio-go with trailers", minioGo, newMinio(t, shared.Endpoint, minio.Options{TrailingHeaders: true})},
		{"aws-sdk-go-v2", awsGo, newAWS(t, shared.Endpoint)},
		{"aws-sdk-go-v2 with trailers", awsGo, newAWSTrailers(t, shared.Endpoint)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.played.note(t, scenario)
			bucket := bucketName(t)
			must(t, c.client.createBucket(bucket))
			test(t, c.client, bucket)
		})
	}
}

// forEachState runs a test with each SDK on a bucket in each versioning state.
func forEachState(t *testing.T, test func(t *testing.T, c client, bucket, status string)) {
	t.Helper()
	for _, status := range []string{"", "Enabled", "Suspended"} {
		t.Run("status "+status, func(t *testing.T) {
			forEachClient(t, func(t *testing.T, c client, bucket string) {
				if status != "" {
					must(t, c.setVersioning(bucket, status))
				}
				test(t, c, bucket, status)
			})
		})
	}
}

// fault returns what an S3 error says: its status and code, as "404 NoSuchKey",
// or the error's text if it is not one of S3, or "" for no error.
func fault(err error) string {
	if err == nil {
		return ""
	}
	var m minio.ErrorResponse
	if errors.As(err, &m) {
		return fmt.Sprintf("%d %s", m.StatusCode, m.Code)
	}
	var api smithy.APIError
	var answer *smithyhttp.ResponseError
	if errors.As(err, &api) && errors.As(err, &answer) {
		return fmt.Sprintf("%d %s", answer.HTTPStatusCode(), api.ErrorCode())
	}
	return err.Error()
}

// wantFault reports an error that is not the S3 error wanted.
func wantFault(t *testing.T, err error, want string) {
	t.Helper()
	if got := fault(err); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
