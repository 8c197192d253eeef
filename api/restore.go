package api

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/seed61737384/tombstone/versioning"
)

// isArchived reports whether Amazon has to restore an object of a storage class before it
// can be read. Here it is read at once: nothing is moved anywhere.
func isArchived(storageClass string) bool {
	return storageClass == "GLACIER" || storageClass == "DEEP_ARCHIVE"
}

// restoredForGood is what GET and HEAD say in x-amz-restore of an object whose storage
// class is an archive's: a copy can be read, and no date ends that. A client that waits for
// it need not wait.
const restoredForGood = `ongoing-request="false"`

// retrievalTiers are the speeds that a restore can be asked for.
var retrievalTiers = []string{"Standard", "Bulk", "Expedited"}

// restoreWanted is what the document of a RestoreObject asks for.
type restoreWanted struct {
	days int // zero if it says none
}

// prepareRestoreObject reads a RestoreObject. What it may ask for beyond the object's being
// readable is not implemented.
func prepareRestoreObject(x *exchange) (task, error) {
	data, err := x.readDocument(maxConfigDocument)
	if err != nil {
		return task{}, err
	}
	var w restoreWanted
	if len(data) > 0 { // none is an error only where there is something to restore
		err = readChildren(data, "RestoreRequest", w.take)
	}
	if err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.restoreObject(w) }}, nil
}

// restoreObject refuses what is in no archive (spec WI2.2-23), and answers for the rest
// what S3 does where an object was restored before.
func (x *exchange) restoreObject(w restoreWanted) error {
	o, err := x.h.store.Head(x.Context(), x.readRequest(versioning.HeadObject))
	if err != nil {
		return err
	}
	if !isArchived(o.StorageClass) {
		class := o.StorageClass
		if class == "" {
			class = "STANDARD"
		}
		return refuse("InvalidObjectState", "StorageClass", class)
	}
	if w.days == 0 {
		return refuse("MalformedXML")
	}
	x.WriteHeader(http.StatusOK)
	return nil
}

// take reads a child of a RestoreRequest.
func (w *restoreWanted) take(r *xmlReader, name string) error {
	switch name {
	case "Days":
		return w.takeDays(r)
	case "Tier":
		return takeTier(r)
	case "GlacierJobParameters":
		return r.each(func(name string) error {
			if name != "Tier" {
				return errXML
			}
			return takeTier(r)
		})
	case "Description":
		_, err := r.text()
		return err
	case "Type", "SelectParameters", "OutputLocation":
		return refuseWith("NotImplemented", "The element "+name+" of RestoreRequest is not implemented.")
	}
	return errXML
}

// takeDays reads for how many days the object is to be readable, one at least. It is
// readable for longer.
func (w *restoreWanted) takeDays(r *xmlReader) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	if w.days, err = strconv.Atoi(text); err != nil || w.days < 1 {
		return errXML
	}
	return nil
}

func takeTier(r *xmlReader) error {
	tier, err := r.text()
	if err == nil && !slices.Contains(retrievalTiers, tier) {
		err = errXML
	}
	return err
}
