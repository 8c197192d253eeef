package integration

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/aws/smithy-go"
)

// The load of the kill test: workers with their own keys, so that each knows what
// its keys hold and at most one call of each is in flight when the server dies.
const (
	killWorkers = 8
	killKeys    = 6 // of each worker in each bucket
	// killHistory is the length from which a worker deletes rather than writes.
	killHistory = 8
)

// worker plays changes against the server and records what was acknowledged.
type worker struct {
	random  *rand.Rand
	client  awsClient
	places  []place
	status  map[string]string // of each bucket
	known   map[place]past    // every acknowledged change is in here
	pending []change          // of the call that was not answered, each on another key
}

// writeOnce writes each of the worker's keys in a bucket with versioning.
func (w *worker) writeOnce(c awsClient, bucket string) error {
	for _, p := range w.places {
		if p.bucket != bucket {
			continue
		}
		put := change{place: p, kind: changePut, body: []byte(p.key)}
		id, err := c.put(p.bucket, p.key, put.body)
		if err != nil {
			return err
		}
		w.known[p] = put.after(nil, "Enabled", id)
	}
	return nil
}

// play changes things until the server is gone. It returns an error if the server
// answered with one. acknowledged is called after each answered call.
func (w *worker) play(acknowledged func()) error {
	err := w.step()
	for ; err == nil; err = w.step() {
		acknowledged()
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return fmt.Errorf("%v: %w", w.pending, err)
	}
	return nil // the server is gone; nobody knows what became of the call
}

// step makes one call. If it fails its changes stay pending.
func (w *worker) step() error {
	w.pending = w.pick()
	added, err := w.send(w.pending)
	if err != nil {
		return err
	}
	for i, c := range w.pending {
		w.known[c.place] = c.after(w.known[c.place], w.status[c.bucket], added[i])
	}
	w.pending = nil
	return nil
}

// pick returns the changes of the next call: one, or a batch of deletes in one
// bucket.
func (w *worker) pick() []change {
	if w.random.IntN(6) > 0 {
		return []change{w.pickOn(w.places[w.random.IntN(len(w.places))], true)}
	}
	first := w.random.IntN(len(w.places))
	var batch []change
	for _, p := range w.places {
		if p.bucket == w.places[first].bucket && w.random.IntN(2) == 0 {
			batch = append(batch, w.pickOn(p, false))
		}
	}
	if len(batch) == 0 {
		batch = append(batch, w.pickOn(w.places[first], false))
	}
	return batch
}

// pickOn returns a change of a key: a put, if it may be, or a delete.
func (w *worker) pickOn(p place, put bool) change {
	known := w.known[p]
	dice := w.random.IntN(10)
	switch {
	case len(known) > 0 && (dice < 2 || len(known) >= killHistory):
		return change{place: p, kind: changeDeleteID, id: known[w.random.IntN(len(known))].id}
	case put && dice < 8:
		return change{place: p, kind: changePut, body: w.body()}
	}
	return change{place: p, kind: changeDelete}
}

// body returns a body that is mostly small, sometimes too large to be stored in
// the index.
func (w *worker) body() []byte {
	most := []int{16, 4 << 10, 4 << 10, 4 << 10, 70 << 10, 400 << 10}[w.random.IntN(6)]
	body := make([]byte, w.random.IntN(most))
	for i := range body {
		body[i] = byte(w.random.Uint32())
	}
	return body
}

// send makes one call for changes and returns the ids of the entries they added.
func (w *worker) send(changes []change) ([]string, error) {
	c := changes[0]
	switch {
	case len(changes) > 1:
		return w.sendBatch(changes)
	case c.kind == changePut:
		id, err := w.client.put(c.bucket, c.key, c.body)
		return []string{id}, err
	}
	d, err := w.client.remove(c.bucket, c.key, c.id)
	return []string{d.markerID}, err
}

func (w *worker) sendBatch(changes []change) ([]string, error) {
	var targets []target
	for _, c := range changes {
		targets = append(targets, target{c.key, c.id})
	}
	answers, err := w.client.removeMany(changes[0].bucket, targets)
	if err != nil {
		return nil, err
	}
	added := make(map[string]string)
	for _, a := range answers {
		added[a.key] = a.markerID
	}
	var ids []string
	for _, c := range changes {
		ids = append(ids, added[c.key])
	}
	return ids, nil
}

// settle compares what the server has with what the worker knows, and takes it
// over. A change whose answer was lost happened or did not.
func (w *worker) settle(actual map[place]past) error {
	maybe := make(map[place]past)
	for _, c := range w.pending {
		maybe[c.place] = c.after(w.known[c.place], w.status[c.bucket], "")
	}
	var wrong bytes.Buffer
	for _, p := range w.places {
		seen := actual[p]
		after, unsure := maybe[p]
		if !w.known[p].fits(seen) && (!unsure || !after.fits(seen)) {
			fmt.Fprintf(&wrong, "%s/%s\n  acknowledged %v\n  in flight    %v %v\n  found        %v\n", p.bucket, p.key, w.known[p], unsure, after, seen)
		}
		w.known[p] = seen
	}
	w.pending = nil
	if wrong.Len() > 0 {
		return errors.New(wrong.String())
	}
	return nil
}
