package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/integration/launch"
)

// administer sends a signed request to one of the server's own endpoints, and returns
// the answer, which has to be a success.
func administer(t *testing.T, server *launch.Process, method, path string, in any) []byte {
	t.Helper()
	var body []byte
	if in != nil {
		var err error
		body, err = json.Marshal(in)
		must(t, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, server.Endpoint+"/_/v1"+path, bytes.NewReader(body))
	must(t, err)
	auth.Sign(r, auth.Credential{AccessKey: accessKey, Secret: secretKey}, "us-east-1", body, time.Now())
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s\n%s", method, path, answer.Status, text)
	}
	return text
}

// shownClock is what the server says of its clock, and of what it did on the way there.
type shownClock struct {
	Time, LockTime time.Time
	Actions        []struct {
		Bucket, Kind, Key, VersionID, Rule string
		Due                                time.Time
	}
}

// setClock changes the clock of a server.
func setClock(t *testing.T, server *launch.Process, change map[string]any) (c shownClock) {
	t.Helper()
	must(t, json.Unmarshal(administer(t, server, http.MethodPost, "/clock", change), &c))
	return c
}

// wantSettled compares what an advance did, as "kind rule", in the order in which it came.
func (c shownClock) wantSettled(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, a := range c.Actions {
		got = append(got, strings.TrimSpace(a.Kind+" "+a.Rule))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the clock went to %s and did %q, want %q", c.Time, got, want)
	}
}

var expirationHeader = regexp.MustCompile(`^expiry-date="([^"]+)", rule-id="([^"]+)"$`)

// locker is what the SDKs do alike with locks and rules, in their own words.
type locker interface {
	client
	createLocked(t *testing.T, bucket string)
	setRules(t *testing.T, bucket string)
	// putLocked stores an object in COMPLIANCE mode, and returns its version and the
	// day on which it is to expire, as the answer says.
	putLocked(t *testing.T, bucket, key string, until time.Time) (id string, expires time.Time)
}

func (c awsClient) createLocked(t *testing.T, bucket string) {
	t.Helper()
	_, err := c.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	must(t, err)
}

func (c awsClient) setRules(t *testing.T, bucket string) {
	t.Helper()
	all := &types.LifecycleRuleFilter{Prefix: aws.String("")}
	_, err := c.s3.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{
			{ID: aws.String("hide"), Status: types.ExpirationStatusEnabled, Filter: all, Expiration: &types.LifecycleExpiration{Days: aws.Int32(30)}},
			{ID: aws.String("old"), Status: types.ExpirationStatusEnabled, Filter: all,
				NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}},
			{ID: aws.String("lone"), Status: types.ExpirationStatusEnabled, Filter: all, Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}},
		}}})
	must(t, err)
}

func (c awsClient) putLocked(t *testing.T, bucket, key string, until time.Time) (string, time.Time) {
	t.Helper()
	out, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("kept"),
		ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &until})
	must(t, err)
	found := expirationHeader.FindStringSubmatch(aws.ToString(out.Expiration))
	if found == nil || found[2] != "hide" {
		t.Fatalf("x-amz-expiration is %q", aws.ToString(out.Expiration))
	}
	at, err := http.ParseTime(found[1])
	must(t, err)
	return aws.ToString(out.VersionId), at
}

func (c minioClient) createLocked(t *testing.T, bucket string) {
	t.Helper()
	must(t, c.core.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{ObjectLocking: true}))
}

func (c minioClient) setRules(t *testing.T, bucket string) {
	t.Helper()
	rules := lifecycle.NewConfiguration()
	rules.Rules = []lifecycle.Rule{
		{ID: "hide", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 30}},
		{ID: "old", Status: "Enabled", NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1}},
		{ID: "lone", Status: "Enabled", Expiration: lifecycle.Expiration{DeleteMarker: true}},
	}
	must(t, c.core.SetBucketLifecycle(t.Context(), bucket, rules))
}

func (c minioClient) putLocked(t *testing.T, bucket, key string, until time.Time) (string, time.Time) {
	t.Helper()
	info, err := c.core.Client.PutObject(t.Context(), bucket, key, strings.NewReader("kept"), 4,
		minio.PutObjectOptions{Mode: minio.Compliance, RetainUntilDate: until, SendContentMd5: true})
	must(t, err)
	if info.ExpirationRuleID != "hide" {
		t.Errorf("%q is to expire by rule %q", key, info.ExpirationRuleID)
	}
	return info.VersionID, info.Expiration
}

// lockedFor is how long a version is locked: seven years, two of them leap years.
const lockedFor = 7*365*24*time.Hour + 2*24*time.Hour

// A version that is locked for seven years is hidden by a rule, outlives its due time
// for as long as its lock holds, and goes when that ends, and its delete marker with
// it: by SDKs as they are, in less than a second.
//
// spec: LC4-1, LC4-3, LC4-7, LC4-10, LC4-11, LC5-1, LC6-1
func TestSevenYears(t *testing.T) {
	for name, connect := range map[string]func(endpoint string) locker{
		"aws-sdk-go-v2": func(endpoint string) locker { return newAWS(t, endpoint) },
		"minio-go":      func(endpoint string) locker { return newMinio(t, endpoint, minio.Options{}) },
	} {
		t.Run(name, func(t *testing.T) {
			server := startFor(t, "--memory", "--test-clock")
			begun := time.Now()
			sevenYears(t, server, connect(server.Endpoint))
			took := time.Since(begun)
			t.Logf("seven years in %s", took.Round(time.Millisecond))
			if took > time.Second && !raceDetector {
				t.Errorf("seven years took %s", took)
			}
		})
	}
}

// wantPast compares the history of the key "key".
func wantPast(t *testing.T, c client, bucket string, want wantHistory) {
	t.Helper()
	if got := history(t, c, bucket, "key"); got != want.of(c) {
		t.Errorf("history %q, want %q", got, want.of(c))
	}
}

func sevenYears(t *testing.T, server *launch.Process, c locker) {
	t.Helper()
	bucket := bucketName(t)
	now := setClock(t, server, map[string]any{"set": "2027-01-15T10:30:00Z", "freeze": true}).Time
	c.createLocked(t, bucket)
	c.setRules(t, bucket)
	until := now.Add(lockedFor)
	id, expires := c.putLocked(t, bucket, "key", until)
	if want := time.Date(2027, 2, 15, 0, 0, 0, 0, time.UTC); !expires.Equal(want) {
		t.Errorf("it is to expire at %s, want %s", expires, want)
	}
	setClock(t, server, map[string]any{"set": "2027-02-14T23:59:59Z"}).wantSettled(t)
	wantPast(t, c, bucket, wantHistory{minio: "v*"})
	hidden := setClock(t, server, map[string]any{"set": "2027-02-15T00:00:00Z"})
	hidden.wantSettled(t, "ExpireCurrent hide")
	wantPast(t, c, bucket, wantHistory{minio: "d*v", aws: "vd*"})

	setClock(t, server, map[string]any{"set": until.Add(-time.Second)}).wantSettled(t)
	_, err := c.remove(bucket, "key", id)
	wantFault(t, err, "403 AccessDenied")
	wantPast(t, c, bucket, wantHistory{minio: "d*v", aws: "vd*"})

	setClock(t, server, map[string]any{"advance": "48h"}).wantSettled(t, "RetentionEnded", "RemoveNoncurrent old", "RemoveMarker lone")
	wantPast(t, c, bucket, wantHistory{})
	must(t, c.deleteBucket(bucket))
}

// A rule that is lengthened a second before it acts saves the object, and one that is
// removed too. Whatever the clock of objects shows, signatures and presigned URLs go by
// real time.
//
// spec: LC1-3, LC1-6, LC4-1
func TestRulesChangeJustBefore(t *testing.T) {
	server := startFor(t, "--memory", "--test-clock")
	c := newMinio(t, server.Endpoint, minio.Options{})
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	set := func(days ...int) {
		t.Helper()
		rules := lifecycle.NewConfiguration() // without a rule it deletes the configuration
		for _, d := range days {
			rules.Rules = append(rules.Rules, lifecycle.Rule{ID: "go", Status: "Enabled", Expiration: lifecycle.Expiration{Days: lifecycle.ExpirationDays(d)}})
		}
		must(t, c.core.SetBucketLifecycle(t.Context(), bucket, rules))
	}
	setClock(t, server, map[string]any{"set": "2041-01-15T10:30:00Z", "freeze": true})
	set(3)
	_, err := c.put(bucket, "key", content(1, 10))
	must(t, err)
	setClock(t, server, map[string]any{"set": "2041-01-18T23:59:59Z"}).wantSettled(t)
	set(4)
	setClock(t, server, map[string]any{"set": "2041-01-19T23:59:59Z"}).wantSettled(t)
	set()
	setClock(t, server, map[string]any{"advance": "365d"}).wantSettled(t)
	url, err := c.core.PresignedGetObject(t.Context(), bucket, "key", time.Minute, nil)
	must(t, err)
	if status, body := fetch(t, url.String()); status != http.StatusOK || body != string(content(1, 10)) {
		t.Errorf("a presigned URL answers %d", status)
	}
	set(1)
	setClock(t, server, map[string]any{"advance": "1s"}) // if the change of the rules was not enough
	wantPast(t, c, bucket, wantHistory{})
}
