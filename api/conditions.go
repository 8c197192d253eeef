package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// copySourcePrefix begins the names of the conditions that a copy has for its
// source, in canonical form.
const copySourcePrefix = "X-Amz-Copy-Source-"

// readConditions are the condition headers of a GET or HEAD, or those that a copy
// has for its source (spec WI6).
type readConditions struct {
	match, noneMatch               string
	unmodifiedSince, modifiedSince time.Time // zero if not sent or not a date
	matchSent, noneMatchSent       bool
}

// parseReadConditions reads the condition headers whose names begin with prefix at
// the object time now. A date that is none, and a date in the future to be modified since,
// say nothing.
func parseReadConditions(h http.Header, prefix string, now time.Time) readConditions {
	c := readConditions{
		match:           h.Get(prefix + "If-Match"),
		noneMatch:       h.Get(prefix + "If-None-Match"),
		matchSent:       len(h[prefix+"If-Match"]) > 0,
		noneMatchSent:   len(h[prefix+"If-None-Match"]) > 0,
		unmodifiedSince: parseDate(h.Get(prefix + "If-Unmodified-Since")),
		modifiedSince:   parseDate(h.Get(prefix + "If-Modified-Since")),
	}
	if c.modifiedSince.After(now) {
		c.modifiedSince = time.Time{}
	}
	return c
}

// parseSourceConditions reads the conditions that a copy has for its source. One
// that says nothing is refused: it was sent to prevent something.
func parseSourceConditions(h http.Header, now time.Time) (readConditions, error) {
	c := parseReadConditions(h, copySourcePrefix, now)
	for _, name := range []string{"If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since"} {
		values, date := h[copySourcePrefix+name], strings.HasSuffix(name, "-Since")
		if len(values) > 0 && (values[0] == "" || date && parseDate(values[0]).IsZero()) {
			return c, invalidArgument("", strings.ToLower(copySourcePrefix)+name, values[0])
		}
	}
	return c, nil
}

// checkSource holds the conditions of a copy against its source (spec WI6-1 to
// WI6-4: what is 304 of a read is 412 here).
func (c *readConditions) checkSource(source *store.Object) error {
	if failed, _ := c.check(source.ETag, source.LastModified); failed != "" {
		return refuse("PreconditionFailed", "Condition", strings.ToLower(copySourcePrefix)+failed)
	}
	return nil
}

func parseDate(s string) time.Time {
	t, err := http.ParseTime(s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// check holds the conditions against an object. It returns the header that is
// false, empty if none is, and whether the answer to that is 304.
func (c *readConditions) check(etag string, modified time.Time) (header string, notModified bool) {
	modified = modified.Truncate(time.Second)
	switch {
	case c.matchSent && !matchesETag(c.match, etag):
		return "If-Match", false
	case !c.matchSent && !c.unmodifiedSince.IsZero() && modified.After(c.unmodifiedSince):
		return "If-Unmodified-Since", false
	case c.noneMatchSent && matchesETag(c.noneMatch, etag):
		return "If-None-Match", true
	case !c.noneMatchSent && !c.modifiedSince.IsZero() && !modified.After(c.modifiedSince):
		return "If-Modified-Since", true
	}
	return "", false
}

// matchesETag reports whether list, of ETags with or without quotes, has etag.
func matchesETag(list, etag string) bool {
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
		if item == "*" || versioning.TrimETag(item) == etag {
			return true
		}
	}
	return false
}

// inRange reports whether a range still fits the object that the client has a part
// of: If-Range was not sent, or names its ETag or its date (RFC 9110 §13.1.5).
func inRange(ifRange, etag string, modified time.Time) bool {
	if ifRange == "" || versioning.TrimETag(ifRange) == etag {
		return true
	}
	date := parseDate(ifRange)
	return !date.IsZero() && date.Equal(modified.Truncate(time.Second))
}

// httpTime writes t as headers show it.
func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
