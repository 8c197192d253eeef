package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store"
)

// newClockServer is a server in memory whose object time can be set, with its clocks
// at real2026.
func newClockServer(t *testing.T, change func(*Options)) *testServer {
	t.Helper()
	var st *store.Store
	s := newTestServer(t, func(o *Options) {
		var err error
		if st, err = store.Open("data", store.Options{Memory: true, TestFolder: true, Clock: o.Clock}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		o.Store = st
		if change != nil {
			change(o)
		}
	})
	s.store = st
	return s
}

// real2026 is real time in these tests.
var real2026 = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// moved sends a change of the clock, which has to succeed.
func moved(t *testing.T, s *testServer, change string) AdminClockMove {
	t.Helper()
	return decoded[AdminClockMove](t, s.must("POST", AdminPath+"/clock", change))
}

// The clock goes where it is told to, and answers where it is.
func TestClockIsSet(t *testing.T) {
	s := newClockServer(t, nil)
	for _, test := range []struct {
		change string
		want   time.Time
		offset string
		frozen bool
	}{
		{`{"set":"2026-01-05T00:00:00Z"}`, time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), "68h55m55s", false},
		{`{"advance":"1d12h"}`, time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC), "104h55m55s", false},
		{`{"advance":"90s","freeze":true}`, time.Date(2026, 1, 6, 12, 1, 30, 0, time.UTC), "104h57m25s", true},
		{`{"advance":"-1d"}`, time.Date(2026, 1, 5, 12, 1, 30, 0, time.UTC), "80h57m25s", true},
		{`{"set":"2026-01-01"}`, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "-27h4m5s", true},
		{`{"freeze":false}`, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "-27h4m5s", false},
		{`{"offset":"720h"}`, real2026.Add(720 * time.Hour), "720h0m0s", false},
		{`{"offset":"30d"}`, real2026.Add(720 * time.Hour), "720h0m0s", false},
		{`{"offset":"0s","freeze":false}`, real2026, "0s", false},
	} {
		m := moved(t, s, test.change)
		if !m.Time.Equal(test.want) || !m.LockTime.Equal(test.want) || !m.RealTime.Equal(real2026) ||
			m.Offset != test.offset || m.Frozen != test.frozen || !m.TestClock || m.Actions == nil || m.Totals == nil {
			t.Errorf("%s: %+v", test.change, m)
		}
		if c := decoded[AdminClock](t, s.must("GET", AdminPath+"/clock", "")); c != m.AdminClock {
			t.Errorf("%s: afterwards it is %+v", test.change, c)
		}
	}
	moved(t, s, `{"advance":"1h"}`)
	s.clock.Advance(time.Minute)
	if c := decoded[AdminClock](t, s.must("GET", AdminPath+"/clock", "")); !c.Time.Equal(real2026.Add(time.Hour + time.Minute)) {
		t.Errorf("it does not run: %+v", c)
	}
}

// What makes no sense changes nothing.
func TestClockRefuses(t *testing.T) {
	s := newClockServer(t, nil)
	for change, code := range map[string]string{
		``:                                    "MalformedJSON",
		`{"to":"2026-01-01"}`:                 "MalformedJSON",
		`{}`:                                  "InvalidRequest",
		`{"set":"2027-01-01","advance":"1h"}`: "InvalidRequest",
		`{"set":"soon"}`:                      "InvalidArgument",
		`{"set":"1969-12-31"}`:                "InvalidArgument",
		`{"set":"2400-01-01"}`:                "InvalidArgument",
		`{"advance":"4000000000d"}`:           "InvalidArgument",
		`{"advance":"200000d"}`:               "InvalidArgument",
		`{"advance":"106751d106751h"}`:        "InvalidArgument",
		`{"advance":"1d-1h"}`:                 "InvalidArgument",
		`{"advance":"d"}`:                     "InvalidArgument",
		`{"advance":"--1h"}`:                  "InvalidArgument",
		`{"advance":"week"}`:                  "InvalidArgument",
		`{"offset":"300y"}`:                   "InvalidArgument",
	} {
		if a := s.do("POST", AdminPath+"/clock", change); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "<Code>"+code+"<") {
			t.Errorf("%s: %d %s", change, a.status, a.body)
		}
	}
	if c := decoded[AdminClock](t, s.must("GET", AdminPath+"/clock", "")); c.Offset != "0s" {
		t.Errorf("%+v", c)
	}
	s = newTestServer(t, nil)
	if a := s.do("POST", AdminPath+"/clock", `{"advance":"1h"}`); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "<Code>NoTestClock<") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if c := decoded[AdminClock](t, s.must("GET", AdminPath+"/clock", "")); c.TestClock || !c.Time.Equal(real2026) {
		t.Errorf("%+v", c)
	}
}

// Only whom policy allows it sets the clock.
func TestClockIsNotForAll(t *testing.T) {
	var who *principals
	s := newClockServer(t, func(o *Options) {
		who = newPrincipals(t, o.Clock)
		who.use(o)
	})
	who.user(testOwner.Account, "watch", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"tombstone:GetClock","Resource":"*"}}`)
	if a := s.doAs("watch", "GET", AdminPath+"/clock", ""); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.doAs("watch", "POST", AdminPath+"/clock", `{"advance":"1h"}`); a.status != http.StatusForbidden || !strings.Contains(string(a.body), "AccessDenied") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Objects are made at object time and locked by it; whoever signs goes by real time.
//
// spec: OL1.2-10, OL1.2-2, WI1.3-5
func TestClockOfObjects(t *testing.T) {
	s := newClockServer(t, nil)
	s.must("PUT", "/bucket", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	m := moved(t, s, `{"set":"2033-01-02T03:04:05Z","freeze":true}`)
	const past, future = "2032-01-01T00:00:00Z", "2040-01-01T00:00:00Z"
	locked := func(until string) answer {
		return s.do("PUT", "/bucket/key", "x", "X-Amz-Object-Lock-Mode", "COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date", until)
	}
	if a := locked(past); a.status != http.StatusBadRequest {
		t.Errorf("until what is past: %d %s", a.status, a.body)
	}
	a := locked(future)
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	id := a.header.Get("X-Amz-Version-Id")
	modified := m.Time.Format(http.TimeFormat)
	if a := s.must("HEAD", "/bucket/key", ""); a.header.Get("Last-Modified") != modified {
		t.Errorf("Last-Modified is %s", a.header.Get("Last-Modified"))
	}
	for date, status := range map[string]int{
		modified: http.StatusNotModified,
		m.Time.Add(time.Hour).Format(http.TimeFormat): http.StatusOK, // in the future, so it says nothing
	} {
		if a := s.do("GET", "/bucket/key", "", "If-Modified-Since", date); a.status != status {
			t.Errorf("modified since %s: %d", date, a.status)
		}
	}
	if a := s.do("DELETE", "/bucket/key?versionId="+id, ""); a.status != http.StatusForbidden {
		t.Errorf("a locked version: %d %s", a.status, a.body)
	}
	m = moved(t, s, `{"set":"2040-01-01"}`)
	if len(m.Actions) != 1 || m.Actions[0].Kind != retentionEnded || m.Actions[0].VersionID != id || m.Actions[0].Bucket != "bucket" ||
		len(m.Totals) != 1 || m.Totals[0] != (AdminLifecycleTotal{Kind: retentionEnded, Count: 1, Bytes: 1}) {
		t.Errorf("%+v", m)
	}
	if a := s.do("DELETE", "/bucket/key?versionId="+id, ""); a.status != http.StatusNoContent {
		t.Errorf("after its lock: %d %s", a.status, a.body)
	}
}

// An answer names a thousand actions and counts all.
func TestClockAnswersAThousandActions(t *testing.T) {
	const many = maxClockActions + 5
	s := newClockServer(t, nil)
	s.must("PUT", "/bucket", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	for i := range many {
		until := real2026.Add(time.Duration(many-i) * time.Second).Format(time.RFC3339)
		s.must("PUT", fmt.Sprintf("/bucket/%d", i), "x", "X-Amz-Object-Lock-Mode", "GOVERNANCE", "X-Amz-Object-Lock-Retain-Until-Date", until)
	}
	m := moved(t, s, `{"advance":"1d"}`)
	if len(m.Actions) != maxClockActions || !m.Truncated || m.Totals[0].Count != many || m.Actions[0].Key != fmt.Sprint(many-1) {
		t.Errorf("%d of %+v, the first is %+v", len(m.Actions), m.Totals, m.Actions[0])
	}
}
