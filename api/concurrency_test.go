package api

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// each runs fn in n goroutines and waits for them.
func each(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

func (s *testServer) versions(target string) []node {
	s.t.Helper()
	root, err := parseAnswer(s.must("GET", target, "").body)
	if err != nil {
		s.t.Fatal(err)
	}
	var entries []node
	for _, c := range root.Children {
		if c.XMLName.Local == "Version" || c.XMLName.Local == "DeleteMarker" {
			entries = append(entries, c)
		}
	}
	return entries
}

// Writes of one key at a time: all versions stay in Enabled, one null entry remains
// elsewhere. What was answered is seen at once.
// spec: VD8-1, VD8-2, VD2-5, VD4-24
func TestConcurrentWrites(t *testing.T) {
	for _, state := range []string{"", "Enabled", "Suspended"} {
		t.Run("state "+state, func(t *testing.T) {
			s := newTestServer(t, nil)
			s.must("PUT", "/bucket", "")
			if state != "" {
				s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>"+state+"</Status></VersioningConfiguration>")
			}
			const writers = 20
			each(writers, func(i int) {
				s.must("PUT", "/bucket/key", fmt.Sprint(i))
				own := fmt.Sprintf("/bucket/own-%d", i)
				s.must("PUT", own, "mine")
				if a := s.must("GET", own, ""); string(a.body) != "mine" {
					t.Errorf("own object reads %q", a.body)
				}
				s.must("DELETE", own, "")
				if a := s.do("GET", own, ""); a.status != 404 {
					t.Errorf("own object after its delete: %d", a.status)
				}
			})
			entries := s.versions("/bucket?versions&prefix=key")
			want, latest := 1, 0
			if state == "Enabled" {
				want = writers
			}
			ids := make(map[string]bool)
			for i := range entries {
				ids[entries[i].child("VersionId")] = true
				if entries[i].child("IsLatest") == "true" {
					latest++
				}
			}
			if len(entries) != want || len(ids) != want || latest != 1 {
				t.Errorf("%d entries, %d ids, %d latest; want %d", len(entries), len(ids), latest, want)
			}
		})
	}
}

// Deletes of the same versions from several clients all succeed.
// spec: VD8-1
func TestConcurrentDeletes(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	for i := range 30 {
		s.must("PUT", fmt.Sprintf("/bucket/key-%d", i%3), "x")
	}
	var body strings.Builder
	body.WriteString("<Delete>")
	for _, e := range s.versions("/bucket?versions") {
		fmt.Fprintf(&body, "<Object><Key>%s</Key><VersionId>%s</VersionId></Object>", e.child("Key"), e.child("VersionId"))
	}
	body.WriteString("</Delete>")
	each(5, func(int) {
		root, err := parseAnswer(s.deleteObjects("/bucket", body.String()).body)
		if err != nil || len(root.Children) != 30 {
			t.Errorf("%d results, %v", len(root.Children), err)
		}
		for _, c := range root.Children {
			if c.XMLName.Local != "Deleted" {
				t.Errorf("%+v", c)
			}
		}
	})
	if left := s.versions("/bucket?versions"); len(left) != 0 {
		t.Errorf("%d entries are left", len(left))
	}
	s.must("DELETE", "/bucket", "")
}
