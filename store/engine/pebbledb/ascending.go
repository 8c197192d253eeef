package pebbledb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// ranked is the place of a key, with those of its bytes that mostly tell it from
// other ones, so that comparing two keys rarely has to look at them.
type ranked struct {
	rank uint64
	at   int
}

// fewKeys are put in order one by one: telling tables apart first would cost more.
const fewKeys = 12

// ascending returns 0 to n-1 in the order of their keys, equal ones as they stand.
// Keys come in order within a table of the index, which is their first byte, but
// with those of other tables in between: tables are told apart first, and what is
// in order then costs no more than a look.
func ascending(n int, key func(int) []byte) []int {
	if n <= fewKeys {
		return inserted(n, key)
	}
	var starts [257]int
	for i := range n {
		starts[first(key(i))+1]++
	}
	for t := range 256 {
		starts[t+1] += starts[t]
	}
	order, next := make([]int, n), starts
	for i := range n {
		t := first(key(i))
		order[next[t]] = i
		next[t]++
	}
	var room []ranked
	for t := range 256 {
		if part := order[starts[t]:starts[t+1]]; !ordered(part, key) {
			room = arrange(part, key, room)
		}
	}
	return order
}

// inserted is ascending for few keys.
func inserted(n int, key func(int) []byte) []int {
	order := make([]int, n)
	for i := range n {
		at := i
		for ; at > 0 && bytes.Compare(key(order[at-1]), key(i)) > 0; at-- {
			order[at] = order[at-1]
		}
		order[at] = i
	}
	return order
}

// ordered reports whether part is in the order of its keys.
func ordered(part []int, key func(int) []byte) bool {
	for n := 1; n < len(part); n++ {
		if bytes.Compare(key(part[n-1]), key(part[n])) > 0 {
			return false
		}
	}
	return true
}

// arrange brings part into the order of its keys. It returns room to be used again.
func arrange(part []int, key func(int) []byte, room []ranked) []ranked {
	same := key(part[0])
	for _, i := range part[1:] {
		same = same[:common(same, key(i))]
	}
	room = room[:0]
	for _, i := range part {
		room = append(room, ranked{rank(key(i)[len(same):]), i})
	}
	slices.SortFunc(room, func(a, b ranked) int {
		if a.rank != b.rank {
			return cmp.Compare(a.rank, b.rank)
		}
		return cmp.Or(bytes.Compare(key(a.at), key(b.at)), a.at-b.at)
	})
	for n := range room {
		part[n] = room[n].at
	}
	return room
}

// common returns how many bytes a and b begin with alike.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	if bytes.Equal(a[:n], b[:n]) {
		return n
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// rank returns the first eight bytes of key as a number, which sorts as they do. A
// shorter one sorts as if zeros followed: before those it begins, or with them.
func rank(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var full [8]byte
	copy(full[:], key)
	return binary.BigEndian.Uint64(full[:])
}

// first returns the first byte of key, 0 if it has none.
func first(key []byte) int {
	if len(key) == 0 {
		return 0
	}
	return int(key[0])
}
