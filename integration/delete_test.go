package integration

import (
	"fmt"
	"testing"
)

// history renders the entries of a key as the client lists them, newest first
// among versions and among markers: "v" an object version, "d" a delete marker,
// "N" and "D" the null ones, "*" behind the current one.
func history(t *testing.T, c client, bucket, key string) string {
	t.Helper()
	entries, _, err := c.versions(bucket, listing{prefix: key})
	must(t, err)
	var text string
	for _, e := range entries {
		if e.key != key {
			continue
		}
		text += letter(e)
		if e.latest {
			text += "*"
		}
	}
	return text
}

func letter(e entry) string {
	letters := map[bool]string{false: "v", true: "d"}
	if e.id == "null" {
		letters = map[bool]string{false: "N", true: "D"}
	}
	return letters[e.marker]
}

// The SDK for Go lists versions and markers apart, so the wanted text is written
// in that order for it; minio-go shows the order of the server.
type wantHistory struct{ minio, aws string }

func (w wantHistory) of(c client) string {
	if _, ok := c.(awsClient); ok && w.aws != "" {
		return w.aws
	}
	return w.minio
}

// A key goes through all three states, and every entry is read and destroyed by
// its id, which at each step uncovers the entry before it.
//
// spec: VD3-1, VD3-3, VD3-4
func TestOneKeyThroughAllStates(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		step := func(do func() error, want wantHistory) {
			t.Helper()
			must(t, do())
			if got := history(t, c, bucket, "k"); got != want.of(c) {
				t.Errorf("history %s, want %s", got, want.of(c))
			}
		}
		put := func(body string) func() error {
			return func() error { _, err := c.put(bucket, "k", []byte(body)); return err }
		}
		remove := func(id string) func() error {
			return func() error { _, err := c.remove(bucket, "k", id); return err }
		}
		state := func(status string) { t.Helper(); must(t, c.setVersioning(bucket, status)) }

		step(put("zero"), wantHistory{minio: "N*"})
		step(remove(""), wantHistory{})
		step(put("one"), wantHistory{minio: "N*"})
		state("Enabled")
		step(put("two"), wantHistory{minio: "v*N"})
		step(remove(""), wantHistory{minio: "d*vN", aws: "vNd*"})
		step(remove(""), wantHistory{minio: "d*dvN", aws: "vNd*d"})
		_, err := c.get(bucket, "k", "")
		wantFault(t, err, "404 NoSuchKey")
		wantBody(t, c, bucket, "k", "null", []byte("one"))
		state("Suspended")
		step(put("three"), wantHistory{minio: "N*ddv", aws: "N*vdd"})
		step(remove(""), wantHistory{minio: "D*ddv", aws: "vD*dd"})
		state("Enabled")
		step(put("four"), wantHistory{minio: "v*Dddv", aws: "v*vDdd"})
		step(remove("null"), wantHistory{minio: "v*ddv", aws: "v*vdd"})
		step(remove("null"), wantHistory{minio: "v*ddv", aws: "v*vdd"})
		for _, want := range []wantHistory{{minio: "d*dv", aws: "vd*d"}, {minio: "d*v", aws: "vd*"}, {minio: "v*"}} {
			step(remove(latest(t, c, bucket).id), want)
		}
		wantBody(t, c, bucket, "k", "", []byte("two"))
		step(remove(latest(t, c, bucket).id), wantHistory{})
		must(t, c.deleteBucket(bucket))
	})
}

// latest returns the current entry of the bucket's only key.
func latest(t *testing.T, c client, bucket string) entry {
	t.Helper()
	entries, _, err := c.versions(bucket, listing{})
	must(t, err)
	for _, e := range entries {
		if e.latest {
			return e
		}
	}
	t.Fatal("no current entry")
	return entry{}
}

func TestDeleteByIDChangesOneKeyOnly(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		must(t, c.setVersioning(bucket, "Enabled"))
		id, err := c.put(bucket, "a", []byte("a"))
		must(t, err)
		_, err = c.put(bucket, "b", []byte("b"))
		must(t, err)
		// The id is real, and another key's.
		_, err = c.remove(bucket, "b", id)
		must(t, err)
		_, err = c.remove(bucket, "a", id[:10]+other(id[10])+id[11:])
		wantFault(t, err, "400 InvalidArgument")
		wantBody(t, c, bucket, "a", id, []byte("a"))
		wantBody(t, c, bucket, "b", "", []byte("b"))
	})
}

// seed writes n keys in parallel, rounds times each.
func seed(t *testing.T, c objects, bucket string, n, rounds int) {
	t.Helper()
	inParallel(t, n, func(i int) error {
		for round := range rounds {
			if _, err := c.put(bucket, fmt.Sprintf("dir%d/key %04d", i%7, i), fmt.Appendf(nil, "%d.%d", i, round)); err != nil {
				return err
			}
		}
		return nil
	})
}

// inParallel calls write(0) to write(n-1) from 16 workers.
func inParallel(t *testing.T, n int, write func(i int) error) {
	t.Helper()
	const workers = 16
	faults := make(chan error, workers)
	for w := range workers {
		go func() {
			for i := w; i < n; i += workers {
				if err := write(i); err != nil {
					faults <- err
					return
				}
			}
			faults <- nil
		}()
	}
	for range workers {
		if err := <-faults; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}
