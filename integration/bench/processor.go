package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// procTick is the unit of processor time in /proc, the same on every Linux.
const procTick = 10 * time.Millisecond

// processor is processor time, of the client and of the server under
// measurement. What is not known is 0: that of a server which was not started
// here, and both where there is no /proc.
type processor struct{ client, server time.Duration }

// processor reads what client and server have used since they began.
func (s *server) processor() processor {
	p := processor{client: processTime(os.Getpid())}
	if s.process != nil {
		p.server = processTime(s.process.PID())
	}
	return p
}

func (p processor) minus(q processor) processor {
	return processor{client: p.client - q.client, server: p.server - q.server}
}

// each says what one of n steps took, nothing if that is not known.
func (p processor) each(n int64) string {
	if n == 0 || p.client == 0 || p.server == 0 {
		return ""
	}
	return fmt.Sprintf("(processor time each: server %s, client %s)", microseconds(p.server, n), microseconds(p.client, n))
}

func microseconds(d time.Duration, n int64) string {
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond)/float64(n))
}

// processTime returns the processor time of a process, 0 if it is not known.
func processTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseProcessTime(string(text))
}

// parseProcessTime reads user and system time out of a line of /proc/<pid>/stat,
// 0 if it is none. The name of the program is in parentheses and may hold any.
func parseProcessTime(line string) time.Duration {
	const user, system = 11, 12 // fields after the name
	words := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(words) <= system {
		return 0
	}
	var ticks int64
	for _, word := range words[user : system+1] {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * procTick
}
