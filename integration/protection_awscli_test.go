package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/pquerna/otp/totp"
)

// The identities of protectedServer. The account is the one that a server has anyway.
const (
	protectedAccount = "000000000000"
	deviceSerial     = "arn:aws:iam::" + protectedAccount + ":mfa/phone"
	deviceSecret     = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // in base32, that of RFC 6238
	userSecret       = "a-secret-of-forty-characters-for-the-test"
	keeperKey        = "AKIAKEEPER0000000000" // may do anything but bypass governance
	adminKey         = "AKIAADMIN00000000000" // may do anything
)

const protectedIdentities = `
accounts:
  - id: "` + protectedAccount + `"
    mfa:
      - {name: phone, secret: ` + deviceSecret + `}
    users:
      - name: keeper
        keys:
          - {access-key: ` + keeperKey + `, secret-key: ` + userSecret + `}
        inline:
          - name: keeper
            document:
              Version: "2012-10-17"
              Statement:
                - {Effect: Allow, Action: "s3:*", Resource: "*"}
                - {Effect: Deny, Action: "s3:BypassGovernanceRetention", Resource: "*"}
      - name: admin
        keys:
          - {access-key: ` + adminKey + `, secret-key: ` + userSecret + `}
        inline:
          - name: admin
            document:
              Version: "2012-10-17"
              Statement:
                - {Effect: Allow, Action: "s3:*", Resource: "*"}
`

// lockUntil is when the locks of these tests end: long after them.
var lockUntil = time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)

// protectedServer is a server over TLS with users and an MFA device of its root.
type protectedServer struct {
	endpoint string
	by       *http.Client
	trust    []string // the environment in which programs trust it
}

func newProtectedServer(t *testing.T) *protectedServer {
	t.Helper()
	identities := filepath.Join(t.TempDir(), "identities.yaml")
	must(t, os.WriteFile(identities, []byte(protectedIdentities), 0o600))
	server := startFor(t, "--data", t.TempDir(), "--tls-self-signed", "--identities", identities)
	by := trusting(t, server)
	authority := bannerTrust.FindStringSubmatch(server.Output())[1]
	return &protectedServer{endpoint: server.Endpoint, by: by, trust: []string{"AWS_CA_BUNDLE=" + authority}}
}

// as is the environment of a program that signs with a user's key.
func (s *protectedServer) as(key string) []string {
	return append([]string{"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + userSecret}, s.trust...)
}

// api returns the arguments of an operation.
func (s *protectedServer) api(args ...string) []string {
	return append([]string{"--endpoint-url", s.endpoint, "--output", "json", "s3api"}, args...)
}

// mfaAt is the argument --mfa with the code of a moment: that of oathtool, which knows
// nothing of this server, or of a library where there is no oathtool.
func mfaAt(t *testing.T, at time.Time) string {
	t.Helper()
	path, err := exec.LookPath("oathtool")
	if err != nil {
		if os.Getenv("TOMBSTONE_CLIENTS_REQUIRED") == "1" {
			t.Fatal(err)
		}
		code, err := totp.GenerateCode(deviceSecret, at)
		must(t, err)
		return deviceSerial + " " + code
	}
	out, err := exec.Command(path, "--totp", "--base32", "--now", at.UTC().Format("2006-01-02 15:04:05 UTC"), deviceSecret).Output()
	must(t, err)
	return deviceSerial + " " + strings.TrimSpace(string(out))
}

// locked makes a bucket with Object Lock and stores an object in it, locked as the
// arguments of put-object say. It returns the bucket, and the arguments that name the
// version.
func (s *protectedServer) locked(t *testing.T, cli awsCLI, lock ...string) (bucket string, version []string) {
	t.Helper()
	bucket = bucketName(t)
	mustRun(t, s.trust, cli.path, s.api("create-bucket", "--bucket", bucket, "--object-lock-enabled-for-bucket")...)
	return bucket, s.put(t, cli, bucket, lock...)
}

// put stores an object and returns the arguments that name its version.
func (s *protectedServer) put(t *testing.T, cli awsCLI, bucket string, more ...string) []string {
	t.Helper()
	args := append([]string{"put-object", "--bucket", bucket, "--key", "key"}, more...)
	var stored struct{ VersionId string }
	out := mustRun(t, s.trust, cli.path, s.api(args...)...)
	must(t, json.Unmarshal([]byte(out), &stored))
	return []string{"--bucket", bucket, "--key", "key", "--version-id", stored.VersionId}
}

// until is the argument of a lock that lasts.
func until(mode string) []string {
	return []string{"--object-lock-mode", mode, "--object-lock-retain-until-date", lockUntil.Format(time.RFC3339)}
}

// TestAWSCLIProtection plays what protects versions with the AWS CLI over TLS.
//
// spec: OL1.4-3, OL1.4-4, OL1.4-5, OL1.4-6, OL1.4-8, OL1.4-11, OL2-4, OL2-7, OL2-10, OL2-14, OL2-17, OL2-22
func TestAWSCLIProtection(t *testing.T) {
	t.Parallel()
	for _, cli := range awsCLIs(t) {
		t.Run("version "+cli.version, func(t *testing.T) {
			t.Parallel()
			s := newProtectedServer(t)
			cli.scenario(t, "MFA Delete: enable, refuse, delete, refuse the code again", func(t *testing.T) { mfaScenario(t, s, cli) })
			cli.scenario(t, "GOVERNANCE: bypass with and without permission", func(t *testing.T) { governanceScenario(t, s, cli) })
			cli.scenario(t, "COMPLIANCE: refused for root", func(t *testing.T) { complianceScenario(t, s, cli) })
			cli.scenario(t, "legal hold", func(t *testing.T) { holdScenario(t, s, cli) })
			cli.scenario(t, "delete-objects of 1,000 of which 10 are locked", func(t *testing.T) { manyScenario(t, s, cli) })
		})
	}
}

func mfaScenario(t *testing.T, s *protectedServer, cli awsCLI) {
	bucket := bucketName(t)
	mustRun(t, s.trust, cli.path, s.api("create-bucket", "--bucket", bucket)...)
	enable := s.api("put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled,MFADelete=Enabled")
	wantFailure(t, "Mfa Authentication must be used for this request", s.trust, cli.path, enable...)
	wantFailure(t, "This operation may only be performed by the bucket owner", s.as(adminKey), cli.path,
		append(enable, "--mfa", mfaAt(t, time.Now()))...)
	mustRun(t, s.trust, cli.path, append(enable, "--mfa", mfaAt(t, time.Now()))...)
	var state struct{ Status, MFADelete string }
	out := mustRun(t, s.trust, cli.path, s.api("get-bucket-versioning", "--bucket", bucket)...)
	must(t, json.Unmarshal([]byte(out), &state))
	if state.Status != "Enabled" || state.MFADelete != "Enabled" {
		t.Errorf("the bucket is %+v", state)
	}
	version := s.put(t, cli, bucket)
	remove := s.api(append([]string{"delete-object"}, version...)...)
	wantFailure(t, "Mfa Authentication must be used for this request", s.trust, cli.path, remove...)
	// The code of the next step is as good as that of now, and not used yet.
	mfa := mfaAt(t, time.Now().Add(30*time.Second))
	mustRun(t, s.trust, cli.path, append(remove, "--mfa", mfa)...)
	again := s.api(append([]string{"delete-object"}, s.put(t, cli, bucket)...)...)
	wantFailure(t, "AccessDenied", s.trust, cli.path, append(again, "--mfa", mfa)...)
}

func governanceScenario(t *testing.T, s *protectedServer, cli awsCLI) {
	_, version := s.locked(t, cli, until("GOVERNANCE")...)
	remove := s.api(append([]string{"delete-object"}, version...)...)
	bypass := append(remove, "--bypass-governance-retention")
	const refused = "Access Denied because object protected by object lock."
	wantFailure(t, refused, s.trust, cli.path, remove...)
	wantFailure(t, refused, s.as(adminKey), cli.path, remove...)
	wantFailure(t, "AccessDenied", s.as(keeperKey), cli.path, bypass...)
	mustRun(t, s.as(adminKey), cli.path, bypass...)
	wantFailure(t, "404", s.trust, cli.path, s.api(append([]string{"head-object"}, version...)...)...)
}

func complianceScenario(t *testing.T, s *protectedServer, cli awsCLI) {
	bucket, version := s.locked(t, cli, until("COMPLIANCE")...)
	const refused = "Access Denied because object protected by object lock."
	remove := s.api(append([]string{"delete-object", "--bypass-governance-retention"}, version...)...)
	wantFailure(t, refused, s.trust, cli.path, remove...)
	sooner := fmt.Sprintf("Mode=COMPLIANCE,RetainUntilDate=%s", lockUntil.Add(-time.Hour).Format(time.RFC3339))
	shorten := append([]string{"put-object-retention", "--bypass-governance-retention", "--retention", sooner}, version...)
	wantFailure(t, refused, s.trust, cli.path, s.api(shorten...)...)
	weaker := fmt.Sprintf("Mode=GOVERNANCE,RetainUntilDate=%s", lockUntil.Format(time.RFC3339))
	weaken := append([]string{"put-object-retention", "--bypass-governance-retention", "--retention", weaker}, version...)
	wantFailure(t, refused, s.trust, cli.path, s.api(weaken...)...)
	wantFailure(t, "BucketNotEmpty", s.trust, cli.path, s.api("delete-bucket", "--bucket", bucket)...)
	mustRun(t, s.trust, cli.path, s.api(append([]string{"head-object"}, version...)...)...)
}

func holdScenario(t *testing.T, s *protectedServer, cli awsCLI) {
	_, version := s.locked(t, cli)
	hold := func(status string) {
		mustRun(t, s.trust, cli.path, s.api(append([]string{"put-object-legal-hold", "--legal-hold", "Status=" + status}, version...)...)...)
	}
	hold("ON")
	remove := s.api(append([]string{"delete-object", "--bypass-governance-retention"}, version...)...)
	wantFailure(t, "Access Denied because object protected by object lock.", s.trust, cli.path, remove...)
	hold("OFF")
	mustRun(t, s.trust, cli.path, remove...)
}

func manyScenario(t *testing.T, s *protectedServer, cli awsCLI) {
	const entries, locked = 1000, 10
	bucket := bucketName(t)
	mustRun(t, s.trust, cli.path, s.api("create-bucket", "--bucket", bucket, "--object-lock-enabled-for-bucket")...)
	client := over(t, s.endpoint, s.by, true)
	type identifier struct{ Key, VersionId string }
	var list struct{ Objects []identifier }
	for i := range entries {
		in := &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(fmt.Sprintf("key-%04d", i)), Body: strings.NewReader("x"),
			ChecksumAlgorithm: types.ChecksumAlgorithmCrc32} // which locks need
		if i%(entries/locked) == 0 {
			in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeCompliance, &lockUntil
		}
		out, err := client.s3.PutObject(t.Context(), in)
		must(t, err)
		list.Objects = append(list.Objects, identifier{*in.Key, *out.VersionId})
	}
	document, err := json.Marshal(list)
	must(t, err)
	file := filepath.Join(t.TempDir(), "delete.json")
	must(t, os.WriteFile(file, document, 0o600))
	var answer struct{ Deleted, Errors []struct{ Code string } }
	out := mustRun(t, s.trust, cli.path, s.api("delete-objects", "--bucket", bucket, "--delete", "file://"+file)...)
	must(t, json.Unmarshal([]byte(out), &answer))
	if len(answer.Deleted) != entries-locked || len(answer.Errors) != locked {
		t.Errorf("%d are deleted and %d refused, want %d and %d", len(answer.Deleted), len(answer.Errors), entries-locked, locked)
	}
	for _, e := range answer.Errors {
		if e.Code != "AccessDenied" {
			t.Errorf("an entry is refused with %s", e.Code)
		}
	}
}
