package jobs

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
)

// Long jobs of one account do not keep that of another one waiting for long, and each comes
// to its end with all that it was to do.
func TestJobsMakeRoom(t *testing.T) {
	const many = 40
	var entries []Entry
	for i := range Order(many) {
		for n, prefix := range []string{"a", "b", "c"} {
			entries = append(entries, version(fmt.Sprintf("%s/%02d", prefix, i), 1+i+many*Order(n)))
		}
	}
	entries = append(entries, version("z/1", 900), version("z/2", 901))
	f, now := newFake(entries...), clock.NewManual(epoch)
	begun, release := make(chan struct{}, 1000), make(chan struct{})
	r := NewRunner(Options{Store: f, Documents: f, Clock: now, Batch: 1})
	t.Cleanup(r.Close)
	var turn time.Time // when the other account got its first
	f.before = func(int) error {
		begun <- struct{}{}
		<-release
		r.mu.Lock()
		if turn.IsZero() && r.of["other"] > 0 {
			turn = now.Now()
		}
		r.mu.Unlock()
		now.Advance(time.Second)
		return nil
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var long []Job
	for _, prefix := range []string{"a/", "b/", "c/"} {
		long = append(long, submit(t, r, Spec{Kind: Empty, Prefix: prefix, Caller: Caller{Account: "greedy"}}))
	}
	<-begun
	<-begun
	other := submit(t, r, Spec{Kind: Empty, Prefix: "z/", Caller: Caller{Account: "other"}})
	close(release)
	j, err := r.Wait(t.Context(), other.ID)
	if err != nil || j.State != Done || j.Counts.Versions != 2 {
		t.Errorf("%+v, %v", j, err)
	}
	r.mu.Lock()
	if waited := turn.Sub(epoch); waited > 2*slice+2*time.Second { // two jobs had begun, at one time
		t.Errorf("waited for %s", waited)
	}
	r.mu.Unlock()
	for _, j := range long {
		if j, err := r.Wait(t.Context(), j.ID); err != nil || j.State != Done || j.Counts != (Counts{Versions: many, Bytes: 10 * many}) {
			t.Errorf("%+v, %v", j, err)
		}
	}
	r.Close()
	if len(r.of) > 0 || r.running > 0 {
		t.Errorf("%d run, by account %v", r.running, r.of)
	}
}
