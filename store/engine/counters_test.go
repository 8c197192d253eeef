package engine

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
)

func TestCounters(t *testing.T) {
	for _, c := range []struct{ a, b, sum Counters }{
		{nil, nil, nil},
		{Counters{1}, nil, Counters{1}},
		{nil, Counters{0, -1}, Counters{0, -1}},
		{Counters{1, 2, 3}, Counters{10}, Counters{11, 2, 3}},
		{Counters{-5}, Counters{5, 5}, Counters{0, 5}},
		{Counters{math.MaxInt64}, Counters{math.MinInt64}, Counters{-1}},
	} {
		got, err := slices.Clone(c.a).PlusValue(c.b.Append(nil))
		if err != nil || !slices.Equal(got, c.sum) {
			t.Errorf("%v + %v = %v, %v, want %v", c.a, c.b, got, err, c.sum)
		}
		got, err = DecodeCounters(c.sum.Append(nil))
		if err != nil || !slices.Equal(got, c.sum) {
			t.Errorf("%v came back as %v, %v", c.sum, got, err)
		}
	}
	if c := (Counters{7}); c.At(0) != 7 || c.At(1) != 0 {
		t.Errorf("At gives %d, %d", c.At(0), c.At(1))
	}
}

func TestDecodeCountersDamaged(t *testing.T) {
	for _, value := range [][]byte{
		{0x80},                         // cut off
		{0x02, 0xff},                   // cut off after the first
		bytes.Repeat([]byte{0xff}, 11), // over 64 bits
	} {
		if c, err := DecodeCounters(value); !errors.Is(err, ErrCounters) {
			t.Errorf("%x decoded to %v, %v", value, c, err)
		}
	}
}

func FuzzDecodeCounters(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x80})
	f.Add(Counters{0, 1, -1, math.MaxInt64, math.MinInt64}.Append(nil))
	f.Add([]byte{0x82, 0x00}) // 1, in two bytes
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := DecodeCounters(value)
		if err != nil {
			if !errors.Is(err, ErrCounters) {
				t.Fatalf("error %v", err)
			}
			return
		}
		encoded := c.Append(nil)
		if len(encoded) > len(value) {
			t.Fatalf("%x grew to %x", value, encoded)
		}
		again, err := DecodeCounters(encoded)
		if err != nil || !slices.Equal(again, c) {
			t.Fatalf("%v came back as %v, %v", c, again, err)
		}
	})
}
