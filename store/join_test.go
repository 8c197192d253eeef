package store

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// TestJoinerLeadsOneAtATime has a change under way while others come: those are
// made together when it ends, in the order they came in, within the bound.
func TestJoinerLeadsOneAtATime(t *testing.T) {
	var j joiner
	var groups [][]string
	apply := func(all []*edit) error {
		var keys []string
		for _, e := range all {
			keys = append(keys, e.key)
		}
		groups = append(groups, keys) // one at a time, or the race detector tells
		return nil
	}
	one := func(key string, n int) []*edit {
		edits := make([]*edit, n)
		for i := range edits {
			edits[i] = &edit{key: key}
		}
		return edits
	}
	begun, end := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = j.do(one("a", 1), func(all []*edit) error {
			close(begun)
			<-end
			return apply(all)
		})
	})
	<-begun
	for n, edits := range [][]*edit{one("b", 2), one("c", maxJoinedEdits-3), one("d", 2)} {
		wait.Go(func() {
			if err := j.do(edits, apply); err != nil {
				t.Error(err)
			}
		})
		for waiting(&j) != n+1 {
			runtime.Gosched()
		}
	}
	close(end)
	wait.Wait()
	if len(groups) != 3 || len(groups[1]) != maxJoinedEdits-1 || groups[1][0] != "b" || groups[2][0] != "d" {
		t.Errorf("%d groups", len(groups))
	}
	if j.led || waiting(&j) != 0 {
		t.Error("somebody leads when all is done")
	}
}

func waiting(j *joiner) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.waiting)
}

// TestJoinerTellsAll looks that what becomes of a joint change is told to every one
// that was part of it, be it an error or a panic.
func TestJoinerTellsAll(t *testing.T) {
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		apply func([]*edit) error
		want  error
	}{
		"error": {func([]*edit) error { return failed }, failed},
		"panic": {func([]*edit) error { panic("bug") }, ErrUnknown},
	} {
		var j joiner
		begun, end := make(chan struct{}), make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() {
			_ = j.do([]*edit{{}}, func([]*edit) error {
				close(begun)
				<-end
				return nil
			})
		})
		<-begun
		told := make(chan error, 3)
		for n := range 3 {
			wait.Go(func() {
				defer func() { _ = recover() }()
				told <- j.do([]*edit{{}}, c.apply)
			})
			for waiting(&j) != n+1 {
				runtime.Gosched()
			}
		}
		close(end)
		wait.Wait()
		close(told)
		for err := range told {
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestDeleteObjectsOnTheSameKeys sends calls that all name versions of the same
// keys, while each commit is held up: none is lost, each is answered by itself, and
// those that waited for one another are few commits.
func TestDeleteObjectsOnTheSameKeys(t *testing.T) {
	const calls, keys = 12, 20
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	requests := make([][]DeleteRequest, calls)
	for i := range calls {
		for k := range keys {
			key := fmt.Sprintf("k%02d", k)
			requests[i] = append(requests[i], DeleteRequest{Key: key, ID: mustID(t, s, mustPut(t, s, "b", key, "x").VersionHeader)})
		}
	}
	requests[3] = append(requests[3], DeleteRequest{Key: "", ID: versioning.Null}) // refused
	b, err := s.bucket("b")
	if err != nil {
		t.Fatal(err)
	}
	// The first commit waits until all others wait for its keys.
	var once sync.Once
	hold := func(_ []engine.Mutation, apply func() error) error {
		once.Do(func() {
			for waiting(&b.joiner) < calls-2 { // one leads, and waits for the keys
				runtime.Gosched()
			}
		})
		return apply()
	}
	p.onCommit.Store(&hold)
	var wait sync.WaitGroup
	cost := p.cost(func() {
		for i := range calls {
			wait.Go(func() {
				results, err := s.DeleteObjects(t.Context(), "b", requests[i])
				if err != nil || len(results) != len(requests[i]) {
					t.Errorf("call %d: %v", i, err)
				}
				for n, r := range results {
					if (r.Err != nil) != (requests[i][n].Key == "") {
						t.Errorf("call %d, entry %d: %v", i, n, r.Err)
					}
				}
			})
		}
		wait.Wait()
	})
	p.onCommit.Store(nil)
	if cost.Commits > 3 {
		t.Errorf("%d calls made %d commits", calls, cost.Commits)
	}
	if stats := mustStatistics(t, s, "b"); stats.Objects != 0 || stats.Noncurrent != 0 {
		t.Errorf("left are %+v", stats)
	}
	mustClean(t, s)
}

// TestMerge holds that edits come by key, those of one key in the order of the calls
// and of each call.
func TestMerge(t *testing.T) {
	call := func(keys string, n uint64) []*edit {
		var edits []*edit
		for i, key := range keys {
			edits = append(edits, &edit{key: string(key), id: versioning.IDOf(versioning.Order(n + uint64(i)))})
		}
		return byKey(edits)
	}
	var all []*edit
	for n, keys := range []string{"bab", "", "cab", "a"} {
		all = merge(all, call(keys, uint64(100*n+1)))
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprint(e.key, e.id.Order()))
	}
	if want := []string{"a2", "a202", "a301", "b1", "b3", "b203", "c201"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if keys := keysOf(all); !slices.Equal(keys, []string{"a", "b", "c"}) {
		t.Error(keys)
	}
}
