package pebbledb

import (
	"sync/atomic"
	"time"
)

// When a sync of the log waits for company. The commits that one sync made durable are
// answered, and those who sent them come back a moment later, all at about the same time:
// a sync that begins at once carries few of them, and makes the others wait for the
// next one. So where syncs carry several commits each, the next one waits a little, and
// carries more; where they carry one or two, nobody else is coming, and none waits.
const (
	crowdPause = 500 * time.Microsecond
	crowdSize  = 3 // commits in a sync, on average
	crowdSyncs = 8 // syncs that the average is over, about
	crowdUnit  = 1 << 10
)

// crowd counts the commits that a sync carries. The zero value has seen none.
type crowd struct {
	commits atomic.Int64 // that asked for a sync since Open
	seen    atomic.Int64 // of them, at the last sync
	average atomic.Int64 // in a sync, in units of one in crowdUnit
}

// pause returns for how long the next sync of the log waits. Pebble asks after each one.
func (c *crowd) pause() time.Duration {
	commits := c.commits.Load()
	carried := commits - c.seen.Swap(commits)
	average := c.average.Load()
	average += (carried*crowdUnit - average) / crowdSyncs
	c.average.Store(average)
	if average < crowdSize*crowdUnit {
		return 0
	}
	return crowdPause
}
