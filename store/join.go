package store

import "sync"

// Bounds of what is joined: edits, and bytes of their keys, each of which stands
// in several rows.
const (
	maxJoinedEdits = 8000
	maxJoinedBytes = 1 << 20
)

// joiner makes one change of the changes of a bucket that wait for the same keys.
// One of them leads: it plans and commits for all that waited when its turn came,
// while others gather behind it. So many calls that destroy versions of the same
// keys read and write the rows of a key once, and wait for one sync, where each
// would have done so after the other.
//
// A change that waits for nobody never comes here, and changes that share no keys
// run side by side.
type joiner struct {
	mu      sync.Mutex // protects what follows; no other lock is taken under it
	led     bool       // a change leads; if none does, none waits
	waiting []*joined
}

// joined is a change that waits.
type joined struct {
	edits []*edit
	err   error     // of the change it was part of
	turn  chan bool // true: it leads now; false: it is done
}

// do makes edits, which are by key, part of a change that apply makes, and returns
// when it is made. apply gets the edits of several calls by key, those of one key
// in the order of the calls; its error is that of each of them.
func (j *joiner) do(edits []*edit, apply func([]*edit) error) error {
	own := &joined{edits: edits, turn: make(chan bool, 1)}
	if !j.enter(own) && !<-own.turn {
		return own.err
	}
	group, all := j.next()
	// Should apply panic, the others must neither wait for ever nor believe that
	// they were done.
	err := ErrUnknown
	defer func() {
		for _, other := range group[1:] {
			other.err = err
			other.turn <- false
		}
		j.leave()
	}()
	err = apply(all)
	return err
}

// enter lets a change wait, and reports whether it leads.
func (j *joiner) enter(own *joined) (leads bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, own)
	leads, j.led = !j.led, true
	return leads
}

// next takes the leader, who is the first, and those behind it within the bounds.
func (j *joiner) next() (group []*joined, all []*edit) {
	j.mu.Lock()
	defer j.mu.Unlock()
	size := 0
	for n, w := range j.waiting {
		for _, e := range w.edits {
			size += len(e.key)
		}
		if n > 0 && (len(all)+len(w.edits) > maxJoinedEdits || size > maxJoinedBytes) {
			break
		}
		group, all = append(group, w), merge(all, w.edits)
	}
	j.waiting = append([]*joined(nil), j.waiting[len(group):]...)
	return group, all
}

// leave hands the lead to the first that waits.
func (j *joiner) leave() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.led = len(j.waiting) > 0; j.led {
		j.waiting[0].turn <- true
	}
}

// merge returns the edits of two lists that are by key, by key; of one key, those of
// a come first.
func merge(a, b []*edit) []*edit {
	if len(a) == 0 {
		return b
	}
	merged := make([]*edit, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].key <= b[0].key {
			merged, a = append(merged, a[0]), a[1:]
		} else {
			merged, b = append(merged, b[0]), b[1:]
		}
	}
	return append(append(merged, a...), b...)
}
