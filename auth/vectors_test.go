package auth

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// exampleAuthorization returns the header of an example in the API reference.
func exampleAuthorization(signedHeaders, signature string) string {
	return "Authorization: AWS4-HMAC-SHA256 Credential=" + exampleKey + "/20130524/us-east-1/s3/aws4_request," +
		"SignedHeaders=" + signedHeaders + ",Signature=" + signature + "\n"
}

const exampleHead = "Host: examplebucket.s3.amazonaws.com\nx-amz-date: 20130524T000000Z\n"

// TestExamples verifies the examples of A-API:sig-v4-header-based-auth, whose signatures Amazon computed.
//
// spec: WI1.1-1, WI1.1-9, WI1.2-1
func TestExamples(t *testing.T) {
	const basic = "host;x-amz-content-sha256;x-amz-date"
	const empty = "x-amz-content-sha256: " + emptySHA256 + "\n"
	for name, request := range map[string]string{
		"GET Object": "GET /test.txt HTTP/1.1\n" + exampleHead + "Range: bytes=0-9\n" + empty +
			exampleAuthorization("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
		"PUT Object": "PUT /test$file.text HTTP/1.1\n" + exampleHead + "Date: Fri, 24 May 2013 00:00:00 GMT\n" +
			"x-amz-storage-class: REDUCED_REDUNDANCY\nContent-Length: 21\n" +
			"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\n" +
			exampleAuthorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
		"GET Bucket Lifecycle": "GET /?lifecycle HTTP/1.1\n" + exampleHead + empty +
			exampleAuthorization(basic, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
		"GET Bucket": "GET /?max-keys=2&prefix=J HTTP/1.1\n" + exampleHead + empty +
			exampleAuthorization(basic, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
	} {
		t.Run(name, func(t *testing.T) {
			body := ""
			if strings.HasPrefix(request, "PUT") {
				body = "Welcome to Amazon S3."
			}
			r := parseRequest(t, request+"\n"+body)
			s, err := exampleVerifier().Verify(r, "", exampleTime)
			if err != nil {
				t.Fatal(err)
			}
			if s.AccessKey != exampleKey || s.Anonymous || s.Payload() != PayloadSHA256 {
				t.Errorf("session %+v", s.Identity)
			}
			b, err := s.Body(r)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(b); string(got) != body || err != nil {
				t.Errorf("body %q, %v", got, err)
			}
		})
	}
}

// exampleChunks is the body of both chunked examples: 64 KiB and 1 KiB of the letter a.
func exampleChunks(signatures [3]string, trailer string) string {
	return "10000;chunk-signature=" + signatures[0] + "\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=" + signatures[1] + "\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=" + signatures[2] + "\r\n" + trailer + "\r\n"
}

// TestExampleChunked verifies the example of A-API:sigv4-streaming.
//
// spec: WI1.2-4, WI1.2-7
func TestExampleChunked(t *testing.T) {
	r := parseRequest(t, "PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\nx-amz-date: 20130524T000000Z\n"+
		"x-amz-storage-class: REDUCED_REDUNDANCY\nContent-Encoding: aws-chunked\nx-amz-decoded-content-length: 66560\nContent-Length: 66824\n"+
		"x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n"+
		exampleAuthorization("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
			"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")+"\n")
	body := exampleChunks([3]string{
		"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
		"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
	}, "")
	if len(body) != 66824 {
		t.Fatalf("the body has %d bytes", len(body))
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	checkExampleBody(t, exampleVerifier(), r)
}

// TestExampleTrailer verifies the example of A-API:sigv4-streaming-trailers, and the same in the spelling of
// minio-go, which ends the trailer by LF CRLF.
//
// spec: WI1.2-5, WI1.2-7
func TestExampleTrailer(t *testing.T) {
	for name, lineEnd := range map[string]string{"CRLF": "\r\n", "LF CRLF": "\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			r := parseRequest(t, "PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\nx-amz-date: 20130524T000000Z\n"+
				"x-amz-storage-class: REDUCED_REDUNDANCY\nContent-Encoding: aws-chunked\nx-amz-decoded-content-length: 66560\n"+
				"x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\nx-amz-trailer: x-amz-checksum-crc32c\n"+
				exampleAuthorization("content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
					"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")+"\n")
			r.Body = io.NopCloser(strings.NewReader(exampleChunks([3]string{
				"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
				"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
				"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
			}, "x-amz-checksum-crc32c:sOO8/Q=="+lineEnd+
				"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n")))
			b := checkExampleBody(t, exampleVerifier(), r)
			if got := b.Trailer().Get("x-amz-checksum-crc32c"); got != "sOO8/Q==" {
				t.Errorf("trailer %q", got)
			}
		})
	}
}

// checkExampleBody verifies r and reads the 66,560 bytes of its payload.
func checkExampleBody(t *testing.T, v *Verifier, r *http.Request) *Body {
	t.Helper()
	s, err := v.Verify(r, "", exampleTime)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Body(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(b)
	if err != nil || string(got) != strings.Repeat("a", 66560) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	return b
}
