package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// copyRangeHeader says which bytes of its source a part is made of, in canonical
// form.
const copyRangeHeader = "X-Amz-Copy-Source-Range"

// partSource is what the bytes of a part are copied from.
type partSource struct {
	copySource
	conditions readConditions
	byteRange  string // as sent, empty for the whole
}

// prepareUploadPartCopy reads an UploadPartCopy.
func prepareUploadPartCopy(x *exchange) (task, error) {
	name, number, err := x.part()
	if err != nil {
		return task{}, err
	}
	if err := x.checkPartHeaders(); err != nil {
		return task{}, err
	}
	from := &partSource{byteRange: x.header(copyRangeHeader)}
	r := store.PartCopyRequest{Upload: name, Number: number, Made: x.maker()}
	if from.copySource, r.Source, err = x.readCopySource(&versioning.Refusal{Reason: versioning.MalformedVersionID}); err != nil {
		at := x.place()
		at.versionID = from.version // of the source; CopyObject answers it otherwise (spec VD4-20)
		return task{}, translate(err, at)
	}
	if from.conditions, err = parseSourceConditions(x.r.Header, x.h.store.ObjectTime()); err != nil {
		return task{}, err
	}
	if x.sent(copyRangeHeader) {
		if r.Source.Offset, r.Source.Length, err = parseCopyRange(from.byteRange); err != nil {
			return task{}, err
		}
	}
	r.Check = func(source store.Object) error { return from.check(&source, &r.Source) }
	return task{run: func() error { return x.uploadPartCopy(&r, from) }}, nil
}

// parseCopyRange reads x-amz-copy-source-range, which names both ends.
func parseCopyRange(value string) (offset, length int64, err error) {
	malformed := invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where "+
		"first and last are the zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", value)
	ends, ok := strings.CutPrefix(value, "bytes=")
	from, to, both := strings.Cut(ends, "-")
	first, firstErr := strconv.ParseUint(from, 10, 62)
	last, lastErr := strconv.ParseUint(to, 10, 62)
	if !ok || !both || firstErr != nil || lastErr != nil || first > last {
		return 0, 0, malformed
	}
	return int64(first), int64(last-first) + 1, nil
}

// check judges the source that was found, and whether it has the bytes that are asked
// for.
func (p *partSource) check(source *store.Object, read *store.CopySource) error {
	if err := p.conditions.checkSource(source); err != nil {
		return err
	}
	length := source.Size
	if p.byteRange != "" {
		if length = read.Length; read.Offset+length > source.Size {
			return invalidArgument("Range specified is not valid for source object of size: "+strconv.FormatInt(source.Size, 10),
				"x-amz-copy-source-range", p.byteRange)
		}
	}
	if length > store.MaxPartBytes { // spec WI3-2
		return refuseWith("InvalidRequest", "The specified copy source is larger than the maximum allowable size "+
			"for a copy source: "+strconv.FormatInt(store.MaxPartBytes, 10))
	}
	return nil
}

func (x *exchange) uploadPartCopy(r *store.PartCopyRequest, from *partSource) error {
	u, err := x.h.store.Upload(x.Context(), r.Upload)
	if err != nil {
		return err
	}
	part, err := x.h.store.CopyPart(x.Context(), *r)
	if err != nil {
		return x.blameSource(&from.copySource, err)
	}
	x.setNonEmpty("x-amz-copy-source-version-id", part.SourceVersionHeader)
	x.set("x-amz-server-side-encryption", "AES256")
	d := x.beginDocument(http.StatusOK, "CopyPartResult", false)
	d.date("LastModified", part.LastModified)
	d.etag("ETag", part.ETag)
	d.partChecksum(&part.Part, u.Algorithm)
	return d.end("CopyPartResult")
}
