package store

import "github.com/seed61737384/tombstone/versioning"

// Boundary returns an order that is above that of every entry and upload there is, and
// below that of all to come: what tells work that takes long what was there when it
// began. Orders rise also where a clock is set back.
func (s *Store) Boundary() (versioning.Order, error) {
	order, err := s.orders.next(0)
	if err != nil {
		return 0, &Error{Op: "read boundary", Err: s.cause(err)}
	}
	return order, nil
}
