package api

import (
	"hash/maphash"
	"math/bits"
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// maxDeleted is the most entries of a DeleteObjects (spec VD5-4).
const maxDeleted = 1000

// prepareDeleteObjects reads a DeleteObjects. Policy decides about each entry, so
// that whoever may delete nothing gets 200 with an error for each (spec AP1-35).
//
// Conditions belong to entries: a header that would have to hold for all of them is
// refused, like the elements of directory buckets (spec VD5-30).
func prepareDeleteObjects(x *exchange) (task, error) {
	if err := x.checkDirectoryConditions(); err != nil {
		return task{}, err
	}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if x.sent(name) {
			return task{}, notImplemented(name, "")
		}
	}
	data, err := x.readVerified(maxDeleteDocument)
	if err != nil {
		return task{}, err
	}
	list, err := parseDelete(data)
	if err != nil {
		return task{}, err
	}
	token := list.versioned() && x.found.MFADelete == store.MFADeleteEnabled // spec OL2-8
	return task{
		perEntry: true, bypass: true, mfa: true, token: token,
		run: func() error { return x.deleteObjects(list) },
	}, nil
}

// identifier is an Object element of a DeleteObjects.
type identifier struct {
	key       string
	versionID string
	versioned bool // a VersionId was sent, be it empty
	etag      string
	condition bool // an ETag was sent, be it empty
}

// usualIdentifier is what an Object element mostly has at least, bytes.
const usualIdentifier = 64

// deleteList is the body of a DeleteObjects.
type deleteList struct {
	objects []identifier
	quiet   bool
}

// versioned reports whether any entry names a version.
func (l *deleteList) versioned() bool {
	for i := range l.objects {
		if l.objects[i].versioned {
			return true
		}
	}
	return false
}

// distinct removes the entries that repeat an earlier one in key and version id:
// they are executed and reported once (spec VD5-25, VD5-26).
func (l *deleteList) distinct() []identifier {
	// A table of places in kept, counted from one, at least half of it empty: each
	// entry is looked for from the place on that its hash names.
	places := make([]uint16, 1<<bits.Len(uint(2*len(l.objects))))
	seed := maphash.MakeSeed()
	kept := make([]identifier, 0, len(l.objects))
	for i := range l.objects {
		o := &l.objects[i]
		at := maphash.String(seed, o.key) ^ bits.RotateLeft64(maphash.String(seed, o.versionID), 1)
		for at %= uint64(len(places)); places[at] != 0 && !kept[places[at]-1].repeats(o); {
			at = (at + 1) % uint64(len(places))
		}
		if places[at] == 0 {
			kept = append(kept, *o)
			places[at] = uint16(len(kept))
		}
	}
	return kept
}

// repeats reports whether o and p name the same.
func (o *identifier) repeats(p *identifier) bool {
	return o.versionID == p.versionID && o.key == p.key && o.versioned == p.versioned
}

// parseDelete reads the body of a DeleteObjects (spec VD5-4, VD5-5, VD5-30).
// Nothing in it is passed over, for it might say what is not to be deleted.
func parseDelete(data []byte) (*deleteList, error) {
	r, err := openXML(data, "Delete")
	if err != nil {
		return nil, refuse("MalformedXML")
	}
	list := &deleteList{objects: make([]identifier, 0, min(len(data)/usualIdentifier, maxDeleted))}
	quiet := false
	for {
		name, ok, err := r.child()
		if err == nil && !ok {
			err = r.finish()
		}
		if err != nil || !ok && len(list.objects) == 0 {
			return nil, refuse("MalformedXML")
		}
		if !ok {
			return list, nil
		}
		switch {
		case name == "Object" && len(list.objects) < maxDeleted:
			err = list.readObject(r)
		case name == "Quiet" && !quiet:
			quiet = true
			list.quiet, err = readBoolean(r)
		default:
			err = refuse("MalformedXML")
		}
		if err != nil {
			return nil, err
		}
	}
}

// readBoolean reads an element that holds true or false.
func readBoolean(r *xmlReader) (bool, error) {
	switch text, err := r.text(); {
	case err == nil && text == "true":
		return true, nil
	case err == nil && text == "false":
		return false, nil
	}
	return false, refuse("MalformedXML")
}

// readObject reads an Object element.
func (l *deleteList) readObject(r *xmlReader) error {
	var o identifier
	for {
		name, ok, err := r.child()
		switch {
		case err != nil, !ok && o.key == "":
			return refuse("MalformedXML")
		case !ok:
			l.objects = append(l.objects, o)
			return nil
		case name == "LastModifiedTime" || name == "Size":
			return notImplemented(name, "")
		}
		text, err := r.text()
		if err != nil || !o.take(name, text) {
			return refuse("MalformedXML")
		}
	}
}

// take keeps the value of a child element. It refuses unknown and repeated ones.
func (o *identifier) take(name, text string) bool {
	switch {
	case name == "Key" && o.key == "":
		o.key = text
	case name == "VersionId" && !o.versioned:
		o.versionID, o.versioned = text, true
	case name == "ETag" && !o.condition:
		o.etag, o.condition = text, true
	default:
		return false
	}
	return true
}

// deleteObjects deletes what it may and reports on each entry, in the order of the
// request.
func (x *exchange) deleteObjects(list *deleteList) error {
	objects := list.distinct()
	results := make([]store.DeleteResult, len(objects))
	requests := make([]store.DeleteRequest, 0, len(objects))
	index := make([]int, 0, len(objects))
	made, owner := x.maker(), x.objectOwner()
	for i := range objects {
		r, err := x.deleteRequest(&objects[i])
		if err != nil {
			results[i].Err = err
			continue
		}
		r.Made, r.Owner = made, owner
		requests = append(requests, r)
		index = append(index, i)
	}
	if len(requests) > 0 {
		done, err := x.h.store.DeleteObjects(x.Context(), x.bucket, requests)
		if err != nil {
			return err
		}
		for n, result := range done {
			result.Err = x.conceal(conflicting(result.Err, requests[n].Condition, true, requests[n].Key), &x.found)
			results[index[n]] = result
		}
	}
	d := x.beginDocument(http.StatusOK, "DeleteResult", false)
	for i := range objects {
		x.report(d, &objects[i], &results[i], list.quiet)
	}
	return d.end("DeleteResult")
}

// deleteRequest turns an entry into what the store is asked, if it is well-formed and the
// caller may (spec AP3.1-7, AP3.1-8).
func (x *exchange) deleteRequest(o *identifier) (store.DeleteRequest, error) {
	r := store.DeleteRequest{Key: o.key, MFA: x.token}
	var err error
	if o.versioned {
		if r.ID, err = x.h.store.ParseVersionID(o.versionID); err != nil {
			return store.DeleteRequest{}, refuse("NoSuchVersion") // spec VD5-17
		}
	}
	if o.condition && o.etag == "" {
		return store.DeleteRequest{}, invalidArgument("", "ETag", "")
	}
	if r.Condition, err = versioning.DeleteCondition(o.etag, r.ID); err != nil {
		return store.DeleteRequest{}, err
	}
	if r.Authorize, err = x.authorizeEntry(o); err != nil {
		return store.DeleteRequest{}, err
	}
	if o.versioned && x.bypasses() {
		r.BypassGovernance, err = x.bypass(x.asksEntry(o))
		r.MayBypass = x.mayBypass(x.asksEntry(o))
	}
	return r, err
}

// authorizeEntry asks whether the caller may delete what an entry names (spec AP1-10).
// It returns what the store asks, if that depends on the object.
func (x *exchange) authorizeEntry(o *identifier) (store.Authorize, error) {
	if x.deferred {
		return func(facts store.ObjectFacts) error { return x.askEntry(o, &facts) }, nil
	}
	if err := x.askEntry(o, nil); err != nil || !x.restsOnState {
		return nil, err // as nearly always: a guard for each entry would cost memory
	}
	return x.guardState(func(facts *store.ObjectFacts) error { return x.askEntry(o, facts) }), nil
}

// asksEntry returns the question whether the caller may delete what an entry names.
func (x *exchange) asksEntry(o *identifier) question {
	q := question{x: x, action: deleteObject, bucket: &x.found, key: o.key, etag: o.etag}
	q.named = versionName{o.versionID, o.versioned}
	if o.versioned {
		q.action = deleteVersion
	}
	return q
}

// askEntry asks for the actions that an entry takes, as a DeleteObject would (spec
// AP1-7, AP1-8, AP1-31).
func (x *exchange) askEntry(o *identifier, facts *store.ObjectFacts) error {
	q := x.asksEntry(o)
	q.facts = facts
	if err := x.ask(&q); err != nil {
		return err
	}
	if o.condition && o.etag != "*" {
		reads := q
		reads.action = getObject
		if err := x.ask(&reads); err != nil {
			return err
		}
	}
	return x.askOtherDelete(&q)
}

// report writes the result of one entry (spec VD5-10 to VD5-24).
func (x *exchange) report(d *document, o *identifier, result *store.DeleteResult, quiet bool) {
	if result.Err != nil {
		x.reportError(d, o, result.Err)
		return
	}
	if quiet {
		return
	}
	d.open("Deleted")
	d.text("Key", o.key)
	if o.versioned {
		d.text("VersionId", o.versionID)
	}
	if result.DeleteMarker {
		d.flag("DeleteMarker", true)
		d.text("DeleteMarkerVersionId", result.VersionHeader)
	}
	d.close("Deleted")
}

func (x *exchange) reportError(d *document, o *identifier, err error) {
	at := x.place()
	at.key, at.versionID = o.key, o.versionID
	f := translate(err, at)
	if f.code == "InternalError" {
		x.logFailure(err)
	}
	d.open("Error")
	d.text("Key", o.key)
	if o.versioned {
		d.text("VersionId", o.versionID)
	}
	d.text("Code", string(f.code))
	d.text("Message", f.text())
	d.close("Error")
}
