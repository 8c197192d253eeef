package main

import (
	"testing"
	"time"
)

func TestParseProcessTime(t *testing.T) {
	const tail = " S 1 2 3 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 1234"
	for line, want := range map[string]time.Duration{
		"7 (tombstone)" + tail:     3 * time.Second,
		"7 (a ) odd (name)" + tail: 3 * time.Second,
		"7 (tombstone) S 1 2":      0,
		"":                         0,
		"7 (x) S 1 2 3 0 -1 4194304 100 0 0 0 many 50 0": 0,
	} {
		if got := parseProcessTime(line); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}
