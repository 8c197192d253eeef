package integration

import (
	"path/filepath"
	"testing"
)

// The AWS SDK for Java v2 is in the folder of jars that TOMBSTONE_CLIENTS_JAVA
// names.
func TestJava(t *testing.T) {
	t.Parallel()
	java, jars := program(t, "java"), folder(t, "TOMBSTONE_CLIENTS_JAVA", "the AWS SDK for Java")
	found, err := filepath.Glob(filepath.Join(jars, "s3-[0-9]*.jar"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s holds %q, %v", jars, found, err)
	}
	p := played{name: "AWS SDK for Java v2", version: versionIn(filepath.Base(found[0][:len(found[0])-len(".jar")]))}
	for flow, scenario := range map[string]string{
		"main_job": "main job: a bucket through all versioning states",
		"everyday": "everyday: transfer manager in parts, checksums, copy, tags, presigned URLs",
	} {
		p.scenario(t, scenario, func(t *testing.T) {
			mustRun(t, nil, java, "-cp", filepath.Join(jars, "*"), "clients/java/JavaFlows.java", shared.Endpoint, flow, bucketName(t))
		})
	}
}
