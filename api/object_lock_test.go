package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// The forms of ISO 8601 in which a date is understood; what is finer than a
// millisecond is rounded up.
//
// spec: OL1.2-7, OL1.2-11
func TestParseRetainUntil(t *testing.T) {
	tests := []struct{ text, want string }{
		{"2030-01-01T00:00:00Z", "2030-01-01T00:00:00.000Z"},
		{"2030-01-01T00:00:00.000Z", "2030-01-01T00:00:00.000Z"},
		{"2030-01-01T00:00:00.1Z", "2030-01-01T00:00:00.100Z"},
		{"2030-01-01T00:00:00.123456Z", "2030-01-01T00:00:00.124Z"},
		{"2030-01-01T00:00:00.999999999Z", "2030-01-01T00:00:01.000Z"},
		{"2030-01-01T01:30:00+01:30", "2030-01-01T00:00:00.000Z"},
		{"2029-12-31T16:00:00-0800", "2030-01-01T00:00:00.000Z"},
		{"20300101T000000Z", "2030-01-01T00:00:00.000Z"},
		{"2030-01-01", ""},
		{"2030-01-01T00:00:00", ""},
		{"2030-13-01T00:00:00Z", ""},
		{"Tue, 01 Jan 2030 00:00:00 GMT", ""},
		{"1893456000", ""},
		{" 2030-01-01T00:00:00Z", ""},
		{"", ""},
	}
	for _, test := range tests {
		got, ok := parseRetainUntil(test.text)
		if ok != (test.want != "") || ok && formatRetainUntil(got) != test.want {
			t.Errorf("%q: %v %v, want %q", test.text, got, ok, test.want)
		}
	}
}

// What headers ask for, and how they are refused.
//
// spec: OL1.2-2, OL1.2-8, OL1.2-9, OL1.2-10, OL1.2-11, OL1.2-12
func TestParseLock(t *testing.T) {
	const (
		mode, date, hold = lockModeHeader, lockUntilHeader, lockHoldHeader
		future           = "2026-01-02T03:04:05.001Z"
		two              = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
	)
	now := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	soon := now.Add(time.Millisecond)
	tests := []struct {
		headers       []string
		want          versioning.Lock
		text, name    string // of the refusal
		argumentValue string
	}{
		{headers: nil},
		{headers: []string{mode, "GOVERNANCE", date, future}, want: versioning.Lock{Mode: versioning.Governance, Until: soon}},
		{headers: []string{mode, "COMPLIANCE", date, future, hold, "OFF"},
			want: versioning.Lock{Mode: versioning.Compliance, Until: soon, Hold: versioning.HoldOff}},
		{headers: []string{hold, "ON"}, want: versioning.Lock{Hold: versioning.HoldOn}},
		{[]string{mode, "GOVERNANCE"}, versioning.Lock{}, two, lockUntilName, ""},
		{[]string{date, future}, versioning.Lock{}, two, lockModeName, ""},
		{[]string{mode, "BAD", date, future}, versioning.Lock{}, "Unknown wormMode directive.", lockModeName, "BAD"},
		{[]string{mode, "compliance", date, "x"}, versioning.Lock{}, "Unknown wormMode directive.", lockModeName, "compliance"},
		{[]string{mode, "", date, ""}, versioning.Lock{}, "Unknown wormMode directive.", lockModeName, ""},
		{[]string{mode, "COMPLIANCE", date, ""}, versioning.Lock{},
			"The retain until date must be provided in ISO 8601 format", lockUntilName, ""},
		{[]string{mode, "COMPLIANCE", date, "2026-01-02T03:04:05Z"}, versioning.Lock{},
			"The retain until date must be in the future!", lockUntilName, "2026-01-02T03:04:05Z"},
		{[]string{mode, "COMPLIANCE", date, "9999-12-31T23:59:59-01:00"}, versioning.Lock{},
			"The retain until date must be provided in ISO 8601 format", lockUntilName, "9999-12-31T23:59:59-01:00"},
		{[]string{mode, "COMPLIANCE", date, "9999-12-31T23:59:59.9999Z"}, versioning.Lock{},
			"The retain until date must be provided in ISO 8601 format", lockUntilName, "9999-12-31T23:59:59.9999Z"},
		{[]string{hold, "on"}, versioning.Lock{}, "Legal Hold must be either of 'ON' or 'OFF'", lockHoldName, "on"},
		{[]string{hold, ""}, versioning.Lock{}, "Legal Hold must be either of 'ON' or 'OFF'", lockHoldName, ""},
	}
	for _, test := range tests {
		h := http.Header{}
		for i := 0; i < len(test.headers); i += 2 {
			h.Set(test.headers[i], test.headers[i+1])
		}
		got, err := parseLock(h, now)
		if test.text == "" {
			if err != nil || got != test.want {
				t.Errorf("%q: %+v %v, want %+v", test.headers, got, err, test.want)
			}
			continue
		}
		want := invalidArgument(test.text, test.name, test.argumentValue)
		if f := translate(err, place{}); err == nil || f.text() != want.text() || f.elements[0] != want.elements[0] || f.elements[1] != want.elements[1] {
			t.Errorf("%q: %v, want %v", test.headers, err, want)
		}
	}
}

// TestPostObjectLock stores by form what is locked.
//
// spec: OL1.2-2, OL1.2-8, OL1.2-13
func TestPostObjectLock(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	post := func(fields ...pair) answer {
		conditions := anyKey
		for _, f := range fields {
			conditions += `,["starts-with","$` + f.name + `",""]`
		}
		fields = append(fields, pair{"key", "k"})
		return s.post("/bucket", &postTest{fields: s.signed(conditions, fields...), filename: "f", content: "x"})
	}
	const until = "2026-02-01T00:00:00.000Z"
	a := post(pair{lockModeName, "COMPLIANCE"}, pair{lockUntilName, until}, pair{lockHoldName, "ON"})
	if a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	version := a.header.Get("X-Amz-Version-Id")
	a = s.must("HEAD", "/bucket/k", "")
	if a.header.Get(lockModeName) != "COMPLIANCE" || a.header.Get(lockUntilName) != until || a.header.Get(lockHoldName) != "ON" {
		t.Errorf("the lock is %v", a.header)
	}
	if a := s.do("DELETE", "/bucket/k?versionId="+version, ""); a.status != 403 {
		t.Errorf("DELETE: %d", a.status)
	}
	if a := post(pair{lockModeName, "COMPLIANCE"}); a.status != 400 || !strings.Contains(string(a.body), "must both be supplied") {
		t.Errorf("half a lock: %d %s", a.status, a.body)
	}
}

// TestPostObjectNotLockable stores by form in a bucket that cannot lock.
//
// spec: OL1.2-13
func TestPostObjectNotLockable(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	fields := s.signed(anyKey+`,["eq","$x-amz-object-lock-legal-hold","ON"]`, pair{lockHoldName, "ON"}, pair{"key", "k"})
	a := s.post("/bucket", &postTest{fields: fields, filename: "f", content: "x"})
	if a.status != 400 || !strings.Contains(string(a.body), "Bucket is missing ObjectLockConfiguration") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.do("HEAD", "/bucket/k", ""); a.status != 404 {
		t.Errorf("HEAD: %d", a.status)
	}
}

// FuzzLockDocuments reads the three documents about locks: none makes reading fail in
// another way than by a refusal, and what is read is what may be set.
//
// spec: OL1.1-4, OL1.1-5, OL1.1-6, OL1.2-15
func FuzzLockDocuments(f *testing.F) {
	for _, s := range []string{
		"<Retention/>",
		"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>",
		"<Retention><RetainUntilDate>0001-01-01T00:00:00+23:59</RetainUntilDate><Mode>COMPLIANCE</Mode></Retention>",
		"<LegalHold><Status>ON</Status></LegalHold>",
		"<LegalHold><Status><![CDATA[OFF]]></Status></LegalHold>",
		"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
		"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode>" +
			"<Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
		"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode>" +
			"<Years>-0</Years></DefaultRetention></Rule></ObjectLockConfiguration>",
		"<x", "", "&",
	} {
		f.Add([]byte(s))
	}
	now := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		mode, until, err := parseRetention(data, now)
		refusedOnly(t, data, err)
		if err == nil && (mode != versioning.NoRetention) != until.After(now) {
			t.Fatalf("%q: %v until %v", data, mode, until)
		}
		hold, err := parseLegalHold(data)
		refusedOnly(t, data, err)
		if err == nil && hold == versioning.HoldNever {
			t.Fatalf("%q holds never", data)
		}
		d, err := parseLockConfiguration(data)
		refusedOnly(t, data, err)
		good := d.IsZero() || d.Mode != versioning.NoRetention && (d.Days > 0) != (d.Years > 0) &&
			d.Days <= store.MaxRetentionDays && d.Years <= store.MaxRetentionYears && d.Days >= 0 && d.Years >= 0
		if !good || err != nil && d != (store.DefaultRetention{}) {
			t.Fatalf("%q: %+v, %v", data, d, err)
		}
	})
}

// refusedOnly ends the test if reading data failed inside.
func refusedOnly(t *testing.T, data []byte, err error) {
	t.Helper()
	if err != nil && translate(err, place{}).status() != http.StatusBadRequest {
		t.Fatalf("%q: %v", data, err)
	}
}
