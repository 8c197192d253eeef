package api

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// metricsPath is where the figures are, in Prometheus text format.
const metricsPath = "/_/metrics"

// durationBounds are the upper bounds of the latency histogram, seconds: from an
// answer out of memory to a body of gigabytes.
var durationBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// metrics counts requests. Its labels are names of the operations table and codes
// of the table of errors, so their number is bounded whatever is sent.
type metrics struct {
	requests       *prometheus.CounterVec   // operation, status, code
	seconds        *prometheus.HistogramVec // operation
	received, sent *prometheus.CounterVec   // operation
	inFlight       prometheus.Gauge
	page           http.Handler

	mu     sync.RWMutex // protects series
	series map[outcome]series
}

// outcome is what requests are told apart by.
type outcome struct {
	operation string
	status    int
	code      Code
}

// series are the counters of an outcome. Finding them by their labels takes longer
// than a small request can spare, so they are kept.
type series struct {
	requests       prometheus.Counter
	seconds        prometheus.Observer
	received, sent prometheus.Counter
}

// newMetrics returns counters at zero, with a page of them and of what the store,
// the expirer, which may be nil, and the process tell of themselves.
func newMetrics(st *store.Store, expirer *lifecycle.Expirer, log *slog.Logger) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tombstone_requests_total",
			Help: "Requests answered, by operation, HTTP status and S3 error code (empty: none)."}, []string{"operation", "status", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tombstone_request_duration_seconds",
			Help: "Time from a request's head to the end of its answer.", Buckets: durationBounds}, []string{"operation"}),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tombstone_received_bytes_total",
			Help: "Bytes of request bodies that were read."}, []string{"operation"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tombstone_sent_bytes_total",
			Help: "Bytes of response bodies that were written."}, []string{"operation"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tombstone_requests_in_flight",
			Help: "Requests under way."}),
		series: make(map[outcome]series),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.seconds, m.received, m.sent, m.inFlight,
		&storeCollector{store: st, log: log},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	if expirer != nil {
		registry.MustRegister(&lifecycleCollector{expirer: expirer})
	}
	m.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		DisableCompression: true,
	})
	return m
}

// count takes a request that has been answered.
func (m *metrics) count(x *exchange, seconds float64) {
	c := m.of(outcome{x.name(), x.status, x.code})
	c.requests.Inc()
	c.seconds.Observe(seconds)
	c.received.Add(float64(x.received))
	c.sent.Add(float64(x.written))
}

// of returns the counters of an outcome.
func (m *metrics) of(o outcome) series {
	m.mu.RLock()
	c, ok := m.series[o]
	m.mu.RUnlock()
	if ok {
		return c
	}
	c = series{
		requests: m.requests.WithLabelValues(o.operation, strconv.Itoa(o.status), string(o.code)),
		seconds:  m.seconds.WithLabelValues(o.operation),
		received: m.received.WithLabelValues(o.operation),
		sent:     m.sent.WithLabelValues(o.operation),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series[o] = c
	return c
}

// isMetrics matches requests for the figures. In virtual-hosted style the path is
// a key.
func (h *Handler) isMetrics(r *http.Request) bool {
	return r.URL.Path == metricsPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		hostBucket(r.Host, h.domains) == ""
}

// serveMetrics answers the figures to whoever may have them.
func (h *Handler) serveMetrics(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	x.own = "Metrics"
	if !x.mayRead() {
		x.fail(refuse("AccessDenied"))
		return
	}
	h.metrics.page.ServeHTTP(w, r)
}

// proxyHeaders are what proxies say of requests that they hand on.
var proxyHeaders = []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via"}

// mayRead tells whether the figures, which name the buckets, are for this client:
// for this machine, and for all if that was asked for. Where a proxy of this
// machine that is not a trusted one has handed a request on, it is not known whose
// it is.
func (x *exchange) mayRead() bool {
	forwarded := slices.ContainsFunc(proxyHeaders, x.sent)
	return x.h.metricsPublic || x.origin.remote.IsLoopback() && (x.origin.proxied || !forwarded)
}
