package auth

import (
	"bytes"
	"io"
	"testing"
)

// BenchmarkVerify verifies the head of a small PUT, as every request is.
func BenchmarkVerify(b *testing.B) {
	r := parseRequest(b, "PUT /bucket/some/key%20with%20spaces?x-id=PutObject HTTP/1.1\nHost: localhost:9000\nContent-Length: 1024\n"+
		"Content-Type: application/octet-stream\nUser-Agent: benchmark\nX-Amz-Date: 20130524T000000Z\nX-Amz-Meta-A: b\n"+
		"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n\n")
	r.Header.Set(headerAuthorization, signWithSDK(b, r, exampleSecret, "us-east-1", exampleTime))
	v := exampleVerifier()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, "", exampleTime); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChunkReader decodes 8 MiB in chunks of 64 KiB, as clients send them.
func BenchmarkChunkReader(b *testing.B) {
	data := pattern(8 << 20)
	buffer := make([]byte, 64<<10)
	for _, payload := range streamingPayloads {
		body := encode(payload, data, 64<<10, "x-amz-checksum-crc32:AAAAAA==")
		b.Run(payload.String(), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				reader, err := bodyOf(payload, int64(len(data)), announcedFor(payload), bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{reader}, buffer)
				if n != int64(len(data)) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
