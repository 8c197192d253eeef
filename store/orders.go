package store

import (
	"sync"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// ceilingStep is how far ahead of the orders in use the durable ceiling is moved:
// a start skips what is left of it, for it cannot know how much was used.
const ceilingStep = 10 * time.Second

// orders issues the orders of entries, and whatever else has to be unique and
// ordered in the store: bucket ids, blob numbers. None is ever issued twice, for
// none is issued before a ceiling above it is durable.
type orders struct {
	now func() time.Time // object time
	// raise makes a new ceiling durable.
	raise func(ceiling versioning.Order) error

	mu      sync.Mutex // protects last and ceiling
	last    versioning.Order
	ceiling versioning.Order
}

// next returns an order above all that were issued before, above the order given,
// and of the present millisecond if that allows.
func (o *orders) next(above versioning.Order) (versioning.Order, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := max(o.last+1, above+1, versioning.OrderAt(o.now()))
	if n >= o.ceiling {
		ceiling := n + versioning.OrderAt(time.UnixMilli(ceilingStep.Milliseconds()))
		if err := o.raise(ceiling); err != nil {
			return 0, err
		}
		o.ceiling = ceiling
	}
	o.last = n
	return n, nil
}
