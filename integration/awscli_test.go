package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// awsCLI is one installation of AWS CLI.
type awsCLI struct {
	played
	path string
	env  []string // in which scripts find it as "aws"
}

// awsCLIs returns the AWS CLIs that are installed, one of each major version:
// version 1 beside boto3, and version 2 where the PATH has one, as Debian's is.
func awsCLIs(t *testing.T) []awsCLI {
	t.Helper()
	major := func(version string) string { return version[:1] }
	var clis []awsCLI
	for _, found := range installations(t, "aws", "--version", major) {
		// Scripts find it by a link, as its folder may hold other things.
		only := t.TempDir()
		must(t, os.Symlink(found.path, filepath.Join(only, "aws")))
		clis = append(clis, awsCLI{played: played{name: "AWS CLI", version: found.version}, path: found.path,
			env: []string{"PATH=" + only + string(os.PathListSeparator) + os.Getenv("PATH")}})
	}
	return clis
}

// s3 returns the arguments of a high-level command, api those of an operation.
func (awsCLI) s3(args ...string) []string {
	return append([]string{"--endpoint-url", shared.Endpoint, "s3"}, args...)
}

func (awsCLI) api(args ...string) []string {
	return append([]string{"--endpoint-url", shared.Endpoint, "s3api"}, args...)
}

func TestAWSCLI(t *testing.T) {
	t.Parallel()
	for _, aws := range awsCLIs(t) {
		t.Run("version "+aws.version, func(t *testing.T) {
			t.Parallel()
			awsScenarios(t, aws)
		})
	}
}

func awsScenarios(t *testing.T, aws awsCLI) {
	aws.scenario(t, "main job: a bucket through all versioning states", func(t *testing.T) {
		mustRun(t, aws.env, "clients/aws_main_job.sh", shared.Endpoint, bucketName(t))
	})
	aws.scenario(t, "everyday: cp in parts, copy, mv, sync, presign, tags, attributes", func(t *testing.T) {
		mustRun(t, aws.env, "clients/aws_everyday.sh", shared.Endpoint, bucketName(t))
	})
	aws.scenario(t, "probes: every get of a bucket's settings", func(t *testing.T) {
		mustRun(t, aws.env, "clients/aws_probes.sh", shared.Endpoint, bucketName(t))
	})
	// spec: VD9-7
	aws.scenario(t, "s3 rm --recursive", func(t *testing.T) {
		for status, want := range map[string]contents{"": {}, "Enabled": {versions: 2 * many, markers: many}} {
			bucket := seededBucket(t, status)
			mustRun(t, aws.env, aws.path, aws.s3("rm", "--recursive", "--only-show-errors", "s3://"+bucket)...)
			wantContents(t, bucket, want)
		}
	})
	// spec: VD9-8
	aws.scenario(t, "s3 rb --force", func(t *testing.T) {
		bucket := seededBucket(t, "")
		mustRun(t, aws.env, aws.path, aws.s3("rb", "--force", "s3://"+bucket)...)
		wantNoBucket(t, bucket)
		bucket = seededBucket(t, "Enabled")
		wantFailure(t, "BucketNotEmpty", aws.env, aws.path, aws.s3("rb", "--force", "s3://"+bucket)...)
		wantContents(t, bucket, contents{versions: 2 * many, markers: many})
	})
	// spec: VD9-9
	for _, status := range []string{"", "Enabled", "Suspended"} {
		aws.scenario(t, "s3api loop over versions and markers, status "+status, func(t *testing.T) {
			bucket := seededBucket(t, status)
			if status != "" {
				hide(t, bucket)
			}
			mustRun(t, aws.env, "clients/s3api_empty.sh", shared.Endpoint, bucket)
			wantNoBucket(t, bucket)
		})
	}
}
