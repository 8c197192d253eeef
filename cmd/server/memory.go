package main

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is the part of the memory it may use at which the process collects
// garbage ever more eagerly. The rest is for what the runtime does not count.
const memoryShare = 0.75

// idleHeap is memory that is asked for and never touched, so that it takes room
// nowhere but in what the garbage collector believes to be in use. A server at rest
// holds a few MiB; without this the collector would run hundreds of times in a
// second of mass deletion for what is garbage anyway.
const idleHeap = 16 << 20

// limitMemory keeps the process away from the limit of its container or machine,
// where it would be killed. GOMEMLIMIT wins.
func limitMemory(env func(string) string) {
	if env("GOMEMLIMIT") != "" {
		return
	}
	if n := availableMemory(os.ReadFile); n < math.MaxInt64 {
		debug.SetMemoryLimit(int64(float64(n) * memoryShare))
	}
}

// availableMemory returns the smallest limit that Linux states, in bytes, or
// MaxInt64 where none is stated.
func availableMemory(read func(string) ([]byte, error)) int64 {
	least := int64(math.MaxInt64)
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := read(name)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			least = min(least, n)
		}
	}
	text, err := read("/proc/meminfo")
	if err != nil {
		return least
	}
	fields := strings.Fields(string(text)) // "MemTotal: 24617520 kB ..."
	if len(fields) < 3 || fields[0] != "MemTotal:" || fields[2] != "kB" {
		return least
	}
	if n, err := strconv.ParseInt(fields[1], 10, 64); err == nil && n > 0 && n < math.MaxInt64/1024 {
		least = min(least, n*1024)
	}
	return least
}
