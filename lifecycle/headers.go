package lifecycle

import (
	"net/url"
	"strings"
	"time"
)

// httpDate is the form of dates in headers.
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// ExpirationHeader returns the value of x-amz-expiration (spec LC5-1).
func ExpirationHeader(r *Rule, due time.Time) string {
	return `expiry-date="` + due.UTC().Format(httpDate) + `", rule-id="` + encodeID(r.ID) + `"`
}

// AbortHeaders returns the values of x-amz-abort-date and x-amz-abort-rule-id (spec
// LC5-2).
func AbortHeaders(r *Rule, due time.Time) (date, ruleID string) {
	return due.UTC().Format(httpDate), encodeID(r.ID)
}

// encodeID URL-encodes the ID of a rule, which may hold what no header can.
func encodeID(id string) string {
	return strings.ReplaceAll(url.QueryEscape(id), "+", "%20")
}
