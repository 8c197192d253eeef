package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// javaScript is the AWS SDK for JavaScript v3, in the folder of modules that
// TOMBSTONE_CLIENTS_NODE names.
type javaScript struct {
	played
	node, modules string
}

func newJavaScript(t *testing.T) javaScript {
	t.Helper()
	js := javaScript{node: program(t, "node"), modules: folder(t, "TOMBSTONE_CLIENTS_NODE", "the AWS SDK for JavaScript")}
	description, err := os.ReadFile(filepath.Join(js.modules, "node_modules/@aws-sdk/client-s3/package.json"))
	must(t, err)
	var p struct{ Version string }
	must(t, json.Unmarshal(description, &p))
	js.played = played{name: "AWS SDK for JavaScript v3", version: p.Version}
	return js
}

// flow plays a flow of clients/javascript_flows.mjs on a bucket.
func (js javaScript) flow(t *testing.T, endpoint, name, bucket string) {
	t.Helper()
	mustRun(t, nil, js.node, "clients/javascript_flows.mjs", js.modules, endpoint, name, bucket)
}

func TestJavaScript(t *testing.T) {
	t.Parallel()
	js := newJavaScript(t)
	js.scenario(t, "main job: a bucket through all versioning states", func(t *testing.T) {
		js.flow(t, shared.Endpoint, "main_job", bucketName(t))
	})
	js.scenario(t, "everyday: Upload of lib-storage, checksums, copy, tags, presigned URLs", func(t *testing.T) {
		js.flow(t, shared.Endpoint, "everyday", bucketName(t))
	})
}
