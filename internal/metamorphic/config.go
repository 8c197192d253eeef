package metamorphic

import (
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/store/engine/enginefault"
)

// memTable is small enough for flushes and compactions to happen while a test
// runs.
const memTable = 256 << 10

// Configs are the ways in which every script is played.
func Configs() []Config {
	return []Config{
		{Name: "small", Options: small},
		{Name: "default", Options: func() store.Options { return store.Options{MinFree: -1} }},
		{Name: "relaxed", Volatile: true, Options: func() store.Options {
			o := small()
			o.Durability = store.Relaxed
			return o
		}},
		{Name: "memory", Volatile: true, Options: func() store.Options {
			return store.Options{Memory: true, MinFree: -1, MemTableSize: memTable}
		}},
		{Name: "faults", Options: faulty},
	}
}

// faulty runs on an engine that fails now and then as an engine far away may: with
// conflicts, and with outcomes that are unknown.
func faulty() store.Options {
	o := small()
	o.WrapEngine = func(e engine.Engine) engine.Engine {
		return enginefault.New(e, enginefault.Options{Seed: 1, Conflict: 0.05, Lost: 0.02, Applied: 0.02})
	}
	return o
}

// small makes files and blocks of nearly everything.
func small() store.Options {
	return store.Options{InlineLimit: 100, BlockSize: 32, MinFree: -1, MemTableSize: memTable, CacheSize: 1 << 20}
}

// Everywhere is the space of the scripts: few keys, that are beneath each other,
// prefixes of each other and in need of care, and few buckets, so that operations
// meet.
func Everywhere() Space {
	return Space{
		Buckets: []string{"alpha", "beta", "gamma"},
		Keys: []string{
			"a", "a/", "a/b", "a/b/c", "a/bc", "ab", "b", "b/a", "b/b", "b0",
			"ä/ü", "ä/ü/ö", "☃", "\U0001F600", "c d+e%2F", "dir//x", "./..", "line\nend", "\x01", "~",
		},
		Sizes:   []int{0, 1, 10, 31, 32, 33, 64, 99, 100, 101, 128, 500, 5000, 65536, 65537, 70000, 150000},
		Entries: 120,
		Host:    true,
	}
}
