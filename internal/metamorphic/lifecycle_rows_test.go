package metamorphic_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/metamorphic"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/internal/upkeep"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// counted is an engine that counts the rows that are read.
type counted struct {
	engine.Engine
	rows *atomic.Int64
}

func (c counted) View(ctx context.Context, fn func(engine.Reader) error) error {
	return c.Engine.View(ctx, func(r engine.Reader) error { return fn(countedReader{r, c.rows}) })
}

type countedReader struct {
	engine.Reader
	rows *atomic.Int64
}

func (c countedReader) Get(key []byte) ([]byte, bool, error) {
	c.rows.Add(1)
	return c.Reader.Get(key)
}

func (c countedReader) GetMulti(keys [][]byte) ([][]byte, error) {
	c.rows.Add(int64(len(keys)))
	return c.Reader.GetMulti(keys)
}

func (c countedReader) Scan(r engine.Range, fn func(key, value []byte) bool) (bool, error) {
	return c.Reader.Scan(r, func(key, value []byte) bool {
		c.rows.Add(1)
		return fn(key, value)
	})
}

// A rule selects few of the versions of a bucket, of which a key has perKey. There are
// others before them and behind.
const few, perKey = 200, 10

// fewSelected makes two buckets with the same versions, one of which has rules.
func fewSelected(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s := &scene{t: t}
	st, err := store.Open("data", o)
	s.must(err)
	for _, bucket := range []string{"rules", "none"} {
		_, err := st.CreateBucket(t.Context(), store.BucketSpec{Name: bucket})
		s.must(err)
		s.must(st.SetVersioning(t.Context(), bucket, store.VersioningChange{State: versioning.Enabled}))
		for prefix, n := range map[string]int{"a/": 10 * few, "few/": few, "zero/": 10 * few} {
			for i := range n {
				_, err := st.Put(t.Context(), store.PutRequest{
					Bucket: bucket, Key: fmt.Sprintf("%s%06d", prefix, i/perKey), Body: strings.NewReader("x"), Size: 1,
				})
				s.must(err)
			}
		}
	}
	rules := []model.Rule{{ID: "few", Prefix: "few/", NoncurrentDays: 1}, {ID: "uploads", Prefix: "few/", AbortDays: 1}}
	config, err := lifecycle.ParseXML([]byte(metamorphic.RulesXML(rules, false)), nil)
	s.must(err)
	s.must(st.SetConfig(t.Context(), "rules", store.ConfigLifecycle, config.Encode(), store.Maker{}))
	return st
}

// A pass reads what the prefixes of its rules select, however much is beside that, and
// of a bucket without rules nothing.
func TestPassReadsWhatRulesSelect(t *testing.T) {
	var rows atomic.Int64
	now := clock.NewManual(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	o := metamorphic.Configs()[1].Options()
	o.Memory, o.Clock = true, now
	o.WrapEngine = func(e engine.Engine) engine.Engine { return counted{e, &rows} }
	st := fewSelected(t, o)
	now.Advance(72 * time.Hour)
	const due = few - few/perKey // one of each key is current
	for _, c := range []struct {
		what   string
		bucket string
		dry    bool
		most   int64 // rows
		acts   int64
	}{
		{"a preview", "rules", true, few + few/perKey + 30, due},
		// Besides the entries: heads, what is destroyed, and the live row of each key.
		{"a run", "rules", false, 4 * few, due},
		{"a second run", "rules", false, 2*few/perKey + 30, 0},
		{"a run without rules", "none", false, 10, 0},
	} {
		before := rows.Load()
		acts := pass(t, st, lifecycle.RunRequest{Bucket: c.bucket, DryRun: c.dry})
		read := rows.Load() - before
		t.Logf("%s reads %d rows and does %d", c.what, read, acts)
		if read > c.most || acts != c.acts {
			t.Errorf("%s reads %d rows, at most %d, and does %d, want %d", c.what, read, c.most, acts, c.acts)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// pass runs and returns how much was done.
func pass(t *testing.T, st *store.Store, r lifecycle.RunRequest) (acts int64) {
	t.Helper()
	x := upkeep.NewExpirer(st, lifecycle.ExpirerOptions{})
	defer x.Close()
	report, err := x.Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range report.Rules {
		acts += sum.Count
	}
	return acts
}
