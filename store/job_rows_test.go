package store

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
)

func mustJobs(t *testing.T, s *Store, prefix string) map[string]string {
	t.Helper()
	rows, err := s.Jobs(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	jobs := make(map[string]string)
	for i, r := range rows {
		if i > 0 && rows[i-1].Name >= r.Name {
			t.Errorf("%q after %q", r.Name, rows[i-1].Name)
		}
		jobs[r.Name] = string(r.Document)
	}
	return jobs
}

func mustKeep(t *testing.T, s *Store, name string, document []byte) {
	t.Helper()
	if err := s.KeepJob(t.Context(), name, document); err != nil {
		t.Fatal(err)
	}
}

// A document is what was kept last, whatever its length and that of the one before,
// also after a restart.
func TestJobRows(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	lengths := []int{
		5, 0, documentChunk, documentChunk - 1, 3*documentChunk + 7, 2 * documentChunk, documentChunk + 1, MaxJobBytes, 1,
	}
	for i, length := range lengths {
		document := bytes.Repeat([]byte{byte('a' + i)}, length)
		mustKeep(t, s, "job/1", document)
		mustKeep(t, s, "job/10", []byte("other"))
		want := map[string]string{"job/1": string(document), "job/10": "other"}
		if got := mustJobs(t, s, ""); !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes are not what was kept", length)
		}
		if rows := countTable(t, s, jobTable); rows != 1+max(1, (length+documentChunk-1)/documentChunk) {
			t.Errorf("%d bytes in %d rows", length, rows)
		}
		mustClean(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTest(t, fs, nil)
		if got := mustJobs(t, s, "job/"); !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes are not there after a restart", length)
		}
	}
	mustKeep(t, s, "lifecycle/1", nil)
	if got := mustJobs(t, s, "lifecycle/"); !reflect.DeepEqual(got, map[string]string{"lifecycle/1": ""}) {
		t.Errorf("%q", got)
	}
	for range 2 { // the second time there is none
		for _, name := range []string{"job/1", "job/10", "lifecycle/1"} {
			if err := s.DropJob(t.Context(), name); err != nil {
				t.Error(err)
			}
		}
	}
	if got := countTable(t, s, jobTable); got != 0 {
		t.Errorf("%d rows are left", got)
	}
}

func TestJobRowsRefuse(t *testing.T) {
	s := openTest(t, nil, nil)
	for _, c := range []struct {
		name   string
		length int
		want   error
	}{
		{"job", MaxJobBytes + 1, ErrJobTooLarge}, {"", 1, ErrJobName}, {"a\x00b", 1, ErrJobName}, {"\xff", 1, ErrJobName},
		{strings.Repeat("x", MaxKeyBytes+1), 1, ErrJobName}, {strings.Repeat("x", MaxKeyBytes), 1, nil},
	} {
		if err := s.KeepJob(t.Context(), c.name, make([]byte, c.length)); !errors.Is(err, c.want) {
			t.Errorf("%.10q with %d bytes: %v, want %v", c.name, c.length, err, c.want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, read := s.Jobs(t.Context(), "")
	for what, err := range map[string]error{
		"keep": s.KeepJob(t.Context(), "job", nil), "drop": s.DropJob(t.Context(), "job"), "read": read,
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Who keeps a document at the same time as others leaves one of theirs, whole.
func TestJobRowsConcurrently(t *testing.T) {
	p := &probe{}
	s := openTest(t, nil, p.under)
	p.spoil(30)
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range 20 {
				length := (c + i) % 4 * documentChunk / 2
				if err := s.KeepJob(t.Context(), "job", bytes.Repeat([]byte{byte('a' + c)}, length)); err != nil {
					t.Error(err)
				}
				if err := s.KeepJob(t.Context(), fmt.Sprint("own", c), []byte{byte(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	p.onCommit.Store(nil)
	for name, document := range mustJobs(t, s, "") {
		if document != strings.Repeat(document[:min(1, len(document))], len(document)) ||
			strings.HasPrefix(name, "own") && document != "\x13" {
			t.Errorf("%s: %d bytes, mixed", name, len(document))
		}
	}
	mustClean(t, s)
}

// Rows that make no documents are damage, which Check tells of.
func TestJobRowsDamage(t *testing.T) {
	full := make([]byte, documentChunk)
	for name, rows := range map[string][]engine.Mutation{
		"a chunk without the first": {engine.Set(jobKey("j", 1), nil)},
		"a chunk behind a short one": {
			engine.Set(jobKey("j", 0), []byte("short")), engine.Set(jobKey("j", 1), []byte("more")),
		},
		"a gap":                {engine.Set(jobKey("j", 0), full), engine.Set(jobKey("j", 2), []byte("more"))},
		"a chunk of another":   {engine.Set(jobKey("j", 0), full), engine.Set(jobKey("k", 1), []byte("more"))},
		"too long a chunk":     {engine.Set(jobKey("j", 0), append(full, 0))},
		"a key without a name": {engine.Set(jobKey("", 0), nil)},
		"half a key":           {engine.Set([]byte{byte(jobTable), 'j'}, nil)},
		"a key with an end":    {engine.Set(jobKey("j\x00k", 0), nil)},
	} {
		s := openTest(t, nil, nil)
		mustKeep(t, s, "whole", []byte("document"))
		if err := s.engine.Commit(t.Context(), nil, rows); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Jobs(t.Context(), ""); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		report, err := s.Check(t.Context())
		if err != nil || len(report.Problems) == 0 || !strings.Contains(report.Problems[0].Detail, "job") {
			t.Errorf("%s: %v, %v", name, report.Problems, err)
		}
		if got := mustJobs(t, s, "whole"); len(got) != 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
