package integration

import (
	"os/exec"
	"testing"
)

// boto3 is boto3, by the Python that has it.
type boto3 struct {
	played
	python string
}

func newBoto3(t *testing.T) boto3 {
	t.Helper()
	python := program(t, "python3")
	out, err := exec.Command(python, "-c", "import boto3; print(boto3.__version__)").CombinedOutput()
	if err != nil {
		absent(t, "python3 has no boto3: "+tailOf(string(out)))
	}
	return boto3{played: played{name: "boto3", version: versionIn(string(out))}, python: python}
}

// flow plays a flow of clients/boto3_flows.py on a bucket.
func (b boto3) flow(t *testing.T, endpoint, name, bucket string) {
	t.Helper()
	mustRun(t, nil, b.python, "clients/boto3_flows.py", endpoint, name, bucket)
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	b := newBoto3(t)
	for flow, scenario := range map[string]string{
		"main_job":     "main job: a bucket through all versioning states",
		"checksums":    "put and get with each checksum",
		"odd_keys":     "keys that something on the way may mangle",
		"empty_bodies": "empty objects, stored and refused on one connection",
		"everyday":     "everyday: upload_file and copy in parts, tags, attributes, conditions",
		"presigned":    "presigned URLs and POST forms, SigV4 and SigV2",
	} {
		b.scenario(t, scenario, func(t *testing.T) {
			b.flow(t, shared.Endpoint, flow, bucketName(t))
		})
	}
	for _, status := range []string{"", "Enabled", "Suspended"} {
		// spec: VD9-10
		b.scenario(t, "bucket.object_versions.delete(), status "+status, func(t *testing.T) {
			bucket := seededBucket(t, status)
			b.flow(t, shared.Endpoint, "object_versions_delete", bucket)
			wantNoBucket(t, bucket)
		})
		// spec: VD9-11
		b.scenario(t, "bucket.objects.delete(), status "+status, func(t *testing.T) {
			bucket := seededBucket(t, status)
			b.flow(t, shared.Endpoint, "objects_delete", bucket)
			wantContents(t, bucket, map[string]contents{"Enabled": {versions: 2 * many, markers: many}, "Suspended": {versions: many, markers: many}}[status])
		})
		b.scenario(t, "ObjectVersion.delete() on each, status "+status, func(t *testing.T) {
			bucket := seededBucket(t, status)
			if status != "" {
				hide(t, bucket)
			}
			b.flow(t, shared.Endpoint, "versions_one_by_one", bucket)
			wantNoBucket(t, bucket)
		})
	}
}
