package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// figures returns the page of figures as the client at peer gets it.
func (s *testServer) figures(peer string, headers ...string) answer {
	s.t.Helper()
	r := s.request("GET", metricsPath, nil)
	r.RemoteAddr, r.URL.Path = peer, metricsPath
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	s.handler.ServeHTTP(w, r)
	return answer{w.status, w.header, w.body.Bytes()}
}

func TestMetrics(t *testing.T) {
	s := newTestServer(t, nil)
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	s.must("PUT", "/bucket/key", "12345")
	s.must("PUT", "/bucket/key", "123")
	s.must("GET", "/bucket/key", "")
	s.must("DELETE", "/bucket/other", "")
	s.do("GET", "/bucket/none", "")
	s.do("HELLO", "/", "")
	s.http.Close() // waits for the handlers
	a := s.figures("127.0.0.1:5")
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v", a.status, a.header)
	}
	for _, line := range []string{
		`tombstone_requests_total{code="",operation="PutObject",status="200"} 2`,
		`tombstone_requests_total{code="NoSuchKey",operation="GetObject",status="404"} 1`,
		`tombstone_requests_total{code="MethodNotAllowed",operation="",status="405"} 1`,
		`tombstone_request_duration_seconds_count{operation="PutObject"} 2`,
		`tombstone_received_bytes_total{operation="PutObject"} 8`,
		`tombstone_requests_in_flight 1`,
		`tombstone_buckets 1`,
		`tombstone_bucket_objects{bucket="bucket"} 1`,
		`tombstone_bucket_object_bytes{bucket="bucket"} 3`,
		`tombstone_bucket_noncurrent_versions{bucket="bucket"} 1`,
		`tombstone_bucket_noncurrent_bytes{bucket="bucket"} 5`,
		`tombstone_bucket_delete_markers{bucket="bucket"} 1`,
		`tombstone_bucket_uploads{bucket="bucket"} 0`,
		`tombstone_bucket_reclaim_files{bucket="bucket"} 0`,
	} {
		if !strings.Contains(string(a.body), line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, name := range []string{"tombstone_index_memtable_bytes", "tombstone_index_log_syncs_total", "go_goroutines", "process_resident_memory_bytes", "go_build_info"} {
		if !strings.Contains(string(a.body), "\n"+name) {
			t.Errorf("no figure %s", name)
		}
	}
	if t.Failed() {
		t.Logf("%s", a.body)
	}
}

// The figures name the buckets: they are for this machine, unless they are for all.
func TestWhoReadsMetrics(t *testing.T) {
	for _, test := range []struct {
		name, peer string
		public     bool
		headers    []string
		want       int
	}{
		{"this machine", "127.0.0.1:5", false, nil, 200},
		{"this machine by IPv6", "[::1]:5", false, nil, 200},
		{"elsewhere", "192.0.2.1:5", false, nil, 403},
		{"elsewhere, for all", "192.0.2.1:5", true, nil, 200},
		{"handed on by who knows whom", "127.0.0.1:5", false, []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"handed on in other words", "127.0.0.1:5", false, []string{"Forwarded", "for=127.0.0.1"}, 403},
		{"handed on as nginx does", "127.0.0.1:5", false, []string{"X-Real-IP", "203.0.113.9"}, 403},
		{"handed on by somebody who only says so", "127.0.0.1:5", false, []string{"Via", "1.1 proxy"}, 403},
		{"handed on by a trusted proxy", "10.0.0.1:5", false, []string{"X-Forwarded-For", "192.0.2.1"}, 403},
		{"by one on the same machine as the client", "10.0.0.1:5", false, []string{"X-Forwarded-For", "127.0.0.1"}, 200},
	} {
		s := newTestServer(t, func(o *Options) {
			o.MetricsPublic, o.TrustedProxies = test.public, networks(t, "10.0.0.0/8")
		})
		if a := s.figures(test.peer, test.headers...); a.status != test.want {
			t.Errorf("%s: %d, want %d", test.name, a.status, test.want)
		}
	}
}

// Many buckets do not become many series, and the sums stay whole.
func TestMetricsOfManyBuckets(t *testing.T) {
	s := newTestServer(t, nil)
	for i := range maxNamedBuckets + 5 {
		s.must("PUT", fmt.Sprintf("/bucket-%04d", i), "")
	}
	s.must("PUT", "/bucket-1002/k", "123")
	s.must("PUT", "/bucket-1004/k", "4567")
	out := make(chan prometheus.Metric)
	go func() {
		(&storeCollector{store: s.store, log: s.handler.log}).Collect(out)
		close(out)
	}()
	series, rest := 0, 0.0
	for m := range out {
		if !strings.Contains(m.Desc().String(), `"tombstone_bucket_object_bytes"`) {
			continue
		}
		var d dto.Metric
		if err := m.Write(&d); err != nil {
			t.Fatal(err)
		}
		if series++; d.GetLabel()[0].GetValue() == otherBuckets {
			rest = d.GetGauge().GetValue()
		}
	}
	if series != maxNamedBuckets+1 || rest != 7 {
		t.Errorf("%d series, %v bytes in other buckets; want %d and 7", series, rest, maxNamedBuckets+1)
	}
}

// A line of the access log says who did what, and holds no signature.
func TestAccessLogAtInfo(t *testing.T) {
	s := newTestServer(t, func(o *Options) { o.AccessLog = true })
	s.must("PUT", "/bucket", "")
	s.must("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	id := s.must("PUT", "/bucket/some%20key", "12345", "User-Agent", strings.Repeat("u", 1000)).header.Get("X-Amz-Version-Id")
	s.must("GET", "/bucket/some%20key?versionId="+id, "")
	s.do("GET", "/bucket/none?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=5ec4e7", "")
	s.http.Close()
	lines := strings.Split(s.log.String(), "\n")
	for _, want := range []string{
		`method=PUT operation=PutObject bucket=bucket key="some key" version_id=` + id + ` status=200 code="" bytes_in=5 bytes_out=0 duration=0s remote=127.0.0.1 user_agent=` +
			strings.Repeat("u", maxLoggedText) + ` access_key=` + testKey,
		`operation=GetObject bucket=bucket key="some key" version_id=` + id + ` status=200 code="" bytes_in=0 bytes_out=5 `,
	} {
		found := 0
		for _, line := range lines {
			if strings.Contains(line, "level=INFO msg=request request_id=") && strings.Contains(line, want) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d lines with %s in\n%s", found, want, s.log.String())
		}
	}
	if log := s.log.String(); strings.Contains(log, "5ec4e7") || strings.Contains(log, "Signature=") {
		t.Errorf("a signature is logged:\n%s", log)
	}
}

// What rules did, and how late they are.
func TestMetricsOfLifecycle(t *testing.T) {
	now := clock.NewManual(time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC))
	st, err := store.Open("data", store.Options{Memory: true, MinFree: -1, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	expirer := upkeep.NewExpirer(st, lifecycle.ExpirerOptions{})
	t.Cleanup(expirer.Close)
	ctx := t.Context()
	c := &lifecycle.Config{Rules: []lifecycle.Rule{{ID: "old", Enabled: true, Expiration: &lifecycle.Expiration{Days: 1}}}}
	_, err = st.CreateBucket(ctx, store.BucketSpec{Name: "bucket"})
	if err == nil {
		err = st.SetConfig(ctx, "bucket", store.ConfigLifecycle, c.Encode(), store.Maker{})
	}
	run := func(key string) {
		if err == nil {
			_, err = st.Put(ctx, store.PutRequest{Bucket: "bucket", Key: key, Body: strings.NewReader("12345"), Size: 5})
		}
		if err == nil {
			_, err = expirer.Run(ctx, lifecycle.RunRequest{Bucket: "bucket"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run("first")
	now.Advance(39 * time.Hour) // an hour after midnight
	run("second")
	now.Advance(48 * time.Hour)
	page := newMetrics(st, expirer, slog.New(slog.DiscardHandler)).page
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	page.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: metricsPath}})
	for _, line := range []string{
		`tombstone_lifecycle_expired_total{bucket="bucket",kind="ExpireCurrent",rule="old"} 1`,
		`tombstone_lifecycle_expired_bytes_total{bucket="bucket",kind="ExpireCurrent",rule="old"} 5`,
		`tombstone_lifecycle_scanned_total 3`,
		`tombstone_lifecycle_lag_seconds 3600`,
		`tombstone_lifecycle_last_full_pass_timestamp_seconds 0`,
		`tombstone_lifecycle_passes_running 0`,
	} {
		if !strings.Contains(w.body.String(), line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		t.Logf("%s", w.body.String())
	}
}
