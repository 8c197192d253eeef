package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/versioning"
)

// states are the states of a bucket in the order of the tables' columns.
var states = []versioning.State{versioning.Unversioned, versioning.Enabled, versioning.Suspended}

// show writes the history of key k as the specification does: v object version, N
// null object, D delete marker, DN null delete marker.
func show(m *model.Store) string {
	var entries []string
	for _, e := range m.History("b", "k") {
		switch {
		case e.Name == model.Null && e.DeleteMarker:
			entries = append(entries, "DN")
		case e.Name == model.Null:
			entries = append(entries, "N")
		default:
			entries = append(entries, e.Name)
		}
	}
	if entries == nil {
		return "absent"
	}
	return strings.Join(entries, ",")
}

// prior makes a bucket with key k in the given prior state, written oldest first by
// requests in the states that it takes.
func prior(t *testing.T, history string) *model.Store {
	t.Helper()
	m := model.New()
	if err := m.CreateBucket("b", false); err != nil {
		t.Fatal(err)
	}
	entries := strings.Split(history, ",")
	for i := len(entries) - 1; i >= 0 && history != "absent"; i-- {
		entry := entries[i]
		switch {
		case strings.Contains(entry, "N") && history != "N":
			set(t, m, versioning.Suspended)
		case entry != "N":
			set(t, m, versioning.Enabled)
		}
		if strings.HasPrefix(entry, "D") {
			remove(t, m, model.Delete{Key: "k", Name: entry})
		} else {
			put(t, m, entry)
		}
	}
	return m
}

func set(t *testing.T, m *model.Store, s versioning.State) {
	t.Helper()
	if err := m.SetVersioning("b", s); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, m *model.Store, name string) model.Answer {
	t.Helper()
	a, err := m.Put(model.Put{Bucket: "b", Key: "k", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func remove(t *testing.T, m *model.Store, d model.Delete) model.Answer {
	t.Helper()
	a, err := m.Delete("b", d)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTables plays the tables of the specification on prior states of a key
// (VD3.1-2 to VD3.1-8, VD3.2-2 to VD3.2-7); - is what no bucket gets to.
func TestTables(t *testing.T) {
	for _, row := range []struct {
		before         string
		puts, removals [3]string // in U, E, S
	}{
		{"absent", [3]string{"N", "v9", "N"}, [3]string{"absent", "D9", "DN"}},
		{"N", [3]string{"N", "v9,N", "N"}, [3]string{"absent", "D9,N", "DN"}},
		{"v1", [3]string{"-", "v9,v1", "N,v1"}, [3]string{"-", "D9,v1", "DN,v1"}},
		{"v1,N", [3]string{"-", "v9,v1,N", "N,v1"}, [3]string{"-", "D9,v1,N", "DN,v1"}},
		{"N,v1", [3]string{"-", "v9,N,v1", "N,v1"}, [3]string{"-", "D9,N,v1", "DN,v1"}},
		{"D1,v1", [3]string{"-", "v9,D1,v1", "N,D1,v1"}, [3]string{"-", "D9,D1,v1", "DN,D1,v1"}},
		{"DN,v1", [3]string{"-", "v9,DN,v1", "N,v1"}, [3]string{"-", "D9,DN,v1", "DN,v1"}},
	} {
		for i, s := range states {
			if row.puts[i] == "-" {
				continue
			}
			for request, want := range map[string]string{"put": row.puts[i], "delete": row.removals[i]} {
				m := prior(t, row.before)
				if before := show(m); before != row.before {
					t.Fatalf("prior state is %s, not %s", before, row.before)
				}
				if s != versioning.Unversioned {
					set(t, m, s)
				}
				if request == "put" {
					put(t, m, "v9")
				} else {
					remove(t, m, model.Delete{Key: "k", Name: "D9"})
				}
				if after := show(m); after != want {
					t.Errorf("%s of %s in state %q leaves %s, not %s", request, row.before, s, after, want)
				}
			}
		}
	}
}

// TestDeleteEntry plays the table of deletes by id (VD3.3-1 to VD3.3-7).
func TestDeleteEntry(t *testing.T) {
	for _, row := range []struct {
		state      versioning.State
		before, id string
		after      string
		answer     string
	}{
		{versioning.Enabled, "v2,v1", "v1", "v2", "v1 false"},
		{versioning.Enabled, "D1,v1", "D1", "v1", "D1 true"},
		{versioning.Suspended, "N,v1", "null", "v1", "null false"},
		{versioning.Suspended, "DN,v1", "null", "v1", "null true"},
		{versioning.Suspended, "v1", "null", "v1", "null false"},
		{versioning.Unversioned, "N", "null", "absent", " false"},
		{versioning.Unversioned, "absent", "null", "absent", " false"},
		{versioning.Unversioned, "N", "v7", "N", "v7 false"},
		{versioning.Enabled, "v1", "v7", "v1", "v7 false"},
	} {
		m := prior(t, row.before)
		if row.state != versioning.Unversioned {
			set(t, m, row.state)
		}
		a := remove(t, m, model.Delete{Key: "k", ID: row.id})
		if got := fmt.Sprint(a.VersionID, " ", a.DeleteMarker); got != row.answer || show(m) != row.after {
			t.Errorf("delete of %s of %s in state %q leaves %s and answers %s", row.id, row.before, row.state, show(m), got)
		}
	}
}

// TestMarkers pages through what a common prefix and a key with versions leave.
func TestMarkers(t *testing.T) {
	m := model.New()
	if err := m.CreateBucket("b", true); err != nil {
		t.Fatal(err)
	}
	for _, p := range []model.Put{
		{Key: "a", Name: "v1"}, {Key: "a", Name: "v2"}, {Key: "a", Name: "v3"}, {Key: "d/x", Name: "v4"}, {Key: "d/y", Name: "v5"}, {Key: "e", Name: "v6"},
	} {
		p.Bucket = "b"
		if _, err := m.Put(p); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, m, model.Delete{Key: "missing", ID: "v2"})
	for _, row := range []struct {
		after, id string
		limit     int
		want      string
	}{
		{"", "", 10, "v3 v2 v1 v6 [d/] false"},
		{"", "", 4, "v3 v2 v1 [d/] true d/ "},
		{"", "", 0, "[] false"},
		{"a", "v3", 1, "v2 [] true a v2"},
		{"a", "", 10, "v6 [d/] false"},
		{"a", "null", 10, "v6 [d/] false"},
		{"d/", "", 10, "v6 [] false"},
		{"d/x", "", 10, "v6 [] false"},
	} {
		p, err := m.ListVersions(model.List{Bucket: "b", Delimiter: "/", After: row.after, AfterID: row.id, Limit: row.limit})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range p.Entries {
			got += e.Name + " "
		}
		got += fmt.Sprintf("%v %v", p.Prefixes, p.Truncated)
		if p.Truncated {
			got += fmt.Sprintf(" %s %s", p.Last, p.LastID)
		}
		if got != row.want {
			t.Errorf("after %q %q, at most %d: %s, not %s", row.after, row.id, row.limit, got, row.want)
		}
	}
}
