package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/store"
)

// corsRefused is what Amazon says to a request that no rule allows, its spelling
// included (R-LS:test_cors_match_origins).
const corsRefused = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, " +
	"request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."

// preflights reports whether a browser asks what a page may do. It sends no
// credentials, and its target is that of the request to come, signature included.
func (x *exchange) preflights() bool { return x.r.Method == http.MethodOptions }

// allowOrigin says in the answer, an error too, that a page may read it, if a rule of
// the bucket allows the page to send the request. A request without an Origin comes
// from no page.
func (x *exchange) allowOrigin() error {
	if len(x.r.Header["Origin"]) == 0 || x.bucket == "" || x.preflights() {
		return nil
	}
	rules, err := x.corsRules()
	if errors.Is(err, store.ErrNoSuchBucket) {
		return nil // which the check that follows says
	}
	if err != nil {
		return err
	}
	x.cors = rules.match(x.corsRequest())
	x.setCORS()
	return nil
}

// setCORS sets the headers that allow a page to read the answer.
func (x *exchange) setCORS() {
	for _, h := range x.cors {
		x.set(h.name, h.value)
	}
}

// corsRules returns the rules of the bucket, nil if it has none.
func (x *exchange) corsRules() (corsRules, error) {
	data, err := x.h.store.Config(x.Context(), x.bucket, store.ConfigCORS)
	if err != nil || len(data) == 0 {
		return nil, err
	}
	return parseCORS(data)
}

// corsRequest returns what a browser says of the request. What is said of one to come
// counts in any request, as on Amazon (R-LS:test_cors_match_methods).
func (x *exchange) corsRequest() *corsRequest {
	q := &corsRequest{origin: x.header("Origin"), method: x.r.Method}
	if method := x.header("Access-Control-Request-Method"); method != "" {
		q.method = method
	}
	for _, name := range strings.Split(x.header("Access-Control-Request-Headers"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			q.headers = append(q.headers, name)
		}
	}
	return q
}

// preparePreflight answers a browser that asks whether a page may send a request
// (spec WI2-10, WI2.2-3). The rules of the bucket decide, not policy.
func preparePreflight(x *exchange) (task, error) {
	if x.header("Origin") == "" {
		return task{}, refuseWith("BadRequest", "Insufficient information. Origin request header needed.")
	}
	rules, err := x.corsRules()
	if errors.Is(err, store.ErrNoSuchBucket) {
		return task{}, x.forbidPreflight("CORSResponse: Bucket not found", bucket)
	}
	if err != nil {
		return task{}, err
	}
	if len(rules) == 0 {
		return task{}, x.forbidPreflight("CORSResponse: CORS is not enabled for this bucket.", bucket)
	}
	if !x.sent("Access-Control-Request-Method") {
		return task{}, refuseWith("BadRequest", "Invalid Access-Control-Request-Method: null")
	}
	headers := rules.match(x.corsRequest())
	if headers == nil {
		return task{}, x.forbidPreflight(corsRefused, x.level)
	}
	return task{perEntry: true, run: func() error {
		for _, h := range headers {
			x.set(h.name, h.value)
		}
		x.set("Content-Length", "0")
		x.WriteHeader(http.StatusOK)
		return nil
	}}, nil
}

// forbidPreflight refuses the request to come.
func (x *exchange) forbidPreflight(message string, l level) error {
	return refuseWith("AccessForbidden", message, "Method", x.corsRequest().method, "ResourceType", l.String())
}
