package api

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var (
	idInText        = regexp.MustCompile(`[A-Za-z0-9._]{32}`)
	requestIDInText = regexp.MustCompile(`\b[A-Z0-9]{16}\b`)
)

// renderJSON shows a JSON document, a line for each value, with the names of ids.
func (c *conversation) renderJSON(t *testing.T, body []byte, out *renderer) {
	var text bytes.Buffer
	if err := json.Indent(&text, bytes.TrimSpace(body), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for line := range strings.Lines(text.String()) {
		element, _, _ := strings.Cut(line, ":")
		if strings.Contains(element, "successor") {
			element = "version" // whose id it is
		}
		line = idInText.ReplaceAllStringFunc(line, func(id string) string {
			if strings.Contains(element, `"versionId"`) || strings.Contains(element, "uploadId") || element == "version" {
				return c.name(strings.ReplaceAll(element, "uploadId", "UploadId"), id)
			}
			return c.name("", id)
		})
		out.builder.WriteString(requestIDInText.ReplaceAllString(line, "REQUEST"))
	}
	out.builder.WriteString("\n")
}
