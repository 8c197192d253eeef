package api

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	endpointsPage  = "../docs/administration.md"
	endpointsBegin = "<!-- endpoints: written by go test ./api -run TestEndpointsPage -update -->\n"
	endpointsEnd   = "<!-- end of endpoints -->\n"
)

// The page lists the endpoints there are.
func TestEndpointsPage(t *testing.T) {
	var table strings.Builder
	table.WriteString("| Request | Name | Action |\n|---|---|---|\n")
	for _, family := range endpoints {
		for i := range family {
			e := &family[i]
			fmt.Fprintf(&table, "| `%s %s` | %s | `%s` |\n", e.method, e.path, e.name, e.action)
		}
	}
	page, err := os.ReadFile(endpointsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), endpointsBegin)
	_, after, found := strings.Cut(rest, endpointsEnd)
	if !ok || !found {
		t.Fatalf("%s has no place for the table", endpointsPage)
	}
	want := before + endpointsBegin + table.String() + endpointsEnd + after
	if string(page) == want {
		return
	}
	if !*updateDoc {
		t.Fatalf("the table in %s is not that of the endpoints; run this test with -update", endpointsPage)
	}
	if err := os.WriteFile(endpointsPage, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}
