package launch

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is what a process occupies, in bytes.
type Memory struct {
	Resident int64 // now
	Peak     int64 // the most it ever was
}

// Memory reads what the process occupies. It fails where there is no /proc.
func (p *Process) Memory() (Memory, error) {
	name := fmt.Sprintf("/proc/%d/status", p.PID())
	text, err := os.ReadFile(name)
	if err != nil {
		return Memory{}, err
	}
	var m Memory
	for line := range strings.Lines(string(text)) {
		field, value, _ := strings.Cut(line, ":")
		var to *int64
		switch field {
		case "VmRSS":
			to = &m.Resident
		case "VmHWM":
			to = &m.Peak
		default:
			continue
		}
		words := strings.Fields(value) // "1234 kB"
		if len(words) != 2 {
			return Memory{}, fmt.Errorf("%s: %q", name, line)
		}
		n, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			return Memory{}, fmt.Errorf("%s: %w", name, err)
		}
		*to = n << 10
	}
	return m, nil
}
