package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed61737384/tombstone/lifecycle"
)

func lifecycleGauge(name, help string, value func(*lifecycle.Metrics) float64) gauge[*lifecycle.Metrics] {
	return gauge[*lifecycle.Metrics]{prometheus.NewDesc("tombstone_lifecycle_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

func lifecycleCounter(name, help string, value func(*lifecycle.Metrics) float64) gauge[*lifecycle.Metrics] {
	g := lifecycleGauge(name, help, value)
	g.kind = prometheus.CounterValue
	return g
}

// lifecycleGauges are the figures of the expirer.
var lifecycleGauges = []gauge[*lifecycle.Metrics]{
	lifecycleCounter("scanned_total", "Entries and uploads that lifecycle rules were held against.", func(m *lifecycle.Metrics) float64 { return float64(m.Scanned) }),
	lifecycleCounter("held_total", "Entries that were due and protected by a lock, each time they were met.", func(m *lifecycle.Metrics) float64 { return float64(m.Held) }),
	lifecycleCounter("changed_total", "Keys left to a later pass because they changed again and again.", func(m *lifecycle.Metrics) float64 { return float64(m.Changed) }),
	lifecycleCounter("failed_total", "Entries, uploads and passes that failed.", func(m *lifecycle.Metrics) float64 { return float64(m.Failed) }),
	lifecycleGauge("lag_seconds", "How long ago the oldest work was due that is known and not yet done.", func(m *lifecycle.Metrics) float64 { return m.Lag.Seconds() }),
	lifecycleGauge("last_full_pass_timestamp_seconds", "When the last pass over all buckets ended, 0: none did since the start.", func(m *lifecycle.Metrics) float64 { return unixSeconds(m.LastFull) }),
	lifecycleGauge("passes_running", "Passes over a bucket that are under way.", func(m *lifecycle.Metrics) float64 { return float64(m.Running) }),
}

// What each rule did. The expirer bounds the rules that have figures of their own.
var (
	lifecycleExpired = prometheus.NewDesc("tombstone_lifecycle_expired_total",
		"Entries and uploads that lifecycle rules acted on.", []string{"bucket", "rule", "kind"}, nil)
	lifecycleExpiredBytes = prometheus.NewDesc("tombstone_lifecycle_expired_bytes_total",
		"Bytes that were freed by that.", []string{"bucket", "rule", "kind"}, nil)
)

// unixSeconds returns t as seconds since 1970, 0 for the zero time.
func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// lifecycleCollector reads the figures of the expirer when it is asked.
type lifecycleCollector struct{ expirer *lifecycle.Expirer }

var _ prometheus.Collector = (*lifecycleCollector)(nil)

// Describe names the figures.
func (c *lifecycleCollector) Describe(out chan<- *prometheus.Desc) {
	for _, g := range lifecycleGauges {
		out <- g.desc
	}
	out <- lifecycleExpired
	out <- lifecycleExpiredBytes
}

// Collect reads the figures.
func (c *lifecycleCollector) Collect(out chan<- prometheus.Metric) {
	m := c.expirer.Metrics()
	for _, g := range lifecycleGauges {
		out <- prometheus.MustNewConstMetric(g.desc, g.kind, g.value(&m))
	}
	for i := range m.Expired {
		e := &m.Expired[i]
		labels := []string{e.Bucket, e.Rule, e.Kind.String()}
		out <- prometheus.MustNewConstMetric(lifecycleExpired, prometheus.CounterValue, float64(e.Count), labels...)
		out <- prometheus.MustNewConstMetric(lifecycleExpiredBytes, prometheus.CounterValue, float64(e.Bytes), labels...)
	}
}
