// Package integration is versitygw's own; these are the functions that our changes to
// it call.
package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// guarded plays a test, of which a panic is a failure.
func guarded(test IntTest, conf *S3Conf) {
	defer func() {
		if r := recover(); r != nil {
			name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
			failF("%v: panic: %v", strings.TrimPrefix(path.Ext(name), "."), r)
		}
	}()
	test(conf)
}

func bypassIfLocked(c *s3.Client, bucket *string) *bool {
	ctx, cancel := context.WithTimeout(context.Background(), shortTimeout)
	defer cancel()
	if _, err := c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: bucket}); err != nil {
		return nil
	}
	return getPtr(true)
}

// openToPublic takes the public access block off a new bucket, which S3 puts there.
func openToPublic(c *s3.Client, bucket *string) error {
	ctx, cancel := context.WithTimeout(context.Background(), shortTimeout)
	defer cancel()
	_, err := c.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: bucket})
	return err
}

// sameText compares the texts of two errors of one code. AccessDenied has many: who is
// told how much is no part of it that clients may read (spec AP3.2-5).
func sameText(a, b string) bool {
	return strings.TrimSuffix(a, ".") == strings.TrimSuffix(b, ".") || denies(a) && denies(b)
}

func denies(text string) bool {
	return strings.TrimSuffix(text, ".") == "Access Denied" || strings.HasPrefix(text, "User: ") ||
		strings.HasPrefix(text, "Anonymous users ") || strings.HasSuffix(text, " Anonymous requests!")
}

// The documents of our endpoints under /_/v1, as far as they are needed.
type (
	adminAccount struct {
		ID          string    `json:"id,omitempty"`
		CanonicalID string    `json:"canonicalId,omitempty"`
		Root        *adminKey `json:"rootKey,omitempty"`
	}
	adminUser struct {
		Name string `json:"name"`
		ARN  string `json:"arn,omitempty"`
	}
	adminKey struct {
		AccessKey string `json:"accessKey"`
		Secret    string `json:"secretKey,omitempty"`
		User      string `json:"user,omitempty"`
	}
)

// administer asks one of our endpoints, signed as the root.
func administer(s *S3Conf, method, where string, in, out any) error {
	body := []byte(nil)
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	r, err := createSignedReq(method, s.endpoint, "_/v1/"+where, s.awsID, s.awsSecret, "s3", s.awsRegion, "", body, time.Now(), nil)
	if err != nil {
		return err
	}
	answer, err := s.httpClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, where, answer.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// ordinary is what one of versitygw's ordinary users may, of what others let them: they
// make no buckets.
const ordinary = `{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
	{"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"}]}`

// makeUser makes what is closest to one of versitygw's users. All have an access key of
// the suite's choice. "userplus" owns what they make and sees nothing of others: the
// root of an account. "user" is the same but makes no buckets: the one user of an
// account. "admin" may everything everywhere: a user of the account that the server
// belongs to.
func makeUser(s *S3Conf, u user) error {
	account, key := adminAccount{ID: "self"}, adminKey{AccessKey: u.access, Secret: u.secret}
	if u.role != "admin" {
		if err := administer(s, http.MethodPost, "accounts", adminAccount{}, &account); err != nil {
			return err
		}
	}
	place := "accounts/" + account.ID
	n := named{account: account.ID, canonical: account.CanonicalID, principal: account.ID}
	if u.role != "userplus" {
		key.User = u.access
		made := adminUser{Name: key.User}
		if err := administer(s, http.MethodPost, place+"/users", made, &made); err != nil {
			return err
		}
		n.principal = made.ARN
		how, what := "/attached/full-access", json.RawMessage(nil)
		if u.role == "user" {
			how, what = "/policies/ordinary", json.RawMessage(ordinary)
		}
		if err := administer(s, http.MethodPut, place+"/users/"+key.User+how, what, nil); err != nil {
			return err
		}
	}
	if err := administer(s, http.MethodPost, place+"/keys", key, nil); err != nil {
		return err
	}
	if u.role == "admin" {
		root, err := nameOfRoot(s)
		if err != nil {
			return err
		}
		n.account, n.canonical = root.account, root.canonical
	}
	names.add(u.access, n)
	return nil
}

func makeUsers(s *S3Conf, users []user) error {
	for _, u := range users {
		if err := makeUser(s, u); err != nil {
			return err
		}
	}
	return nil
}
