package integration

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// remove removes an entry for good, by the key of a user, and notes it for wantLedger.
func (s *usersServer) remove(t *testing.T, key, bucket string, e entry) {
	t.Helper()
	out, err := s.user(t, key).s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &e.key, VersionId: &e.id})
	must(t, err)
	if aws.ToString(out.VersionId) != e.id || aws.ToBool(out.DeleteMarker) != e.marker {
		t.Errorf("%s %s: the answer is %s, marker %v", e.key, e.id, aws.ToString(out.VersionId), aws.ToBool(out.DeleteMarker))
	}
	request, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	s.note(key, bucket, e, request, "DeleteObject")
}

// removeMany removes entries for good with one request.
func (s *usersServer) removeMany(t *testing.T, key, bucket string, entries ...entry) {
	t.Helper()
	list := &types.Delete{}
	for _, e := range entries {
		list.Objects = append(list.Objects, types.ObjectIdentifier{Key: &e.key, VersionId: &e.id})
	}
	out, err := s.user(t, key).s3.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &bucket, Delete: list})
	must(t, err)
	if len(out.Deleted) != len(entries) {
		t.Errorf("%d of %d are deleted: %+v", len(out.Deleted), len(entries), out.Errors)
	}
	request, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	for _, e := range entries {
		s.note(key, bucket, e, request, "DeleteObjects")
	}
}

func (s *usersServer) note(key, bucket string, e entry, request, operation string) {
	r := removal{"version-removed", bucket, e.key, e.id, principalOf(key), request, operation}
	if e.marker {
		r.Change = "marker-removed"
	}
	s.removed = append(s.removed, r)
}

// put stores an object as the root, locked as in says.
func (s *usersServer) put(t *testing.T, bucket, key string, in s3.PutObjectInput) entry {
	t.Helper()
	in.Bucket, in.Key, in.Body, in.ChecksumAlgorithm = &bucket, &key, strings.NewReader("body of "+key), types.ChecksumAlgorithmCrc32
	out, err := s.root.s3.PutObject(t.Context(), &in)
	must(t, err)
	return entry{key: key, id: aws.ToString(out.VersionId)}
}

// hide adds a delete marker by the key of a user.
func (s *usersServer) hide(t *testing.T, c awsClient, bucket, key string) entry {
	t.Helper()
	d, err := c.remove(bucket, key, "")
	must(t, err)
	return entry{key: key, id: d.markerID, marker: true}
}

// TestBackupJanitor removes with the key of a janitor what nothing retains, and tries the
// rest.
//
// spec: AP1-7, AP1-9, AP1-29, AP1-30
func TestBackupJanitor(t *testing.T) {
	t.Parallel()
	s := newUsersServer(t)
	bucket := bucketName(t)
	_, err := s.root.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	must(t, err)
	var free []entry
	for _, key := range []string{"one", "two", "three", "four"} {
		free = append(free, s.put(t, bucket, key, s3.PutObjectInput{}))
		free = append(free, s.hide(t, s.root, bucket, key))
	}
	for name, in := range map[string]s3.PutObjectInput{
		"governance": {ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: &lockUntil},
		"compliance": {ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &lockUntil},
		"hold":       {ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn},
	} {
		e := s.put(t, bucket, name, in)
		free = append(free, s.hide(t, s.user(t, writerKey), bucket, name)) // a marker has no lock
		s.wantDenied(t, janitorKey, removalsOf(bucket, e))
		// It has the permission to remove versions, but for the lock.
		_, err := s.user(t, janitorKey).remove(bucket, name, e.id)
		if err == nil || !strings.Contains(err.Error(), "object protected by object lock") {
			t.Errorf("%s: %v", name, err)
		}
	}
	current := s.put(t, bucket, "current", s3.PutObjectInput{})
	s.wantDenied(t, janitorKey, readsOf(bucket, current))
	s.wantDenied(t, janitorKey, overwritesOf(bucket, "current", bucket+"/current")[:4]) // by name
	s.wantDenied(t, janitorKey, settingsOf(bucket, "current"))
	for _, e := range adminEndpoints(t) {
		if status, _ := s.administer(t, janitorKey, e, bucket); status != http.StatusForbidden {
			t.Errorf("%s %s: %d", e.method, e.path, status)
		}
	}
	listed, _, err := s.user(t, janitorKey).versions(bucket, listing{})
	must(t, err)
	if want := len(free) + 4; len(listed) != want {
		t.Errorf("the janitor sees %d entries, want %d", len(listed), want)
	}
	s.removeMany(t, janitorKey, bucket, free[4:]...)
	for _, e := range free[:4] {
		s.remove(t, janitorKey, bucket, e)
	}
	if left := s.held(t, bucket); len(left) != 4 {
		t.Errorf("%d entries are left, want those locked and the current one", len(left))
	}
	s.wantChanges(t, janitorKey, "version-removed", "marker-removed")
	s.wantLedger(t)
}

// readsOf are the ways to read what an object holds.
func readsOf(bucket string, e entry) []attempt {
	get := s3.GetObjectInput{Bucket: &bucket, Key: &e.key}
	version := get
	version.VersionId = &e.id
	elsewhere, source := e.key+" copied", bucket+"/"+e.key
	return []attempt{
		by("GetObject", (*s3.Client).GetObject, &get),
		by("GetObject of a version", (*s3.Client).GetObject, &version),
		by("HeadObject", (*s3.Client).HeadObject, &s3.HeadObjectInput{Bucket: &bucket, Key: &e.key}).orRefused("403 Forbidden"),
		by("GetObjectAttributes", (*s3.Client).GetObjectAttributes, &s3.GetObjectAttributesInput{Bucket: &bucket, Key: &e.key,
			ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesChecksum}}),
		by("CopyObject", (*s3.Client).CopyObject, &s3.CopyObjectInput{Bucket: &bucket, Key: &elsewhere, CopySource: &source}),
	}
}

// configurationOf are the ways to read how a bucket and an object are set up.
func configurationOf(bucket string, e entry) []attempt {
	return []attempt{
		by("GetBucketAcl", (*s3.Client).GetBucketAcl, &s3.GetBucketAclInput{Bucket: &bucket}),
		by("GetBucketCors", (*s3.Client).GetBucketCors, &s3.GetBucketCorsInput{Bucket: &bucket}),
		by("GetBucketEncryption", (*s3.Client).GetBucketEncryption, &s3.GetBucketEncryptionInput{Bucket: &bucket}),
		by("GetBucketLifecycleConfiguration", (*s3.Client).GetBucketLifecycleConfiguration, &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket}),
		by("GetBucketLocation", (*s3.Client).GetBucketLocation, &s3.GetBucketLocationInput{Bucket: &bucket}),
		by("GetBucketLogging", (*s3.Client).GetBucketLogging, &s3.GetBucketLoggingInput{Bucket: &bucket}),
		by("GetBucketNotificationConfiguration", (*s3.Client).GetBucketNotificationConfiguration, &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket}),
		by("GetBucketOwnershipControls", (*s3.Client).GetBucketOwnershipControls, &s3.GetBucketOwnershipControlsInput{Bucket: &bucket}),
		by("GetBucketPolicy", (*s3.Client).GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: &bucket}),
		by("GetBucketPolicyStatus", (*s3.Client).GetBucketPolicyStatus, &s3.GetBucketPolicyStatusInput{Bucket: &bucket}),
		by("GetBucketReplication", (*s3.Client).GetBucketReplication, &s3.GetBucketReplicationInput{Bucket: &bucket}),
		by("GetBucketRequestPayment", (*s3.Client).GetBucketRequestPayment, &s3.GetBucketRequestPaymentInput{Bucket: &bucket}),
		by("GetBucketTagging", (*s3.Client).GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: &bucket}),
		by("GetBucketVersioning", (*s3.Client).GetBucketVersioning, &s3.GetBucketVersioningInput{Bucket: &bucket}),
		by("GetObjectLockConfiguration", (*s3.Client).GetObjectLockConfiguration, &s3.GetObjectLockConfigurationInput{Bucket: &bucket}),
		by("GetPublicAccessBlock", (*s3.Client).GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: &bucket}),
		by("HeadBucket", (*s3.Client).HeadBucket, &s3.HeadBucketInput{Bucket: &bucket}),
		by("ListBuckets", (*s3.Client).ListBuckets, &s3.ListBucketsInput{}),
		by("ListMultipartUploads", (*s3.Client).ListMultipartUploads, &s3.ListMultipartUploadsInput{Bucket: &bucket}),
		by("ListObjectsV2", (*s3.Client).ListObjectsV2, &s3.ListObjectsV2Input{Bucket: &bucket}),
		by("ListObjectVersions", (*s3.Client).ListObjectVersions, &s3.ListObjectVersionsInput{Bucket: &bucket}),
		by("GetObjectAcl", (*s3.Client).GetObjectAcl, &s3.GetObjectAclInput{Bucket: &bucket, Key: &e.key, VersionId: &e.id}),
		by("GetObjectLegalHold", (*s3.Client).GetObjectLegalHold, &s3.GetObjectLegalHoldInput{Bucket: &bucket, Key: &e.key, VersionId: &e.id}),
		by("GetObjectRetention", (*s3.Client).GetObjectRetention, &s3.GetObjectRetentionInput{Bucket: &bucket, Key: &e.key, VersionId: &e.id}),
		by("GetObjectTagging", (*s3.Client).GetObjectTagging, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &e.key, VersionId: &e.id}),
	}
}

// TestAuditor reads with the key of an auditor how everything is set up and why something
// was refused, and tries to read contents and to change something.
func TestAuditor(t *testing.T) {
	t.Parallel()
	s := newUsersServer(t)
	bucket := bucketName(t)
	_, err := s.root.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	must(t, err)
	e := s.put(t, bucket, "key", s3.PutObjectInput{ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: &lockUntil})
	rule := types.LifecycleRule{
		Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("old/")},
		Expiration: &types.LifecycleExpiration{Days: aws.Int32(3650)},
	}
	_, err = s.root.s3.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule}},
	})
	must(t, err)
	before := s.held(t, bucket)
	for _, a := range configurationOf(bucket, e) {
		// What is not set is answered with 404.
		if got := fault(a.try(t, s.user(t, auditorKey).s3)); got != "" && !strings.HasPrefix(got, "404 ") {
			t.Errorf("%s: %s", a.name, got)
		}
	}
	s.wantDenied(t, auditorKey, readsOf(bucket, e))
	s.wantDenied(t, auditorKey, removalsOf(bucket, e))
	s.wantDenied(t, auditorKey, overwritesOf(bucket, "key", bucket+"/key"))
	s.wantDenied(t, auditorKey, settingsOf(bucket, "key"))
	for _, e := range adminEndpoints(t) {
		status, answer := s.administer(t, auditorKey, e, bucket)
		want := http.StatusForbidden
		switch {
		case e.name == "GetJob":
			want = http.StatusNotFound // there is none
		case e.method == http.MethodGet || e.name == "ExplainPolicy":
			want = http.StatusOK
		}
		if status != want {
			t.Errorf("%s %s: %d %s", e.method, e.path, status, answer)
		}
		for _, secret := range []string{userSecret, secretKey, deviceSecret} {
			if strings.Contains(answer, secret) {
				t.Errorf("%s %s shows a secret: %s", e.method, e.path, answer)
			}
		}
	}
	auditorCommands(t, s, bucket)
	if now := s.held(t, bucket); !slices.Equal(now, before) {
		t.Errorf("the bucket held %+v and holds %+v", before, now)
	}
	s.wantChanges(t, auditorKey)
}

// auditorCommands runs what the documentation tells an auditor to run.
func auditorCommands(t *testing.T, s *usersServer, bucket string) {
	t.Helper()
	const statement = "backup-writer"
	for _, args := range [][]string{
		{"locks", "list", bucket}, {"locks", "verify", bucket}, {"ledger", "show", "--bucket", bucket}, {"ledger", "verify"}, {"ledger", "export"},
		{"clock", "show"}, {"account", "list"}, {"user", "list", "self"}, {"key", "list", "self"}, {"mfa", "list", "self"},
		{"policy", "list", "self"}, {"policy", "list", "self", "writer"}, {"policy", "show", "self", statement},
	} {
		if out := mustRun(t, s.as(auditorKey), binary, args...); strings.TrimSpace(out) == "" {
			t.Errorf("%q prints nothing", args)
		}
	}
	out := mustRun(t, s.as(auditorKey), binary, "policy", "explain", "s3:DeleteObjectVersion", "s3://"+bucket+"/key", "--user", "writer", "--json")
	var d struct {
		Allowed     bool
		Policy, Sid string
	}
	must(t, json.Unmarshal([]byte(out), &d))
	if d.Allowed || d.Policy != statement || d.Sid != "DestroyNothing" {
		t.Errorf("the refusal is explained by %s", out)
	}
}
