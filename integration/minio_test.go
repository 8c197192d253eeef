package integration

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// minioClient is minio-go.
type minioClient struct{ core minio.Core }

var _ client = minioClient{}

// newMinio returns minio-go with options, which it completes. Retries are off: a
// test is to see what the server answered.
func newMinio(t *testing.T, endpoint string, options minio.Options) minioClient {
	t.Helper()
	u, err := url.Parse(endpoint)
	must(t, err)
	options.Creds = credentials.NewStaticV4(accessKey, secretKey, "")
	options.MaxRetries = 1
	core, err := minio.NewCore(u.Host, &options)
	must(t, err)
	return minioClient{core: *core}
}

func (c minioClient) createBucket(bucket string) error {
	return c.core.MakeBucket(context.Background(), bucket, minio.MakeBucketOptions{})
}

func (c minioClient) deleteBucket(bucket string) error {
	return c.core.RemoveBucket(context.Background(), bucket)
}

func (c minioClient) hasBucket(bucket string) (bool, error) {
	return c.core.BucketExists(context.Background(), bucket)
}

func (c minioClient) bucketNames() ([]string, error) {
	infos, err := c.core.ListBuckets(context.Background())
	var names []string
	for _, i := range infos {
		names = append(names, i.Name)
	}
	return names, err
}

func (c minioClient) setVersioning(bucket, status string) error {
	return c.core.SetBucketVersioning(context.Background(), bucket, minio.BucketVersioningConfiguration{Status: status})
}

func (c minioClient) versioning(bucket string) (string, error) {
	v, err := c.core.GetBucketVersioning(context.Background(), bucket)
	return v.Status, err
}

func (c minioClient) put(bucket, key string, body []byte) (string, error) {
	info, err := c.core.Client.PutObject(context.Background(), bucket, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
	return info.VersionID, err
}

func (c minioClient) get(bucket, key, id string) ([]byte, error) {
	return c.read(bucket, key, minio.GetObjectOptions{VersionID: id})
}

func (c minioClient) getRange(bucket, key, id string, from, to int64) ([]byte, error) {
	o := minio.GetObjectOptions{VersionID: id}
	if err := o.SetRange(from, to); err != nil {
		return nil, err
	}
	return c.read(bucket, key, o)
}

func (c minioClient) read(bucket, key string, o minio.GetObjectOptions) ([]byte, error) {
	body, _, _, err := c.core.GetObject(context.Background(), bucket, key, o)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func (c minioClient) head(bucket, key, id string) (entry, error) {
	info, err := c.core.StatObject(context.Background(), bucket, key, minio.StatObjectOptions{VersionID: id})
	return entry{key: key, id: info.VersionID, marker: info.IsDeleteMarker, size: info.Size}, err
}

// remove uses DeleteObject. minio-go's own RemoveObject does not return what the
// headers of the answer say, so this goes the way that does.
func (c minioClient) remove(bucket, key, id string) (deleted, error) {
	return deleted{key: key, id: id}, c.core.RemoveObject(context.Background(), bucket, key, minio.RemoveObjectOptions{VersionID: id})
}

func (c minioClient) removeMany(bucket string, targets []target) ([]deleted, error) {
	send := make(chan minio.ObjectInfo)
	go func() {
		defer close(send)
		for _, t := range targets {
			send <- minio.ObjectInfo{Key: t.key, VersionID: t.id}
		}
	}()
	var answers []deleted
	var faults []error
	for r := range c.core.RemoveObjectsWithResult(context.Background(), bucket, send, minio.RemoveObjectsOptions{}) {
		faults = append(faults, r.Err)
		answers = append(answers, deleted{key: r.ObjectName, id: r.ObjectVersionID, marker: r.DeleteMarker, markerID: r.DeleteMarkerVersionID})
	}
	return answers, errors.Join(faults...)
}

func (c minioClient) keys(bucket string, how listing) (keys, prefixes []string, err error) {
	if how.v1 {
		return c.keysV1(bucket, how)
	}
	token := ""
	for {
		page, err := c.core.ListObjectsV2(bucket, how.prefix, "", token, how.delimiter, how.page)
		if err != nil {
			return nil, nil, err
		}
		keys, prefixes = appendPage(keys, prefixes, page.Contents, page.CommonPrefixes)
		if !page.IsTruncated {
			return keys, prefixes, nil
		}
		token = page.NextContinuationToken
	}
}

func (c minioClient) keysV1(bucket string, how listing) (keys, prefixes []string, err error) {
	marker := ""
	for {
		page, err := c.core.ListObjects(bucket, how.prefix, marker, how.delimiter, how.page)
		if err != nil {
			return nil, nil, err
		}
		keys, prefixes = appendPage(keys, prefixes, page.Contents, page.CommonPrefixes)
		if !page.IsTruncated {
			return keys, prefixes, nil
		}
		marker = page.NextMarker
		if marker == "" && len(page.Contents) > 0 {
			marker = page.Contents[len(page.Contents)-1].Key
		}
	}
}

func appendPage(keys, prefixes []string, contents []minio.ObjectInfo, common []minio.CommonPrefix) ([]string, []string) {
	for _, o := range contents {
		keys = append(keys, o.Key)
	}
	for _, p := range common {
		prefixes = append(prefixes, p.Prefix)
	}
	return keys, prefixes
}

// versions lists with the delimiter "/" or none, as minio-go knows no other.
func (c minioClient) versions(bucket string, how listing) (entries []entry, prefixes []string, err error) {
	o := minio.ListObjectsOptions{WithVersions: true, Prefix: how.prefix, Recursive: how.delimiter == "", MaxKeys: how.page}
	for i := range c.core.Client.ListObjects(context.Background(), bucket, o) {
		switch {
		case i.Err != nil:
			return nil, nil, i.Err
		case i.VersionID == "": // a common prefix
			prefixes = append(prefixes, i.Key)
		default:
			entries = append(entries, entry{key: i.Key, id: i.VersionID, marker: i.IsDeleteMarker, latest: i.IsLatest, size: i.Size})
		}
	}
	return entries, prefixes, nil
}
