package integration

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestPresignedPost uploads a file by the form that the SDK makes, of which the
// fields stand in no order, and a file that the form does not allow.
//
// spec: WI1.4-1, WI1.4-2, WI1.4-7
func TestPresignedPost(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket, key := bucketName(t), "dir/a file"
	must(t, c.createBucket(bucket))
	form, err := s3.NewPresignClient(c.s3).PresignPostObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(key)},
		func(o *s3.PresignPostOptions) { o.Conditions = []any{[]any{"content-length-range", 1, 8 << 20}} })
	must(t, err)
	content := bytes.Repeat([]byte("\r\n--boundary"), 400_000)
	if status := sendForm(t, form, content); status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
	wantBody(t, c, bucket, key, "", content)
	if status := sendForm(t, form, bytes.Repeat(content, 2)); status != http.StatusBadRequest {
		t.Errorf("a file that is too large: status %d", status)
	}
	wantBody(t, c, bucket, key, "", content)
}

// sendForm sends a form with a file and returns the status of the answer.
func sendForm(t *testing.T, form *s3.PresignedPostRequest, file []byte) int {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range form.Values {
		must(t, w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("file", "upload")
	must(t, err)
	_, err = part.Write(file)
	must(t, err)
	must(t, w.Close())
	answer, err := http.Post(form.URL, w.FormDataContentType(), &body)
	must(t, err)
	answer.Body.Close()
	return answer.StatusCode
}
