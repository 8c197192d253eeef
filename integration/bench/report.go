package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// figure is one measured number.
type figure struct {
	name, unit string
	value      float64
	less       bool // less is better
	note       string
}

func (f figure) text() string {
	if f.value < 100 {
		return fmt.Sprintf("%.2f", f.value)
	}
	return fmt.Sprintf("%.0f", f.value)
}

// target is what -compare demands of a figure: a multiple of the peer's, or a
// limit. The documents of the project give more; these hold at every commit.
type target struct {
	figure string
	ratio  float64 // at least so many times better than the peer, if not 0
	most   float64 // at most this, if not 0
}

var targets = []target{
	{figure: "PUT 1 KiB", ratio: 2},
	{figure: "DeleteObjects, versions", ratio: 20},
	{figure: "list versions, entries", ratio: 2},
	{figure: fmt.Sprintf("list a bucket of %d hidden keys", hiddenKeys), most: 5},
	{figure: "start to first answer", most: 100},
	{figure: "resident memory after the run", most: 150},
}

// results are the figures of all servers, in the order they were measured in.
type results struct {
	servers []string
	names   []string
	rounds  map[string]map[string][]figure // figure name -> server -> one for each round
}

func newResults(servers []*server) *results {
	r := &results{rounds: make(map[string]map[string][]figure)}
	for _, s := range servers {
		r.servers = append(r.servers, s.name)
	}
	return r
}

// addAll adds the figures of a round and shows them.
func (r *results) addAll(server string, figures []figure) {
	for _, f := range figures {
		r.add(server, f)
		fmt.Fprintf(os.Stderr, "%-10s %-34s %10s %s %s\n", server, f.name, f.text(), f.unit, f.note)
	}
}

func (r *results) add(server string, f figure) {
	if r.rounds[f.name] == nil {
		r.names = append(r.names, f.name)
		r.rounds[f.name] = make(map[string][]figure)
	}
	r.rounds[f.name][server] = append(r.rounds[f.name][server], f)
}

// median returns the figure of the median round.
func (r *results) median(name, server string) (figure, bool) {
	all := slices.Clone(r.rounds[name][server])
	if len(all) == 0 {
		return figure{}, false
	}
	slices.SortFunc(all, func(a, b figure) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	return all[len(all)/2], true
}

// print writes a table with a line for each figure and a column for each server.
func (r *results) print(w io.Writer) {
	fmt.Fprintf(w, "%-34s", "median of the rounds")
	for _, s := range r.servers {
		fmt.Fprintf(w, " %14s", s)
	}
	if len(r.servers) == 2 {
		fmt.Fprintf(w, " %10s", "better by")
	}
	fmt.Fprintln(w)
	for _, name := range r.names {
		line, unit := fmt.Sprintf("%-34s", name), ""
		for _, s := range r.servers {
			f, ok := r.median(name, s)
			text := "-"
			if ok {
				text, unit = f.text(), f.unit
			}
			line += fmt.Sprintf(" %14s", text)
		}
		if ratio, ok := r.ratio(name); ok {
			line += fmt.Sprintf(" %9.2fx", ratio)
		}
		fmt.Fprintln(w, line, unit)
	}
}

// ratio returns how many times better the first server is than the second.
func (r *results) ratio(name string) (float64, bool) {
	if len(r.servers) != 2 {
		return 0, false
	}
	ours, ok := r.median(name, r.servers[0])
	theirs, ok2 := r.median(name, r.servers[1])
	switch {
	case !ok || !ok2 || ours.value == 0 || theirs.value == 0:
		return 0, false
	case ours.less:
		return theirs.value / ours.value, true
	}
	return ours.value / theirs.value, true
}

// judge prints whether the targets are met. A missed one is an error; what was
// not measured is passed over.
func (r *results) judge(w io.Writer) error {
	fmt.Fprintln(w, "\ntargets")
	var missed []string
	for _, t := range targets {
		f, ok := r.median(t.figure, r.servers[0])
		if !ok {
			continue
		}
		met, want := f.value <= t.most, fmt.Sprintf("at most %g %s, is %s", t.most, f.unit, f.text())
		if t.ratio > 0 {
			ratio, _ := r.ratio(t.figure) // 0 if there is none
			met, want = ratio >= t.ratio, fmt.Sprintf("at least %gx, is %.2fx", t.ratio, ratio)
		}
		verdict := "met   "
		if !met {
			verdict = "MISSED"
			missed = append(missed, t.figure)
		}
		fmt.Fprintf(w, "%s %-34s %s\n", verdict, t.figure, want)
	}
	if len(missed) > 0 {
		return errors.New("targets missed: " + strings.Join(missed, "; "))
	}
	return nil
}

// row is a figure of a server in the JSON file.
type row struct {
	Figure string    `json:"figure"`
	Server string    `json:"server"`
	Unit   string    `json:"unit"`
	Median float64   `json:"median"`
	Rounds []float64 `json:"rounds"`
	Notes  []string  `json:"notes,omitempty"`
}

// writeJSON writes the figures of all rounds.
func (r *results) writeJSON(name string) error {
	rows := []row{}
	for _, figure := range r.names {
		for _, s := range r.servers {
			if m, ok := r.median(figure, s); ok {
				rows = append(rows, r.row(m, s))
			}
		}
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// row returns the row of a figure, whose median is given.
func (r *results) row(median figure, server string) row {
	out := row{Figure: median.name, Server: server, Unit: median.unit, Median: median.value}
	for _, f := range r.rounds[median.name][server] {
		out.Rounds = append(out.Rounds, f.value)
		if f.note != "" {
			out.Notes = append(out.Notes, f.note)
		}
	}
	return out
}
