package api

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed61737384/tombstone/store"
)

// maxNamedBuckets bounds the buckets that have figures of their own. What comes
// after them, in the order of names, is added up as otherBuckets, which is the
// name of no bucket.
const (
	maxNamedBuckets = 1000
	otherBuckets    = "_other"
)

// gauge is one figure of a source.
type gauge[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(T) float64
}

func bucketGauge(name, help string, value func(store.Statistics) int64) gauge[store.Statistics] {
	return gauge[store.Statistics]{prometheus.NewDesc("tombstone_bucket_"+name, help, []string{"bucket"}, nil), prometheus.GaugeValue,
		func(s store.Statistics) float64 { return float64(value(s)) }}
}

// bucketGauges are the figures of a bucket.
var bucketGauges = []gauge[store.Statistics]{
	bucketGauge("objects", "Current objects.", func(s store.Statistics) int64 { return s.Objects }),
	bucketGauge("object_bytes", "Bytes of current objects.", func(s store.Statistics) int64 { return s.ObjectBytes }),
	bucketGauge("noncurrent_versions", "Noncurrent object versions.", func(s store.Statistics) int64 { return s.Noncurrent }),
	bucketGauge("noncurrent_bytes", "Bytes of noncurrent object versions.", func(s store.Statistics) int64 { return s.NoncurrentBytes }),
	bucketGauge("delete_markers", "Delete markers, current and noncurrent.", func(s store.Statistics) int64 { return s.DeleteMarkers }),
	bucketGauge("uploads", "Multipart uploads under way.", func(s store.Statistics) int64 { return s.Uploads }),
	bucketGauge("upload_bytes", "Bytes of their parts.", func(s store.Statistics) int64 { return s.UploadBytes }),
	bucketGauge("locked_versions", "Versions with a retention or legal hold setting.", func(s store.Statistics) int64 { return s.Locked }),
	bucketGauge("reclaim_files", "Files of deleted versions still to be removed.", func(s store.Statistics) int64 { return s.Reclaim }),
	bucketGauge("reclaim_bytes", "Bytes on disk of these files.", func(s store.Statistics) int64 { return s.ReclaimBytes }),
}

func storeGauge(name, help string, value func(store.Metrics) float64) gauge[store.Metrics] {
	return gauge[store.Metrics]{prometheus.NewDesc("tombstone_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

func storeCounter(name, help string, value func(store.Metrics) float64) gauge[store.Metrics] {
	g := storeGauge(name, help, value)
	g.kind = prometheus.CounterValue
	return g
}

// storeGauges are the figures of index and disk.
var storeGauges = []gauge[store.Metrics]{
	storeGauge("index_memtable_bytes", "Memory of tables not yet on disk.", func(m store.Metrics) float64 { return float64(m.MemTableBytes) }),
	storeGauge("index_compaction_debt_bytes", "Bytes that compactions still have to write, estimated.", func(m store.Metrics) float64 { return float64(m.CompactionDebt) }),
	storeGauge("index_tombstones", "Deletes in tables, still to be carried down to what they delete.", func(m store.Metrics) float64 { return float64(m.Tombstones) }),
	storeGauge("index_pending_deletes", "Deletes that wait for a flush.", func(m store.Metrics) float64 { return float64(m.PendingDeletes) }),
	storeGauge("index_pending_delete_bytes", "Bytes that these deletes will free.", func(m store.Metrics) float64 { return float64(m.PendingBytes) }),
	storeGauge("index_disk_bytes", "Bytes of the index on disk, logs included.", func(m store.Metrics) float64 { return float64(m.IndexBytes) }),
	storeGauge("index_log_bytes", "Bytes of its logs.", func(m store.Metrics) float64 { return float64(m.LogBytes) }),
	storeGauge("index_value_bytes", "Bytes of values kept apart from keys.", func(m store.Metrics) float64 { return float64(m.ValueBytes) }),
	storeGauge("index_garbage_bytes", "The part of them that nothing refers to.", func(m store.Metrics) float64 { return float64(m.GarbageBytes) }),
	storeGauge("ledger_seals", "Number of the newest seal of the ledger.", func(m store.Metrics) float64 { return float64(m.Seals) }),
	storeGauge("ledger_seal_hash", "First 48 bits of the hash of that seal, as a number.", func(m store.Metrics) float64 { return float64(m.SealHash) }),
	storeGauge("lock_clock_step_seconds", "How far the wall clock has leapt ahead of the time that locks go by.", func(m store.Metrics) float64 { return m.ClockStep.Seconds() }),
	storeGauge("disk_min_free_bytes", "Free space below which bodies are refused.", func(m store.Metrics) float64 { return float64(m.MinFree) }),
	storeCounter("index_flushes_total", "Tables written from memory.", func(m store.Metrics) float64 { return float64(m.Flushes) }),
	storeCounter("index_compactions_total", "Compactions finished.", func(m store.Metrics) float64 { return float64(m.Compactions) }),
	storeCounter("index_cache_hits_total", "Reads of blocks from the cache.", func(m store.Metrics) float64 { return float64(m.CacheHits) }),
	storeCounter("index_cache_misses_total", "Reads of blocks from disk.", func(m store.Metrics) float64 { return float64(m.CacheMisses) }),
	storeCounter("index_log_syncs_total", "Syncs of the log.", func(m store.Metrics) float64 { return float64(m.LogSyncs) }),
	storeCounter("index_log_sync_seconds_total", "Time these syncs took.", func(m store.Metrics) float64 { return m.LogSyncSeconds }),
}

// The figures that are not there everywhere, or come from the collector itself.
var (
	diskFree    = prometheus.NewDesc("tombstone_disk_free_bytes", "Free space of the disk that holds the data.", nil, nil)
	bucketCount = prometheus.NewDesc("tombstone_buckets", "Buckets.", nil, nil)
)

// storeCollector reads the store when it is asked.
type storeCollector struct {
	store *store.Store
	log   *slog.Logger
}

var _ prometheus.Collector = (*storeCollector)(nil)

// Describe names the figures.
func (c *storeCollector) Describe(out chan<- *prometheus.Desc) {
	out <- diskFree
	out <- bucketCount
	for _, g := range storeGauges {
		out <- g.desc
	}
	for _, g := range bucketGauges {
		out <- g.desc
	}
}

// Collect reads the figures.
func (c *storeCollector) Collect(out chan<- prometheus.Metric) {
	m := c.store.Metrics()
	for _, g := range storeGauges {
		out <- prometheus.MustNewConstMetric(g.desc, g.kind, g.value(m))
	}
	if m.DiskFreeKnown {
		out <- prometheus.MustNewConstMetric(diskFree, prometheus.GaugeValue, float64(m.DiskFree))
	}
	buckets, err := c.buckets(context.Background(), out)
	if err != nil {
		c.log.Warn("reading the figures of buckets failed", "err", err)
		return
	}
	out <- prometheus.MustNewConstMetric(bucketCount, prometheus.GaugeValue, float64(buckets))
}

// buckets gives the figures of all buckets and returns how many there are.
func (c *storeCollector) buckets(ctx context.Context, out chan<- prometheus.Metric) (count int, err error) {
	var rest store.Statistics
	for after, more := "", true; more; {
		var page []store.Bucket
		if page, more, err = c.store.Buckets(ctx, store.BucketQuery{After: after}); err != nil {
			return 0, err
		}
		for _, b := range page {
			after = b.Name
			s, err := c.store.Statistics(ctx, b.Name)
			if err != nil {
				continue // deleted meanwhile
			}
			if count++; count <= maxNamedBuckets {
				give(out, b.Name, s)
			} else {
				rest = sum(rest, s)
			}
		}
	}
	if count > maxNamedBuckets {
		give(out, otherBuckets, rest)
	}
	return count, nil
}

func give(out chan<- prometheus.Metric, bucket string, s store.Statistics) {
	for _, g := range bucketGauges {
		out <- prometheus.MustNewConstMetric(g.desc, g.kind, g.value(s), bucket)
	}
}

func sum(a, b store.Statistics) store.Statistics {
	return store.Statistics{
		Objects: a.Objects + b.Objects, ObjectBytes: a.ObjectBytes + b.ObjectBytes,
		Noncurrent: a.Noncurrent + b.Noncurrent, NoncurrentBytes: a.NoncurrentBytes + b.NoncurrentBytes,
		DeleteMarkers: a.DeleteMarkers + b.DeleteMarkers,
		Uploads:       a.Uploads + b.Uploads, UploadBytes: a.UploadBytes + b.UploadBytes,
		Locked:  a.Locked + b.Locked,
		Reclaim: a.Reclaim + b.Reclaim, ReclaimBytes: a.ReclaimBytes + b.ReclaimBytes,
	}
}
