package auth

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The credentials of the examples in the Amazon S3 API reference.
const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// exampleTime is the time of those examples.
var exampleTime = time.Date(2013, time.May, 24, 0, 0, 0, 0, time.UTC)

func exampleVerifier() *Verifier {
	return &Verifier{
		Keys:   NewStaticKeys(Credential{AccessKey: exampleKey, Secret: exampleSecret}),
		Region: "us-east-1",
	}
}

// parseRequest reads a request as a server does. Lines may end in LF alone.
func parseRequest(t testing.TB, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n"))))
	if err != nil {
		t.Fatalf("reading the request: %v\n%s", err, text)
	}
	return r
}

// signWithSDK signs r as aws-sdk-go-v2 does, all headers included, and returns the Authorization header.
func signWithSDK(t testing.TB, r *http.Request, secret, region string, now time.Time) string {
	t.Helper()
	clone := r.Clone(context.Background())
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	err := signer.SignHTTP(context.Background(), aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: secret},
		clone, r.Header.Get(headerAmzSHA256), service, region, now)
	if err != nil {
		t.Fatalf("signing: %v", err)
	}
	return clone.Header.Get(headerAuthorization)
}

// A credential shows its secret in no form that a log has.
func TestCredentialIsNotShown(t *testing.T) {
	c := Credential{AccessKey: "AKIDEXAMPLE", Secret: "not-to-be-shown"}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", c, c, c, &c), string(text)} {
		if strings.Contains(shown, c.Secret) {
			t.Errorf("%s", shown)
		}
	}
}
