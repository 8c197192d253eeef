package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// parseLockConfiguration reads an ObjectLockConfiguration (spec OL1.1-3 to OL1.1-6):
// Object Lock is enabled by it, and a default retention set or, without a rule,
// removed.
func parseLockConfiguration(data []byte) (store.DefaultRetention, error) {
	r, err := openXML(data, "ObjectLockConfiguration")
	if err != nil {
		return store.DefaultRetention{}, refuse("MalformedXML")
	}
	enabled := ""
	var rule map[string]string // nil for none
	err = r.each(func(name string) (err error) {
		switch {
		case name == "ObjectLockEnabled" && enabled == "":
			enabled, err = r.text()
			return err
		case name == "Rule" && rule == nil:
			rule, err = readLockRule(r)
			return err
		}
		return errXML
	})
	if err == nil {
		err = r.finish()
	}
	if err != nil || enabled != "Enabled" {
		return store.DefaultRetention{}, refuse("MalformedXML")
	}
	if rule == nil {
		return store.DefaultRetention{}, nil
	}
	return defaultRetention(rule)
}

// readLockRule reads a Rule, which holds one DefaultRetention.
func readLockRule(r *xmlReader) (values map[string]string, err error) {
	err = r.each(func(name string) (err error) {
		if name != "DefaultRetention" || values != nil {
			return errXML
		}
		values, err = r.leaves("Mode", "Days", "Years")
		return err
	})
	if err == nil && values == nil {
		err = errXML
	}
	return values, err
}

// defaultRetention says what the elements of a DefaultRetention mean.
func defaultRetention(values map[string]string) (store.DefaultRetention, error) {
	mode, ok := lockModes[values["Mode"]]
	days, inDays := values["Days"]
	years, inYears := values["Years"]
	if !ok || inDays == inYears {
		return store.DefaultRetention{}, refuse("MalformedXML")
	}
	d := store.DefaultRetention{Mode: mode}
	var err error
	if inDays {
		d.Days, err = retentionPeriod("Days", days, store.MaxRetentionDays)
	} else {
		d.Years, err = retentionPeriod("Years", years, store.MaxRetentionYears)
	}
	if err != nil {
		return store.DefaultRetention{}, err
	}
	return d, nil
}

// retentionPeriod reads a number of days or years (spec OL1.1-5, OL1.1-6).
func retentionPeriod(name, text string, largest int) (int, error) {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	if digits == "" || len(text)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return 0, refuse("MalformedXML")
	}
	n, err := strconv.Atoi(text)
	switch {
	case strings.HasPrefix(text, "-"), err == nil && n < 1:
		return 0, invalidArgument("Default retention period must be a positive integer value.", name, text)
	case err != nil, n > largest:
		return 0, invalidArgument("Default retention period too large.", name, text)
	}
	return n, nil
}

// parseRetention reads a Retention: mode and end, which is after now, or nothing at
// all, which removes a retention (spec OL1.2-10, OL1.2-15, OL1.3-5).
func parseRetention(data []byte, now time.Time) (versioning.Mode, time.Time, error) {
	malformed := func() (versioning.Mode, time.Time, error) {
		return versioning.NoRetention, time.Time{}, refuse("MalformedXML")
	}
	values, err := parseLeaves(data, "Retention", "Mode", "RetainUntilDate")
	if err != nil {
		return malformed()
	}
	if len(values) == 0 {
		return versioning.NoRetention, time.Time{}, nil
	}
	mode, ok := lockModes[values["Mode"]]
	until, isDate := parseRetainUntil(values["RetainUntilDate"])
	if !ok || !isDate {
		return malformed()
	}
	if !until.After(now) {
		return versioning.NoRetention, time.Time{}, invalidArgument(textPastDate, "RetainUntilDate", values["RetainUntilDate"])
	}
	return mode, until, nil
}

// parseLegalHold reads a LegalHold (spec OL1.2-15).
func parseLegalHold(data []byte) (versioning.Hold, error) {
	values, err := parseLeaves(data, "LegalHold", "Status")
	hold, ok := legalHolds[values["Status"]]
	if err != nil || !ok {
		return versioning.HoldNever, refuse("MalformedXML")
	}
	return hold, nil
}

// parseLeaves reads a whole document whose root has children that hold text.
func parseLeaves(data []byte, root string, names ...string) (map[string]string, error) {
	r, err := openXML(data, root)
	if err != nil {
		return nil, err
	}
	values, err := r.leaves(names...)
	if err == nil {
		err = r.finish()
	}
	return values, err
}
