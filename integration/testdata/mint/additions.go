// What our change to minio-go's tests calls. The name of the package is theirs.
package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/signer"
)

// openAndSetPolicy takes the public access block off a bucket, which S3 puts there, and
// sets its policy. minio-go has no operation for the block.
func openAndSetPolicy(c *minio.Client, ctx context.Context, bucket, policy string) error {
	u := *c.EndpointURL()
	u.Path, u.RawQuery = "/"+bucket, "publicAccessBlock="
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, u.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	answer, err := http.DefaultClient.Do(signer.SignV4(*r, os.Getenv(accessKey), os.Getenv(secretKey), "", "us-east-1"))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return errors.New(answer.Status)
	}
	return c.SetBucketPolicy(ctx, bucket, policy)
}
