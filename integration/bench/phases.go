package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// phase is one thing that is measured.
type phase struct {
	name    string
	started bool // for servers that were started here only
	once    bool // once a run, not once a round
	own     bool // for tombstone only, which alone has it
	measure func(ctx context.Context, s *server) ([]figure, error)
}

// phases are the phases in the order they run in: later ones use what earlier
// ones left, and make what is missing.
func phases() []phase {
	return []phase{
		{name: "start", started: true, measure: measureStart},
		{name: "put", measure: measurePut},
		{name: "get", measure: measureGet},
		{name: "put-version", measure: measurePutVersion},
		{name: "delete", measure: measureDelete},
		{name: "delete-version", measure: measureDeleteVersion},
		{name: "delete-objects", measure: measureDeleteObjects},
		{name: "delete-written", measure: measureDeleteWritten},
		{name: "delete-prepared", measure: measureDeletePrepared},
		{name: "list-hidden", measure: measureListHidden},
		{name: "list-versions", measure: measureListVersions},
		{name: "get-p99", measure: measureLatency},
		{name: "large", measure: measureLarge},
		{name: "expire", started: true, once: true, own: true, measure: measureExpire},
		{name: "expire-few", started: true, once: true, own: true, measure: measureExpireFew},
		{name: "expire-foreground", started: true, once: true, own: true, measure: measureExpireForeground},
		{name: "memory", started: true, once: true, measure: measureMemory},
	}
}

func phaseNames() []string {
	var names []string
	for _, p := range phases() {
		names = append(names, p.name)
	}
	return names
}

// choosePhases returns the phases of a list of names, all for none.
func choosePhases(list string) ([]phase, error) {
	if list == "" {
		return phases(), nil
	}
	names := strings.Split(list, ",")
	for _, n := range names {
		if !slices.Contains(phaseNames(), n) {
			return nil, fmt.Errorf("-only %s: there is no such phase; there are %s", n, strings.Join(phaseNames(), ", "))
		}
	}
	return slices.DeleteFunc(phases(), func(p phase) bool { return !slices.Contains(names, p.name) }), nil
}

// measureStart starts another server on an empty folder.
func measureStart(_ context.Context, s *server) ([]figure, error) {
	p, err := again(s.folder, s.on)
	if err != nil {
		return nil, err
	}
	f := figure{name: "start to first answer", unit: "ms", value: milliseconds(p.Ready), less: true}
	return []figure{f}, p.Stop()
}

// measureMemory reads what the server occupies after all that went before.
func measureMemory(_ context.Context, s *server) ([]figure, error) {
	m, err := s.process.Memory()
	if err != nil {
		return nil, err
	}
	return []figure{
		{name: "resident memory after the run", unit: "MiB", value: float64(m.Resident) / (1 << 20), less: true},
		{name: "resident memory, peak", unit: "MiB", value: float64(m.Peak) / (1 << 20), less: true},
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
