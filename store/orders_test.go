package store

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

var start2026 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Orders are of the present millisecond if that allows, above all others if not.
func TestOrders(t *testing.T) {
	manual := clock.NewManual(start2026)
	var raised []versioning.Order
	o := &orders{now: manual.Now, raise: func(c versioning.Order) error { raised = append(raised, c); return nil }}
	next := func(above versioning.Order) versioning.Order {
		t.Helper()
		n, err := o.next(above)
		if err != nil {
			t.Fatal(err)
		}
		if n >= raised[len(raised)-1] {
			t.Errorf("order %d is not below the ceiling %d", n, raised[len(raised)-1])
		}
		return n
	}
	first := next(0)
	if first != versioning.OrderAt(start2026) || len(raised) != 1 {
		t.Errorf("first order %d, raised %v", first, raised)
	}
	if second := next(0); second != first+1 {
		t.Errorf("second order %d, want %d", second, first+1)
	}
	manual.Advance(-time.Hour)
	if third := next(0); third != first+2 {
		t.Errorf("order %d after the clock was set back, want %d", third, first+2)
	}
	manual.Set(start2026.Add(9 * time.Second))
	if n := next(0); n != versioning.OrderAt(manual.Now()) || len(raised) != 1 {
		t.Errorf("order %d, raised %v", n, raised)
	}
	manual.Set(start2026.Add(10 * time.Second))
	if n := next(0); n != versioning.OrderAt(manual.Now()) || len(raised) != 2 {
		t.Errorf("order %d, raised %v", n, raised)
	}
	far := versioning.OrderAt(start2026.Add(time.Hour))
	if n := next(far); n != far+1 || next(0) != far+2 {
		t.Errorf("order %d above %d", n, far)
	}
}

// An order that the ceiling could not be raised for is not issued.
func TestOrdersNeedTheirCeiling(t *testing.T) {
	failing := errors.New("no")
	o := &orders{now: func() time.Time { return start2026 }, raise: func(versioning.Order) error { return failing }}
	for range 2 {
		if n, err := o.next(0); n != 0 || !errors.Is(err, failing) {
			t.Error(n, err)
		}
	}
}

func TestOrdersAreIssuedOnce(t *testing.T) {
	s := openTest(t, nil, nil)
	const goroutines, each = 8, 2000
	got := make([][]versioning.Order, goroutines)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			for range each {
				n, err := s.orders.next(0)
				if err != nil {
					t.Error(err)
				}
				got[i] = append(got[i], n)
			}
		})
	}
	all.Wait()
	for _, one := range got {
		if !slices.IsSorted(one) {
			t.Error("orders do not rise")
		}
	}
	issued := slices.Concat(got...)
	slices.Sort(issued)
	if len(slices.Compact(issued)) != goroutines*each {
		t.Error("an order was issued twice")
	}
}

// run is one run of a store: how the clock moves before it and how it ends.
type run struct {
	clock time.Duration
	crash bool
}

// TestOrdersOutliveRestarts holds that orders rise from run to run, however a run
// ends and wherever the clock goes, and that object time never falls below what
// was durable.
//
// spec: VD2-5
func TestOrdersOutliveRestarts(t *testing.T) {
	manual := clock.NewManual(start2026)
	fs := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(1, 2))
	var last versioning.Order
	var floor time.Time
	for i, r := range []run{
		{}, {}, {crash: true}, {crash: true}, {clock: -time.Hour}, {clock: -time.Hour, crash: true}, {clock: time.Minute},
		{clock: 48 * time.Hour, crash: true}, {clock: -48 * time.Hour, crash: true}, {clock: -10000 * time.Hour}, {},
	} {
		manual.Advance(r.clock)
		s := openTest(t, fs, func(o *Options) { o.Clock = manual })
		if i == 0 {
			mustBucket(t, s, "b", versioning.Enabled)
		}
		if now := s.now(); now.Before(floor) {
			t.Errorf("run %d: object time %v, below %v", i, now, floor)
		}
		for step := range 30 {
			id := mustID(t, s, mustPut(t, s, "b", "k", "x").VersionHeader)
			if id.Order() <= last {
				t.Fatalf("run %d: order %d after %d", i, id.Order(), last)
			}
			last = id.Order()
			if step%3 == 0 {
				manual.Advance(time.Second)
			}
		}
		err := s.view(t.Context(), func(r engine.Reader) error {
			m, _, err := readMeta(r)
			if err == nil && (m.clockFloor.Before(floor) || m.ceiling <= last) {
				t.Errorf("run %d: floor %v after %v, ceiling %d with %d in use", i, m.clockFloor, floor, m.ceiling, last)
			}
			floor = m.clockFloor
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.crash {
			fs = fs.CrashClone(vfs.CrashCloneCfg{RNG: rng})
		} else if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openTest(t, fs, func(o *Options) { o.Clock = manual })
	mustClean(t, s)
	if got := len(mustVersions(t, s, VersionsRequest{Bucket: "b", Limit: maxPage}).Entries); got != 11*30 {
		t.Errorf("%d versions", got)
	}
}

// No row with an order is committed before a ceiling above it.
func TestCeilingIsDurableFirst(t *testing.T) {
	manual := clock.NewManual(start2026)
	p := &probe{}
	raised := 0
	var ceiling uint64
	hook := func(mutations []engine.Mutation, apply func() error) error {
		for _, m := range mutations {
			switch table(m.Key[0]) {
			case versionTable:
				_, order, ok := splitVersionKey(m.Key)
				if !ok || uint64(order) >= ceiling {
					t.Errorf("order %d is used under the ceiling %d", order, ceiling)
				}
			case metaTable:
				if string(m.Key[1:]) != metaCeiling {
					continue
				}
				err := apply()
				ceiling, _ = binary.Uvarint(m.Value)
				raised++
				return err
			}
		}
		return apply()
	}
	p.onCommit.Store(&hook)
	s := openTest(t, nil, func(o *Options) {
		p.under(o)
		o.Clock = manual
	})
	mustBucket(t, s, "b", versioning.Enabled)
	for range 50 {
		mustPut(t, s, "b", "k", "x")
		mustDelete(t, s, "b", "k", versioning.ID{})
		manual.Advance(time.Second)
	}
	if raised < 5 {
		t.Errorf("the ceiling was raised %d times in 50 s", raised)
	}
}

// The order of a new entry is above all of its key, even if the clock and the
// ceiling know nothing of those, as after rows were brought from elsewhere.
func TestOrderIsAboveHead(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	rec := &record{order: versioning.OrderAt(start2026.AddDate(10, 0, 0)), marker: true, lastModified: start2026}
	id := mustBucketID(t, s)
	mustWrite(t, s,
		engine.Set(versionKey(id, "k", rec.order), rec.encode()),
		engine.Set(headKey(id, "k"), encodeHead(versioning.Head{Newest: rec.order, Marker: true, Entries: 1})),
		engine.Add(statsKey(id), 0, 0, 0, 0, 1))
	mustPut(t, s, "b", "k", "newer")
	if got, want := historyText(t, s, "b"), "k[v] kD"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	mustPut(t, s, "b", "other", "")
	mustClean(t, s)
}

// The keys of version ids outlive restarts: ids that were given out stay valid,
// and the same order has the same id.
//
// spec: VD2-1
func TestIDsOutliveRestarts(t *testing.T) {
	fs := blob.MemFS()
	s := openTest(t, fs, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	text := mustPut(t, s, "b", "k", "body").VersionHeader
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, fs, nil)
	mustRead(t, s, "b", "k", mustID(t, s, text), "body")
	if got := mustVersions(t, s, VersionsRequest{Bucket: "b", Limit: 1}).Entries[0].VersionID; got != text {
		t.Errorf("the id was %s and is %s", text, got)
	}
	elsewhere := openTest(t, nil, nil)
	if id, err := elsewhere.ParseVersionID(text); !errors.Is(err, versioning.MalformedVersionID) {
		t.Errorf("another folder takes the id for %v, %v", id, err)
	}
}
