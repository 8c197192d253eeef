package integration

import (
	"fmt"
	"testing"

	"github.com/minio/minio-go/v7"
)

// minio-go's forced delete of a bucket empties it where the server allows that, and is
// refused elsewhere.
func TestForcedDelete(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		server := startFor(t, "--data", t.TempDir(), fmt.Sprintf("--allow-force-delete=%v", allowed))
		c := newMinio(t, server.Endpoint, minio.Options{})
		must(t, c.createBucket("full"))
		must(t, c.setVersioning("full", "Enabled"))
		inParallel(t, 100, func(i int) error {
			key := fmt.Sprintf("key %03d", i)
			for range 2 {
				if _, err := c.put("full", key, []byte("x")); err != nil {
					return err
				}
			}
			return c.core.RemoveObject(t.Context(), "full", key, minio.RemoveObjectOptions{})
		})
		_, err := c.core.NewMultipartUpload(t.Context(), "full", "upload", minio.PutObjectOptions{})
		must(t, err)
		err = c.core.RemoveBucketWithOptions(t.Context(), "full", minio.RemoveBucketOptions{ForceDelete: true})
		there, existsErr := c.hasBucket("full")
		must(t, existsErr)
		if there == allowed || (err == nil) != allowed {
			t.Errorf("allowed %v: the bucket is there: %v; %v", allowed, there, err)
		}
		if code := minio.ToErrorResponse(err).Code; !allowed && code != "BucketNotEmpty" {
			t.Errorf("allowed %v: %v", allowed, err)
		}
	}
}
