package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func twoServers(ours, theirs []float64, f figure) *results {
	r := newResults([]*server{{name: "ours"}, {name: "theirs"}})
	for _, v := range ours {
		f.value = v
		r.add("ours", f)
	}
	for _, v := range theirs {
		f.value = v
		r.add("theirs", f)
	}
	return r
}

func TestRatioIsOfMediansAndSaysHowMuchBetter(t *testing.T) {
	for _, test := range []struct {
		ours, theirs []float64
		less         bool
		want         float64
	}{
		{ours: []float64{10, 1000, 20}, theirs: []float64{1, 5, 900}, want: 4},
		{ours: []float64{2}, theirs: []float64{6}, less: true, want: 3},
	} {
		r := twoServers(test.ours, test.theirs, figure{name: "f", less: test.less})
		if ratio, ok := r.ratio("f"); !ok || ratio != test.want {
			t.Errorf("%+v: ratio %v, %v", test, ratio, ok)
		}
	}
	if _, ok := twoServers([]float64{1}, nil, figure{name: "f"}).ratio("f"); ok {
		t.Error("a ratio without a peer's figure")
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name         string
		ours, theirs []float64
		met          bool
	}{
		{"PUT 1 KiB", []float64{200}, []float64{100}, true},
		{"PUT 1 KiB", []float64{199}, []float64{100}, false},
		{"PUT 1 KiB", []float64{200}, nil, false},
		{"start to first answer", []float64{100}, nil, true},
		{"start to first answer", []float64{101}, []float64{500}, false},
		{"not a target", []float64{1}, []float64{2}, true},
	} {
		var out bytes.Buffer
		err := twoServers(test.ours, test.theirs, figure{name: test.name}).judge(&out)
		if (err == nil) != test.met || strings.Contains(out.String(), "MISSED") == test.met {
			t.Errorf("%+v: %v\n%s", test, err, out.String())
		}
	}
}

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(99-i))
	}
	for p, want := range map[int]time.Duration{0: 0, 50: 50, 99: 99, 100: 99} {
		if got := percentile(times, p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if got := percentile(nil, 99); got != 0 {
		t.Errorf("percentile of nothing is %d", got)
	}
}

func TestChoosePhases(t *testing.T) {
	if chosen, err := choosePhases("get,put"); err != nil || len(chosen) != 2 || chosen[0].name != "put" {
		t.Errorf("chose %v, %v, want put, then get", chosen, err)
	}
	if _, err := choosePhases("put,fly"); err == nil || !strings.Contains(err.Error(), "fly") {
		t.Errorf("error %v, want one that names the phase", err)
	}
}
