package integration

import (
	"testing"
)

// many is more than one page of a listing and more than one DeleteObjects hold.
const many = 1010

// Everything goes: first the keys, which in a versioned bucket adds markers, then
// versions and markers by their ids.
func TestEmptyABucketWithDeleteObjects(t *testing.T) {
	many := many
	if testing.Short() {
		many /= 10
	}
	forEachState(t, func(t *testing.T, c client, bucket, status string) {
		seed(t, c, bucket, many, 2)
		keys, _, err := c.keys(bucket, listing{})
		must(t, err)
		if len(keys) != many {
			t.Fatalf("%d keys, want %d", len(keys), many)
		}
		var targets []target
		for _, k := range keys {
			targets = append(targets, target{key: k})
		}
		answers, err := c.removeMany(bucket, targets)
		must(t, err)
		wantAnswers(t, answers, targets, status != "")
		keys, _, err = c.keys(bucket, listing{})
		if err != nil || len(keys) > 0 {
			t.Errorf("%d keys are left, %v", len(keys), err)
		}
		emptyByID(t, c, bucket, map[string]int{"": 0, "Enabled": 3 * many, "Suspended": many}[status])
		must(t, c.deleteBucket(bucket))
	})
}

// wantAnswers sees to it that every target was answered once.
func wantAnswers(t *testing.T, answers []deleted, targets []target, marker bool) {
	t.Helper()
	open := make(map[target]bool)
	for _, g := range targets {
		open[g] = true
	}
	for _, a := range answers {
		if !open[target{a.key, a.id}] {
			t.Fatalf("answer %+v to nothing that was asked, or twice", a)
		}
		delete(open, target{a.key, a.id})
		if a.id == "" && (a.marker != marker || (a.markerID != "") != marker) {
			t.Fatalf("answer %+v, want a marker: %v", a, marker)
		}
	}
	if len(open) > 0 {
		t.Errorf("%d of %d targets were not answered", len(open), len(targets))
	}
}

// emptyByID deletes the want entries of a bucket by their ids.
func emptyByID(t *testing.T, c client, bucket string, want int) {
	t.Helper()
	entries, _, err := c.versions(bucket, listing{})
	must(t, err)
	if len(entries) != want {
		t.Fatalf("%d entries, want %d", len(entries), want)
	}
	var targets []target
	for _, e := range entries {
		targets = append(targets, target{e.key, e.id})
	}
	answers, err := c.removeMany(bucket, targets)
	must(t, err)
	wantAnswers(t, answers, targets, false)
	entries, _, err = c.versions(bucket, listing{})
	if err != nil || len(entries) > 0 {
		t.Fatalf("%d entries are left, %v", len(entries), err)
	}
}

// The order in which a batch names the entries of one key does not matter, nor
// does a batch that is sent again.
func TestDeleteObjectsAgain(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		must(t, c.setVersioning(bucket, "Enabled"))
		first, err := c.put(bucket, "k", []byte("1"))
		must(t, err)
		second, err := c.put(bucket, "k", []byte("2"))
		must(t, err)
		third, err := c.put(bucket, "k", []byte("3"))
		must(t, err)
		batch := []target{{"k", third}, {"k", first}, {"never", "null"}}
		for range 2 {
			answers, err := c.removeMany(bucket, batch)
			must(t, err)
			wantAnswers(t, answers, batch, false)
			wantBody(t, c, bucket, "k", "", []byte("2"))
		}
		wantBody(t, c, bucket, "k", second, []byte("2"))
	})
}
