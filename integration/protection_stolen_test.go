package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed61737384/tombstone/auth"
)

// TestStolenBackupKey tries with the key of a backup program whatever destroys or changes
// what was kept. It may hide, and that is all.
//
// spec: AP1-7, AP1-10, AP1-29, AP1-30, AP1-32
func TestStolenBackupKey(t *testing.T) {
	t.Parallel()
	s := newUsersServer(t)
	thief := s.user(t, writerKey)
	locked := bucketName(t)
	_, err := s.root.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &locked, ObjectLockEnabledForBucket: aws.Bool(true)})
	must(t, err)
	enabled, suspended, plain := s.bucket(t, "Enabled"), s.bucket(t, ""), s.bucket(t, "")
	upload := s.fillForThief(t, thief, enabled, locked, suspended, plain)
	_, err = s.root.s3.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{Bucket: &locked, // with ACLs
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}})
	must(t, err)
	before := make(map[string][]heldEntry)
	for _, bucket := range []string{enabled, locked, suspended, plain} {
		before[bucket] = s.held(t, bucket)
	}
	for bucket, entries := range before {
		s.wantDenied(t, writerKey, settingsOf(bucket, "key"))
		for _, e := range entries {
			s.wantDenied(t, writerKey, removalsOf(bucket, e.entry))
		}
	}
	for _, bucket := range []string{suspended, plain} {
		s.wantDenied(t, writerKey, overwritesOf(bucket, "key", enabled+"/key"))
	}
	s.wantDenied(t, writerKey, []attempt{
		by("UploadPart", (*s3.Client).UploadPart, &s3.UploadPartInput{Bucket: &suspended, Key: aws.String("key"), UploadId: upload.UploadId,
			PartNumber: aws.Int32(1), Body: strings.NewReader("gone")}),
		by("CompleteMultipartUpload", (*s3.Client).CompleteMultipartUpload, upload),
	})
	for _, e := range adminEndpoints(t) {
		if status, _ := s.administer(t, writerKey, e, enabled); status != http.StatusForbidden {
			t.Errorf("%s %s: %d", e.method, e.path, status)
		}
	}
	for bucket, entries := range before {
		if now := s.held(t, bucket); !slices.Equal(now, entries) {
			t.Errorf("%s held\n%+v\nand holds\n%+v", bucket, entries, now)
		}
	}
	s.putWhileSuspended(t, thief)
	// What is left to do is to hide, and to write over what was hidden.
	for _, bucket := range []string{enabled, locked} {
		_, err := thief.remove(bucket, "key", "")
		must(t, err)
		_, err = thief.put(bucket, "key", []byte("garbage"))
		must(t, err)
		s.wantKept(t, bucket, before[bucket])
	}
	s.wantChanges(t, writerKey, "marker-added")
	s.wantLedger(t)
}

// putWhileSuspended begins to write over a null version while the bucket keeps versions,
// and ends when it does not any more.
func (s *usersServer) putWhileSuspended(t *testing.T, thief awsClient) {
	t.Helper()
	bucket, key := s.bucket(t, ""), "key"
	_, err := s.root.put(bucket, key, content(1, 1000))
	must(t, err)
	must(t, s.root.setVersioning(bucket, "Enabled"))
	before := s.held(t, bucket)
	put, err := s3.NewPresignClient(thief.s3).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key})
	must(t, err)
	host := strings.TrimPrefix(s.Endpoint, "http://")
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	// The server asks for the body when it has found the request allowed.
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", strings.TrimPrefix(put.URL, s.Endpoint), host)
	answers := bufio.NewReader(conn)
	for _, want := range []int{http.StatusContinue, http.StatusForbidden} {
		answer, err := http.ReadResponse(answers, nil)
		must(t, err)
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("the answer is %s, want %d", answer.Status, want)
		}
		if want == http.StatusContinue {
			must(t, s.root.setVersioning(bucket, "Suspended"))
			fmt.Fprint(conn, "gone")
		}
	}
	s.wantKept(t, bucket, before)
}

// fillForThief puts into each bucket what is worth destroying, and begins an upload over a
// null version while the bucket is Enabled, which it is not any more afterwards.
func (s *usersServer) fillForThief(t *testing.T, thief awsClient, enabled, locked, suspended, plain string) *s3.CompleteMultipartUploadInput {
	t.Helper()
	for i, bucket := range []string{suspended, plain} {
		_, err := s.root.put(bucket, "key", content(i, 1000))
		must(t, err)
	}
	must(t, s.root.setVersioning(suspended, "Enabled"))
	for i, bucket := range []string{enabled, locked} {
		for n := range 2 {
			_, err := s.root.put(bucket, "key", content(10*i+n, 1000))
			must(t, err)
		}
		_, err := s.root.put(bucket, "hidden", content(i, 1000))
		must(t, err)
		_, err = s.root.remove(bucket, "hidden", "")
		must(t, err)
	}
	for i, mode := range []types.ObjectLockMode{types.ObjectLockModeGovernance, types.ObjectLockModeCompliance} {
		_, err := s.root.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &locked, Key: aws.String(string(mode)), Body: bytes.NewReader(content(i, 10)),
			ObjectLockMode: mode, ObjectLockRetainUntilDate: &lockUntil, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		must(t, err)
	}
	key := "key"
	begun, err := thief.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &suspended, Key: &key})
	must(t, err)
	part, err := thief.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &suspended, Key: &key, UploadId: begun.UploadId,
		PartNumber: aws.Int32(1), Body: strings.NewReader("gone")})
	must(t, err)
	must(t, s.root.setVersioning(suspended, "Suspended"))
	return &s3.CompleteMultipartUploadInput{Bucket: &suspended, Key: &key, UploadId: begun.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}}}
}

// adminEndpoint is one of the server's own.
type adminEndpoint struct{ method, path, name string }

// adminEndpoints returns all that the documentation lists, without the parameters they may
// have; a test of package api keeps its list whole.
func adminEndpoints(t *testing.T) []adminEndpoint {
	t.Helper()
	page, err := os.ReadFile("../docs/administration.md")
	must(t, err)
	var all []adminEndpoint
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+) (/[^\\s?`]+)\\S*` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1) {
		all = append(all, adminEndpoint{row[1], row[2], row[3]})
	}
	if len(all) < 20 {
		t.Fatalf("there are %d endpoints", len(all))
	}
	return all
}

// administer sends a request to an endpoint, and returns the status and the answer.
func (s *usersServer) administer(t *testing.T, key string, e adminEndpoint, bucket string) (status int, answer string) {
	t.Helper()
	path := strings.NewReplacer("{account}", "self", "{user}", "writer", "{key}", writerKey, "{policy}", "backup-writer",
		"{serial}", strings.ReplaceAll(deviceSerial, "/", "%2F"), "{bucket}", bucket).Replace(e.path)
	body := []byte(`{}`)
	if e.name == "ExplainPolicy" {
		body = []byte(`{"user": "writer", "action": "s3:DeleteObjectVersion", "bucket": "` + bucket + `", "key": "key"}`)
	}
	r, err := http.NewRequestWithContext(t.Context(), e.method, s.Endpoint+"/_/v1"+path, bytes.NewReader(body))
	must(t, err)
	auth.Sign(r, auth.Credential{AccessKey: key, Secret: userSecret}, "us-east-1", body, time.Now())
	got, err := http.DefaultClient.Do(r)
	must(t, err)
	defer got.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(got.Body)
	must(t, err)
	return got.StatusCode, text.String()
}
