package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// newSettlingServer is newClockServer with rules that are carried out.
func newSettlingServer(t *testing.T, wrap func(*lifecycle.ExpirerOptions)) *testServer {
	t.Helper()
	return newClockServer(t, func(o *Options) {
		var x lifecycle.ExpirerOptions
		if wrap != nil {
			wrap(&x)
		}
		o.Lifecycle = upkeep.NewExpirer(o.Store, x)
		t.Cleanup(o.Lifecycle.Close)
	})
}

// rulesOf returns a lifecycle configuration of one rule with an action, as an element.
func rulesOf(action string) string {
	return "<LifecycleConfiguration><Rule><ID>r</ID><Filter/><Status>Enabled</Status>" + action + "</Rule></LifecycleConfiguration>"
}

func (s *testServer) rule(bucket, action string) {
	s.t.Helper()
	document := rulesOf(action)
	s.must("PUT", "/"+bucket+"?lifecycle", document, "x-amz-checksum-sha256", sha256Of(document))
}

// told returns the actions of a move in lines.
func told(m *AdminClockMove) string {
	var lines strings.Builder
	for _, a := range m.Actions {
		kind := a.Kind
		if a.DeleteMarker {
			kind += " of a marker"
		}
		fmt.Fprintf(&lines, "%s %s/%s %s %d\n", a.At.Format("2006-01-02T15:04:05Z"), a.Bucket, a.Key, kind, a.Bytes)
	}
	return lines.String()
}

// A lock of seven years holds against the rule that waits for it, and the rule acts
// once it has ended: all that in one request.
//
// spec: LC6-1
func TestClockSettlesSevenYears(t *testing.T) {
	s := newSettlingServer(t, nil)
	s.must("PUT", "/bucket", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	until := real2026.AddDate(7, 0, 0).Format(time.RFC3339)
	s.must("PUT", "/bucket/key", "locked", "X-Amz-Object-Lock-Mode", "COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date", until)
	s.rule("bucket", "<Expiration><Days>1</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>")
	m := moved(t, s, `{"set":"2033-01-02T03:04:04Z"}`)
	if got := told(&m); got != "2026-01-04T00:00:00Z bucket/key ExpireCurrent 6\n" || !m.Time.Equal(time.Date(2033, 1, 2, 3, 4, 4, 0, time.UTC)) {
		t.Errorf("a second before its end, at %v:\n%s", m.Time, got)
	}
	if a := s.do("GET", "/bucket?versions", ""); strings.Count(string(a.body), "<Version>") != 1 || strings.Count(string(a.body), "<DeleteMarker>") != 1 {
		t.Errorf("%s", a.body)
	}
	m = moved(t, s, `{"advance":"2d"}`)
	const want = "2033-01-02T03:04:05Z bucket/key RetentionEnded 6\n" +
		"2033-01-02T03:04:05Z bucket/key RemoveNoncurrent 6\n" +
		"2033-01-02T03:04:05Z bucket/key RemoveMarker of a marker 0\n"
	if got := told(&m); got != want {
		t.Errorf("two days later:\n%s", got)
	}
	if a := s.do("GET", "/bucket?versions", ""); strings.Contains(string(a.body), "<Key>") {
		t.Errorf("%s", a.body)
	}
	s.must("DELETE", "/bucket", "")
}

// Each thing is done at its own time, as if the server had been up: what a rule makes
// bears the time at which it was due.
func TestClockSettlesStepByStep(t *testing.T) {
	s := newSettlingServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	s.must("PUT", "/bucket/key", "x")
	s.must("POST", "/bucket/open?uploads", "")
	s.rule("bucket", "<Expiration><Days>3</Days></Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>")
	m := moved(t, s, `{"advance":"100d"}`)
	const want = "2026-01-05T00:00:00Z bucket/open AbortUpload 0\n2026-01-06T00:00:00Z bucket/key ExpireCurrent 1\n"
	if got := told(&m); got != want || m.Frozen || m.Held+m.Changed+m.Failed != 0 || len(m.Totals) != 2 {
		t.Errorf("%+v\n%s", m, got)
	}
	if a := s.do("GET", "/bucket?versions", ""); !strings.Contains(string(a.body), "<LastModified>2026-01-06T00:00:00.000Z</LastModified>") {
		t.Errorf("%s", a.body)
	}
	if m = moved(t, s, `{"advance":"1s"}`); len(m.Actions) != 0 {
		t.Errorf("once more:\n%s", told(&m))
	}
}

// A move that is cut goes on from where it got to, as the clock was before.
func TestClockMoveIsCut(t *testing.T) {
	for _, frozen := range []bool{false, true} {
		s := newSettlingServer(t, nil)
		s.must("PUT", "/bucket", "")
		s.must("PUT", "/bucket/key", "x")
		s.rule("bucket", "<Expiration><Days>3</Days></Expiration>")
		moved(t, s, fmt.Sprintf(`{"freeze":%v}`, frozen))
		ctx, cancel := context.WithCancel(t.Context())
		m := &clockMove{x: &exchange{h: s.handler, r: s.request("POST", "/", nil).WithContext(ctx)}, target: real2026.AddDate(1, 0, 0), frozen: true}
		if err := m.stop(time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := m.run(); err == nil {
			t.Error("a move went on after it was cut")
		}
		c := decoded[AdminClock](t, s.must("GET", AdminPath+"/clock", ""))
		if c.Frozen != frozen || !c.Time.Equal(time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("frozen before %v: %+v", frozen, c)
		}
		if got := s.store.TestClockSetting(); got.Held {
			t.Errorf("%+v", got)
		}
		s.clock.Advance(time.Second)
		if runs := s.store.ObjectTime().After(c.Time); runs == frozen {
			t.Errorf("frozen before %v: it runs %v", frozen, runs)
		}
		if _, err := s.store.Head(t.Context(), store.ReadRequest{Bucket: "bucket", Key: "key"}); err != nil {
			t.Error(err)
		}
	}
}

// Whoever moves the clock while somebody else does waits for them.
func TestClockMovesOneAfterTheOther(t *testing.T) {
	const movers = 8
	s := newSettlingServer(t, nil)
	done := make(chan int, movers)
	for range movers {
		go func() { done <- s.do("POST", AdminPath+"/clock", `{"advance":"1h"}`).status }()
	}
	for range movers {
		if status := <-done; status != http.StatusOK {
			t.Error(status)
		}
	}
	if got := s.store.ObjectTime().Sub(real2026); got != movers*time.Hour {
		t.Errorf("it went %v forward", got)
	}
}
