package pebbledb

import (
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed61737384/tombstone/store/engine"
)

// sumMerger is the rule of [engine.Add]: operands are lists of counters, and the
// result is their sum. Sums have no order, so newer and older are the same.
func sumMerger() *pebble.Merger {
	return &pebble.Merger{
		Name: engine.MergerName,
		Merge: func(_, value []byte) (pebble.ValueMerger, error) {
			s := new(sum)
			return s, s.add(value)
		},
	}
}

// sum is the pebble.ValueMerger of one key.
type sum struct{ total engine.Counters }

func (s *sum) add(operand []byte) (err error) {
	s.total, err = s.total.PlusValue(operand)
	return err
}

func (s *sum) MergeNewer(operand []byte) error { return s.add(operand) }

func (s *sum) MergeOlder(operand []byte) error { return s.add(operand) }

func (s *sum) Finish(bool) ([]byte, io.Closer, error) { return s.total.Append(nil), nil, nil }
