package auth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"time"

	"github.com/seed61737384/tombstone/auth"
)

// The GET example of the Amazon S3 API reference, at its own time and an hour later.
func ExampleVerifier_Verify() {
	v := &auth.Verifier{
		Keys:   auth.NewStaticKeys(auth.Credential{AccessKey: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}),
		Region: "us-east-1",
	}
	r := httptest.NewRequest("GET", "http://examplebucket.s3.amazonaws.com/test.txt", nil)
	r.Header.Set("Range", "bytes=0-9")
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	r.Header.Set("X-Amz-Content-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "+
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")

	now := time.Date(2013, time.May, 24, 0, 0, 0, 0, time.UTC)
	session, err := v.Verify(r, "", now)
	fmt.Println(session.AccessKey, session.SignedHeaders, err)

	body, err := session.Body(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	payload, err := io.ReadAll(body) // verified when err is nil
	fmt.Println(len(payload), err)

	_, err = v.Verify(r, "", now.Add(time.Hour))
	fmt.Println(errors.Is(err, auth.RequestTimeTooSkewed))
	// Output:
	// AKIAIOSFODNN7EXAMPLE [host range x-amz-content-sha256 x-amz-date] <nil>
	// 0 <nil>
	// true
}
