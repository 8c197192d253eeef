package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/store"
)

const (
	// ledgerPatience is for how long the ledger is read for an explanation: keys have no
	// index there.
	ledgerPatience = 10 * time.Second
	// clockSlack is how far a clock that was set back may have put a row of the ledger
	// before the version that it is about.
	clockSlack = 24 * time.Hour
)

// AdminRemoval is what the ledger tells of a version or delete marker that went, or of a
// delete marker that came.
type AdminRemoval struct {
	Change    string    `json:"change"` // version-removed, marker-removed or marker-added
	VersionID string    `json:"versionId"`
	Time      time.Time `json:"time"` // object time
	RealTime  time.Time `json:"realTime"`
	Principal string    `json:"principal,omitempty"`
	AccessKey string    `json:"accessKey,omitempty"`
	Source    string    `json:"source,omitempty"`
	Operation string    `json:"operation,omitempty"`
	RequestID string    `json:"requestId,omitempty"`
	Cause     string    `json:"cause"` // request, rule or job
	CauseID   string    `json:"causeId,omitempty"`
	Size      int64     `json:"size"`
}

// addRemoval asks the ledger who removed what is not there, or hid what is hidden.
func (x *exchange) addRemoval(h *holds) error {
	q := store.LedgerQuery{Bucket: h.scope.bucket, BucketID: h.bucket.ID, Key: h.scope.key, Newest: true, From: h.bucket.Created}
	fits := func(e *store.LedgerEntry) bool {
		return e.Change == store.LedgerVersionRemoved || e.Change == store.LedgerMarkerRemoved
	}
	switch f := h.found; {
	case h.scope.key == "":
		return nil // a prefix has no history of its own
	case !h.scope.id.IsZero() && len(f.Holdings) > 0:
		return nil
	case !h.scope.id.IsZero():
		removed, text := fits, h.format(h.scope.id)
		fits = func(e *store.LedgerEntry) bool { return removed(e) && e.VersionID == text }
		if made := h.scope.id.Order().Time().Add(-clockSlack); made.After(q.From) {
			q.From = made
		}
	case f.Hidden > 0:
		marker := &f.Holdings[0].Entry
		text := h.format(marker.ID)
		fits = func(e *store.LedgerEntry) bool { return e.Change == store.LedgerMarkerAdded && e.VersionID == text }
		q.From, q.Newest = marker.LastModified.Add(-time.Second), false
	case f.Entries > 0:
		return nil
	}
	return x.searchLedger(h, q, fits)
}

// errFound ends a search.
var errFound = errors.New("found")

// searchLedger looks for an entry, as long as there is patience for it.
func (x *exchange) searchLedger(h *holds, q store.LedgerQuery, fits func(*store.LedgerEntry) bool) error {
	ctx, cancel := context.WithTimeout(x.Context(), ledgerPatience)
	defer cancel()
	err := x.h.store.Ledger(ctx, q, func(e store.LedgerEntry) error {
		if !fits(&e) {
			return nil
		}
		h.removal = &AdminRemoval{
			Change: e.Change.String(), VersionID: e.VersionID, Time: e.Time, RealTime: e.RealTime,
			Principal: e.Made.Principal, AccessKey: e.Made.AccessKey, Source: e.Made.Source, Operation: e.Made.Operation,
			RequestID: e.Made.RequestID, Cause: e.Made.Cause.String(), CauseID: e.Made.CauseID, Size: e.Size,
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return nil
	case errors.Is(err, context.DeadlineExceeded) && x.Context().Err() == nil:
		h.ledgerCut = true
		return nil
	}
	return err
}

// ofRemoval says what the ledger tells; did is what it was asked for.
func (h *holds) ofRemoval(did string) string {
	r := h.removal
	switch {
	case h.ledgerCut:
		return fmt.Sprintf("Who %s was not found in the newest part of the ledger; \"tombstone ledger show\" reads all of it.", did)
	case r == nil:
		return fmt.Sprintf("The ledger does not tell that anybody %s.", did)
	}
	s := fmt.Sprintf("The ledger tells who %s: version %s, on %s, by %s", did, r.VersionID, clockTime(r.Time), r.maker())
	return s + "."
}

// maker says who made a change, how and why.
func (r *AdminRemoval) maker() string {
	who := "somebody anonymous"
	if r.Principal != "" {
		who = r.Principal
	}
	if r.Cause != store.CauseRequest.String() {
		return fmt.Sprintf("%s %q", r.Cause, r.CauseID)
	}
	return fmt.Sprintf("%s with %s, request %s from %s", who, r.Operation, r.RequestID, r.Source)
}
