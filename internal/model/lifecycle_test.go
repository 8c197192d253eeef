package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/versioning"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The dates that the specification works out are those of the model.
//
// spec: LC4-1, LC4-3, LC4-6
func TestLifecycleDates(t *testing.T) {
	for _, c := range []struct {
		rule         model.Rule
		newer, entry string
		due, deed    string
	}{
		{rule: model.Rule{ExpireDays: 3}, entry: "2014-01-15 10:30", due: "2014-01-19 00:00", deed: "expire-current"},
		{rule: model.Rule{NoncurrentDays: 5}, newer: "2014-01-02 11:30", entry: "2013-12-01 00:00", due: "2014-01-08 00:00", deed: "remove-noncurrent"},
		{rule: model.Rule{ExpireDays: 1}, entry: "2014-02-28 00:00", due: "2014-03-01 00:00", deed: "expire-current"},
	} {
		history := []*model.Aged{{Key: "k", Name: "v1", Modified: moment(t, c.entry)}}
		if c.newer != "" {
			history = append([]*model.Aged{{Key: "k", Name: "v2", Modified: moment(t, c.newer)}}, history...)
		}
		l := model.Lifecycle{Rules: []model.Rule{c.rule}, State: versioning.Enabled}
		p := l.Prospect(history, len(history)-1)
		if got := p.Due.Format("2006-01-02 15:04"); got != c.due || p.Deed.String() != c.deed {
			t.Errorf("%+v: %v at %s, want %s at %s", c.rule, p.Deed, got, c.deed, c.due)
		}
	}
}

// Histories as words, the newest first: v is a version, m a marker, n the null
// version. All are older than every rule asks for.
//
// spec: LC4-7, LC4-8, LC4-9, LC4-10, LC4-11, LC4-15
func TestLifecycleEffects(t *testing.T) {
	old := moment(t, "2020-01-01 12:00")
	expire, noncurrent, markers := model.Rule{ExpireDays: 1}, model.Rule{NoncurrentDays: 1}, model.Rule{ExpireMarkers: true}
	keep := model.Rule{NoncurrentDays: 1, Keep: 2}
	for _, c := range []struct {
		state       versioning.State
		rules       []model.Rule
		has, leaves string
	}{
		{versioning.Unversioned, []model.Rule{expire, noncurrent}, "n", ""},
		{versioning.Enabled, []model.Rule{expire}, "v v", "m v v"},
		{versioning.Enabled, []model.Rule{expire, noncurrent}, "v v", "m v"},
		{versioning.Suspended, []model.Rule{expire}, "n v", "m v"},
		{versioning.Suspended, []model.Rule{expire}, "v n v", "m v v"},
		{versioning.Suspended, []model.Rule{expire, noncurrent, markers}, "n v", "m v"}, // v is noncurrent since now
		{versioning.Suspended, []model.Rule{expire, markers}, "n", ""},
		{versioning.Enabled, []model.Rule{expire}, "m v", "m v"},
		{versioning.Enabled, []model.Rule{expire}, "m", ""},
		{versioning.Enabled, []model.Rule{markers}, "m", ""},
		{versioning.Enabled, []model.Rule{markers}, "m v", "m v"},
		{versioning.Enabled, []model.Rule{noncurrent, markers}, "m v m", ""},
		{versioning.Suspended, []model.Rule{noncurrent}, "v v m n", "v"},
		{versioning.Enabled, []model.Rule{keep}, "v v m v v", "v v m"},
		{versioning.Enabled, []model.Rule{keep, noncurrent}, "v v m v v", "v"},
	} {
		var history []*model.Aged
		for _, word := range strings.Fields(c.has) {
			e := &model.Aged{Key: "k", Name: strings.Repeat("v", len(history)+1), DeleteMarker: word == "m", Modified: old}
			if word == "n" {
				e.Name = model.Null
			}
			history = append(history, e)
		}
		l := model.Lifecycle{Rules: c.rules, State: c.state, Now: old.AddDate(1, 0, 0), Locks: old}
		after, _ := l.Expire(history)
		var words []string
		for _, e := range after {
			switch {
			case e.DeleteMarker:
				words = append(words, "m")
			case e.Name == model.Null:
				words = append(words, "n")
			default:
				words = append(words, "v")
			}
		}
		if got := strings.Join(words, " "); got != c.leaves {
			t.Errorf("%v %q by %+v: %q is left, want %q", c.state, c.has, c.rules, got, c.leaves)
		}
	}
}
