package api

import (
	"errors"
	"net/http"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// holdEndpoints say what holds versions and space. Why a request is allowed is what
// ExplainPolicy tells.
var holdEndpoints = []endpoint{
	{http.MethodGet, "/buckets/{bucket}/explain?prefix&key&versionId", "ExplainBucket", "tombstone:ExplainBucket", explainBucket},
}

// maxHeldVersions is of how many entries of a key each one is explained, the newest.
const maxHeldVersions = 1000

// holdScope is what is to be explained: a bucket, what keys begin with, a key, or a
// version of it.
type holdScope struct {
	bucket, prefix, key string
	version             string // as it was sent
	id                  versioning.ID
}

// explainBucket says what holds a bucket, a prefix, a key or a version, and of what is
// not there who removed it. It reads the history of what it is asked about.
func explainBucket(x *exchange, v pathValues) (any, error) {
	in, err := x.holdScope(v["bucket"])
	if err == nil {
		err = x.askToExplain(in)
	}
	if err != nil {
		return nil, err
	}
	at := lifecycle.Instant{Now: x.h.store.ObjectTime(), Locks: x.h.store.LockTime(), State: x.found.Versioning}
	h := &holds{bucket: &x.found, scope: in, at: at, idle: x.h.expirer == nil, format: x.h.store.FormatVersionID}
	if err := x.explain(h); err != nil {
		return nil, err
	}
	return h.document(), nil
}

// whole reports whether the scope is all of the bucket.
func (in *holdScope) whole() bool { return in.key == "" && in.prefix == "" }

// holdScope reads what a request is about.
func (x *exchange) holdScope(bucket string) (*holdScope, error) {
	in := &holdScope{bucket: bucket, prefix: x.query.value("prefix"), key: x.query.value("key")}
	version, versioned := x.query.lookup("versionId")
	switch {
	case in.key != "" && in.prefix != "":
		return nil, invalidArgument("A key or a prefix, not both.", "prefix", in.prefix)
	case versioned && in.key == "":
		return nil, invalidArgument("A version is one of a key.", "versionId", version)
	case !versioned:
		return in, nil
	}
	id, err := x.h.store.ParseVersionID(version)
	in.version, in.id = version, id
	return in, err
}

// askToExplain asks whether the caller may list what an explanation tells of: the
// versions of the prefix.
func (x *exchange) askToExplain(in *holdScope) error {
	q := question{x: x, action: listVersions, prefix: in.prefix + in.key}
	if x.level == bucket {
		q.bucket = &x.found
	}
	return x.ask(&q)
}

// explain finds what holds the entries and uploads of a scope, and what history does
// not tell: what waits to be freed, and who removed or hid what.
func (x *exchange) explain(h *holds) error {
	in := h.scope
	rules, err := store.Parsed(x.Context(), x.h.store, in.bucket, store.ConfigLifecycle, lifecycle.Decode)
	if err != nil {
		return err
	}
	o := lifecycle.ExplainOptions{Config: rules, At: h.at, Wanted: in.id}
	if in.key != "" && in.id.IsZero() {
		o.List = maxHeldVersions
	}
	e := lifecycle.NewExplainer(o)
	if err := x.explainEntries(h, e); err != nil {
		return err
	}
	if in.id.IsZero() {
		if err := x.explainUploads(in, e); err != nil {
			return err
		}
	}
	h.found = e.Explanation()
	if in.whole() {
		h.statistics, err = x.h.store.Statistics(x.Context(), in.bucket)
		return err
	}
	return x.addRemoval(h)
}

// explainEntries gives the entries of a scope to e. The pages are read one after the
// other: what changes meanwhile may be seen or not.
func (x *exchange) explainEntries(h *holds, e *lifecycle.Explainer) error {
	in := h.scope
	r := store.HistoryRequest{Bucket: in.bucket, Prefix: in.prefix + in.key}
	for more := true; more; {
		err := x.h.store.History(x.Context(), r, func(v *store.HistoryView) error {
			more, r.After = v.More, v.Next
			for i := range v.Entries {
				entry := &v.Entries[i]
				if in.key != "" && entry.Key != in.key {
					more = false // keys that begin with it come behind it
					break
				}
				e.Next(ruleEntry(entry))
			}
			h.addDamaged(v.Damaged)
			return nil
		})
		if err != nil {
			return err
		}
	}
	e.End()
	return nil
}

// ruleEntry returns an entry as lifecycle rules see it.
func ruleEntry(h *store.HistoryEntry) *lifecycle.Entry {
	e := &lifecycle.Entry{
		Key: h.Key, Order: h.Order, ID: h.ID, Marker: h.Marker, Size: h.Size, LastModified: h.LastModified, Lock: h.Lock,
	}
	for _, t := range h.Tags {
		e.Tags = append(e.Tags, lifecycle.Tag(t))
	}
	return e
}

// explainUploads gives the uploads of a scope to e.
func (x *exchange) explainUploads(in *holdScope, e *lifecycle.Explainer) error {
	r := store.UploadsRequest{Bucket: in.bucket, Prefix: in.prefix + in.key, Limit: maxHeldVersions}
	for {
		page, err := x.h.store.ListUploads(x.Context(), r)
		if err != nil {
			return err
		}
		for i := range page.Uploads {
			u := &page.Uploads[i]
			if in.key != "" && u.Key != in.key {
				return nil
			}
			n, err := x.bytesOfUpload(in.bucket, u)
			if err != nil {
				return err
			}
			e.Upload(&lifecycle.Upload{Key: u.Key, ID: u.ID, Initiated: u.Initiated, Bytes: n})
		}
		if !page.Truncated {
			return nil
		}
		r.KeyMarker, r.IDMarker = page.NextKeyMarker, page.NextUploadMarker
	}
}

// bytesOfUpload returns what the parts of an upload hold, 0 if it has ended meanwhile.
func (x *exchange) bytesOfUpload(bucket string, u *store.Upload) (n int64, err error) {
	r := store.PartsRequest{Upload: store.UploadName{Bucket: bucket, Key: u.Key, ID: u.ID}, Limit: maxHeldVersions}
	for {
		page, err := x.h.store.ListParts(x.Context(), r)
		if errors.Is(err, store.ErrNoSuchUpload) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		for i := range page.Parts {
			n += page.Parts[i].Size
			r.After = page.Parts[i].Number
		}
		if !page.Truncated {
			return n, nil
		}
	}
}
