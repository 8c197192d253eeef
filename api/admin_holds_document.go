package api

import (
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// AdminHolds says what holds a bucket, the keys of a prefix, a key or a version.
type AdminHolds struct {
	Bucket     string    `json:"bucket"`
	Prefix     string    `json:"prefix,omitempty"`
	Key        string    `json:"key,omitempty"`
	VersionID  string    `json:"versionId,omitempty"`
	At         time.Time `json:"at"`         // object time
	Versioning string    `json:"versioning"` // Unversioned, Enabled or Suspended
	ObjectLock bool      `json:"objectLock,omitempty"`
	MFADelete  bool      `json:"mfaDelete,omitempty"`

	Summary    []string `json:"summary"` // in words
	Keys       int64    `json:"keys"`
	HiddenKeys int64    `json:"hiddenKeys"` // whose current entry is a delete marker
	Entries    int64    `json:"entries"`    // versions and delete markers
	Uploads    int64    `json:"uploads"`    // under way

	Holds []AdminHold `json:"holds"`
	// Versions are the newest 1,000 entries of the key, or the version.
	Versions     []AdminHeldVersion `json:"versions,omitempty"`
	OldestUpload *AdminHeldUpload   `json:"oldestUpload,omitempty"`
	// Reclaim is what was removed and is not freed on disk yet, of a whole bucket.
	Reclaim *AdminReclaim `json:"reclaim,omitempty"`
	// Removal is what the ledger tells of what is hidden or gone: how the version, or
	// else the newest of the key, went, or how the marker came that hides the key.
	Removal *AdminRemoval `json:"removal,omitempty"`
	// LedgerCut says that Removal is not there because the ledger is too long to be
	// read to its end for this.
	LedgerCut bool `json:"ledgerCut,omitempty"`
	// Damaged are keys, up to 100, with an entry that cannot be read and is not counted.
	Damaged []string `json:"damaged,omitempty"`
}

// AdminHold counts what is of one kind and held by one thing.
type AdminHold struct {
	// What is current-object, noncurrent-version, delete-marker, lone-delete-marker,
	// noncurrent-delete-marker or upload.
	What string `json:"what"`
	// By is legal-hold, COMPLIANCE, GOVERNANCE, overdue or waiting (for a rule), newest
	// (kept by a rule as such) or nothing.
	By     string `json:"by"`
	Rule   string `json:"rule,omitempty"`
	Action string `json:"action,omitempty"` // of the rule, as lifecycle previews name it
	Count  int64  `json:"count"`
	Bytes  int64  `json:"bytes"`
	// First and Last are when the hold ends, or the rule acts, for the first and the last
	// of them.
	First  *time.Time `json:"first,omitempty"`
	Last   *time.Time `json:"last,omitempty"`
	Sample string     `json:"sample"` // key of one of them
	Why    string     `json:"why"`    // in words
}

// AdminHeldVersion is an entry of a key with what holds it.
type AdminHeldVersion struct {
	Key          string     `json:"key"`
	VersionID    string     `json:"versionId"`
	What         string     `json:"what"` // as in AdminHold
	By           string     `json:"by"`   // as in AdminHold
	Size         int64      `json:"size"`
	LastModified time.Time  `json:"lastModified"`
	Since        *time.Time `json:"noncurrentSince,omitempty"`
	Successor    string     `json:"successor,omitempty"` // version id of what made it noncurrent
	Mode         string     `json:"mode,omitempty"`
	Until        *time.Time `json:"until,omitempty"`
	LegalHold    string     `json:"legalHold,omitempty"`
	Rule         string     `json:"rule,omitempty"` // that will act on it, or keeps it
	Action       string     `json:"action,omitempty"`
	Due          *time.Time `json:"due,omitempty"`
	Kept         int        `json:"keptNewest,omitempty"` // of how many newest ones it is one
	Why          []string   `json:"why"`                  // in words
}

// AdminHeldUpload is a multipart upload under way.
type AdminHeldUpload struct {
	Key       string    `json:"key"`
	UploadID  string    `json:"uploadId"`
	Initiated time.Time `json:"initiated"`
	Bytes     int64     `json:"bytes"`
}

// AdminReclaim is what was removed and is not freed on disk yet.
type AdminReclaim struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"` // on disk
}

// shapeNames and holdNames are the values of What and By.
var (
	shapeNames = [...]string{
		lifecycle.CurrentObject: "current-object", lifecycle.NoncurrentVersion: "noncurrent-version",
		lifecycle.HidingMarker: "delete-marker", lifecycle.LoneMarker: "lone-delete-marker",
		lifecycle.NoncurrentMarker: "noncurrent-delete-marker", lifecycle.OpenUpload: "upload",
	}
	holdNames = [...]string{
		lifecycle.HeldByLegalHold: "legal-hold", lifecycle.HeldByCompliance: "COMPLIANCE",
		lifecycle.HeldByGovernance: "GOVERNANCE", lifecycle.HeldOverdue: "overdue", lifecycle.HeldUntilDue: "waiting",
		lifecycle.HeldAsNewer: "newest", lifecycle.HeldByOthers: "others", lifecycle.HeldByNothing: "nothing",
	}
)

// holds is what was found out for an explanation.
type holds struct {
	bucket     *store.Bucket
	scope      *holdScope
	at         lifecycle.Instant
	found      *lifecycle.Explanation
	statistics store.Statistics // of a whole bucket
	removal    *AdminRemoval
	ledgerCut  bool
	damaged    []string
	idle       bool // nobody carries rules out
	format     func(versioning.ID) string
}

// maxDamaged bounds the keys that are named as damaged.
const maxDamaged = 100

// addDamaged takes the keys of a page that have an entry which cannot be read.
func (h *holds) addDamaged(keys []string) {
	for _, key := range keys {
		ours := h.scope.key == "" || h.scope.key == key
		if n := len(h.damaged); ours && n < maxDamaged && (n == 0 || h.damaged[n-1] != key) {
			h.damaged = append(h.damaged, key)
		}
	}
}

// document returns the answer.
func (h *holds) document() *AdminHolds {
	f, in := h.found, h.scope
	out := &AdminHolds{
		Bucket: in.bucket, Prefix: in.prefix, Key: in.key, VersionID: in.version,
		At: h.at.Now, Versioning: stateName(h.at.State), ObjectLock: h.bucket.ObjectLock,
		MFADelete: h.bucket.MFADelete == store.MFADeleteEnabled,
		Keys:      f.Keys, HiddenKeys: f.Hidden, Entries: f.Entries, Uploads: f.Uploads,
		Holds: []AdminHold{}, Removal: h.removal, LedgerCut: h.ledgerCut, Damaged: h.damaged,
	}
	for i := range f.Totals {
		if in.id.IsZero() {
			out.Holds = append(out.Holds, adminHold(&f.Totals[i]))
		}
	}
	for i := range f.Holdings {
		out.Versions = append(out.Versions, h.version(&f.Holdings[i]))
	}
	if f.Uploads > 0 {
		out.OldestUpload = &AdminHeldUpload{f.Oldest.Key, f.Oldest.ID, f.Oldest.Initiated, f.Oldest.Bytes}
	}
	if s := &h.statistics; s.Reclaim > 0 {
		out.Reclaim = &AdminReclaim{s.Reclaim, s.ReclaimBytes}
	}
	out.Summary = h.summary()
	return out
}

// stateName returns a versioning state, also the one that S3 does not show.
func stateName(s versioning.State) string {
	if s == versioning.Unversioned {
		return "Unversioned"
	}
	return s.String()
}

func adminHold(t *lifecycle.Total) AdminHold {
	out := AdminHold{
		What: shapeNames[t.Shape], By: holdNames[t.Hold], Count: t.Count, Bytes: t.Bytes,
		First: moment(t.First), Last: moment(t.Last), Sample: t.Sample, Why: wordsOfTotal(t),
	}
	if t.Rule != nil {
		out.Rule = t.Rule.ID
	}
	if t.Kind != lifecycle.None {
		out.Action = t.Kind.String()
	}
	return out
}

func (h *holds) version(l *lifecycle.Holding) AdminHeldVersion {
	e := &l.Entry
	out := AdminHeldVersion{
		Key: e.Key, VersionID: h.format(e.ID), What: shapeNames[l.Shape], By: holdNames[l.Hold],
		Size: e.Size, LastModified: e.LastModified, Since: moment(l.Since), Due: moment(l.Due), Kept: l.Kept,
		Mode: e.Lock.Mode.String(), LegalHold: e.Lock.Hold.String(), Why: h.words(l),
	}
	if !l.Successor.IsZero() {
		out.Successor = h.format(l.Successor)
	}
	if e.Lock.Mode != versioning.NoRetention {
		out.Until = moment(e.Lock.Until)
	}
	switch {
	case l.Rule != nil:
		out.Rule = l.Rule.ID
	case l.Keeper != nil:
		out.Rule = l.Keeper.ID
	}
	if l.Kind != lifecycle.None {
		out.Action = l.Kind.String()
	}
	return out
}
