package main

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signature returns the header lines that sign a request, for any body, with the
// default keys.
func signature(t *testing.T, method, target string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	credentials := aws.Credentials{AccessKeyID: defaultKeys.Access, SecretAccessKey: defaultKeys.Secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	lines.WriteString("Host: localhost\r\n")
	if err := r.Header.Write(&lines); err != nil {
		t.Fatal(err)
	}
	return lines.String()
}
