package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

// notEmpty is what S3 says of a versioned bucket that holds anything, spec
// VD9-3; the text of an unversioned one, VD9-2, is its beginning.
const (
	notEmptyText     = "The bucket you tried to delete is not empty"
	notEmptyVersions = notEmptyText + ". You must delete all versions in the bucket."
)

// startUploads starts multipart uploads, each with a part.
func startUploads(t *testing.T, bucket string, n int) {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	inParallel(t, n, func(i int) error {
		key := fmt.Sprintf("upload %04d", i)
		id, err := c.core.NewMultipartUpload(t.Context(), bucket, key, minio.PutObjectOptions{})
		if err != nil {
			return err
		}
		_, err = c.core.PutObjectPart(t.Context(), bucket, key, id, 1, strings.NewReader("part"), 4, minio.PutObjectPartOptions{})
		return err
	})
}

// wantUploads compares how many uploads are under way.
func wantUploads(t *testing.T, bucket string, want int) {
	t.Helper()
	c := newMinio(t, shared.Endpoint, minio.Options{})
	got, keyMarker, idMarker := 0, "", ""
	for {
		page, err := c.core.ListMultipartUploads(t.Context(), bucket, "", keyMarker, idMarker, "", 0)
		must(t, err)
		got += len(page.Uploads)
		if !page.IsTruncated {
			break
		}
		keyMarker, idMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
	if got != want {
		t.Errorf("%s holds %d uploads, want %d", bucket, got, want)
	}
}

// filledBucket has more than 1,000 keys with two versions each, and more than
// 1,000 uploads.
func filledBucket(t *testing.T, status string) string {
	t.Helper()
	bucket := seededBucket(t, status)
	startUploads(t, bucket, many)
	return bucket
}

// The guide that vendors print, by AWS CLI: objects, versions, markers, uploads,
// bucket, which is refused until the last entry is gone. Uploads do not hold it:
// those that are left go with it.
//
// spec: VD9-2, VD9-3, VD9-4, VD9-9, VD9-15
func TestEmptyingByAWSCLI(t *testing.T) {
	t.Parallel()
	for _, aws := range awsCLIs(t) {
		aws.scenario(t, "emptying in four steps, status Enabled", func(t *testing.T) {
			bucket := filledBucket(t, "Enabled")
			refused := func() {
				t.Helper()
				wantFailure(t, "(BucketNotEmpty) when calling the DeleteBucket operation: "+notEmptyVersions, aws.env, aws.path, aws.api("delete-bucket", "--bucket", bucket)...)
			}
			refused()
			mustRun(t, aws.env, aws.path, aws.s3("rm", "--recursive", "--only-show-errors", "s3://"+bucket)...)
			wantContents(t, bucket, contents{versions: 2 * many, markers: many})
			refused()
			mustRun(t, aws.env, "clients/s3api_delete_entries.sh", shared.Endpoint, bucket, "Versions")
			wantContents(t, bucket, contents{markers: many})
			refused()
			mustRun(t, aws.env, "clients/s3api_delete_entries.sh", shared.Endpoint, bucket, "DeleteMarkers")
			abortAndDelete(t, aws, bucket)
		})
		aws.scenario(t, "emptying in four steps, no status", func(t *testing.T) {
			bucket := filledBucket(t, "")
			wantFailure(t, "(BucketNotEmpty) when calling the DeleteBucket operation: "+notEmptyText+"\n", aws.env, aws.path, aws.api("delete-bucket", "--bucket", bucket)...)
			mustRun(t, aws.env, aws.path, aws.s3("rm", "--recursive", "--only-show-errors", "s3://"+bucket)...)
			abortAndDelete(t, aws, bucket)
		})
	}
}

// abortAndDelete finds all uploads, aborts some, and deletes the bucket with the
// rest. AWS CLI takes a process for each upload, so these are a few.
func abortAndDelete(t *testing.T, aws awsCLI, bucket string) {
	t.Helper()
	const aborted = 5
	wantContents(t, bucket, contents{})
	out := mustRun(t, aws.env, "clients/s3api_abort.sh", shared.Endpoint, bucket, fmt.Sprint(aborted))
	if want := fmt.Sprintf("found %d uploads", many); !strings.Contains(out, want) {
		t.Errorf("want %q, got\n%s", want, tailOf(out))
	}
	wantUploads(t, bucket, many-aborted)
	mustRun(t, aws.env, aws.path, aws.api("delete-bucket", "--bucket", bucket)...)
	wantNoBucket(t, bucket)
}

// spec: VD9-3, VD9-10, VD9-15
func TestEmptyingByBoto3(t *testing.T) {
	t.Parallel()
	b := newBoto3(t)
	b.scenario(t, "emptying in four steps, status Enabled", func(t *testing.T) {
		bucket := filledBucket(t, "Enabled")
		b.flow(t, shared.Endpoint, "empty_in_steps", bucket)
		wantNoBucket(t, bucket)
	})
}

// s3cmd deletes objects and aborts uploads. It knows no versions, so it empties
// an unversioned bucket to the end, and gets as far as markers in another. It
// cannot list a second page of uploads: it names the marker by a parameter that S3
// does not have, and gets the first page for ever. So these are fewer.
//
// spec: VD9-2, VD9-3, VD9-12, VD9-15
func TestEmptyingByS3cmd(t *testing.T) {
	t.Parallel()
	c := newS3cmd(t)
	c.scenario(t, "emptying in steps, no status", func(t *testing.T) {
		const uploads = 5
		bucket := seededBucket(t, "")
		startUploads(t, bucket, uploads)
		wantFailure(t, "BucketNotEmpty", nil, c.path, c.args("rb", "s3://"+bucket)...)
		c.run(t, "del", "--recursive", "--force", "--quiet", "s3://"+bucket)
		wantContents(t, bucket, contents{})
		for _, line := range strings.Split(c.run(t, "multipart", "s3://"+bucket), "\n") {
			if fields := strings.Split(line, "\t"); strings.HasPrefix(fields[0], "20") && len(fields) == 3 {
				c.run(t, "abortmp", fields[1], fields[2])
			}
		}
		wantUploads(t, bucket, 0)
		c.run(t, "rb", "s3://"+bucket)
		wantNoBucket(t, bucket)
	})
	c.scenario(t, "emptying in steps, status Enabled, up to the versions", func(t *testing.T) {
		bucket := seededBucket(t, "Enabled")
		c.run(t, "del", "--recursive", "--force", "--quiet", "s3://"+bucket)
		wantContents(t, bucket, contents{versions: 2 * many, markers: many})
		wantFailure(t, "BucketNotEmpty", nil, c.path, c.args("rb", "s3://"+bucket)...)
	})
}

// spec: VD9-3, VD9-13, VD9-15
func TestEmptyingByRclone(t *testing.T) {
	t.Parallel()
	for _, r := range rclones(t) {
		r.scenario(t, "emptying in four steps, status Enabled", func(t *testing.T) { emptyByRclone(t, r) })
	}
}

func emptyByRclone(t *testing.T, r rclone) {
	bucket := filledBucket(t, "Enabled")
	refused := func() {
		t.Helper()
		wantFailure(t, "BucketNotEmpty: "+notEmptyVersions, r.env, r.path, "rmdir", "ts:"+bucket)
	}
	r.run(t, "delete", "ts:"+bucket)
	wantContents(t, bucket, contents{versions: 2 * many, markers: many})
	refused()
	r.run(t, "delete", "--s3-versions", "ts:"+bucket)
	wantContents(t, bucket, contents{markers: many})
	refused()
	r.run(t, "backend", "cleanup-hidden", "ts:"+bucket)
	wantContents(t, bucket, contents{})
	wantUploads(t, bucket, many)
	r.run(t, "backend", "cleanup", "-o", "max-age=0s", "ts:"+bucket)
	wantUploads(t, bucket, 0)
	r.run(t, "rmdir", "ts:"+bucket)
	wantNoBucket(t, bucket)
}
