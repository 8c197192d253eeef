package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// maxCompleteDocument is how much of the body of a CompleteMultipartUpload is read,
// bytes: 10,000 parts with their checksums, twice over.
const maxCompleteDocument = 4 << 20

// parseComplete reads the body of a CompleteMultipartUpload (spec WI5-2). Nothing in
// it is passed over. The order of the parts is the store's to judge, which knows
// them.
func parseComplete(data []byte) ([]store.CompletedPart, error) {
	if len(data) == 0 {
		return nil, refuseWith("InvalidRequest", "You must specify at least one part")
	}
	r, err := openXML(data, "CompleteMultipartUpload")
	if err != nil {
		return nil, refuse("MalformedXML")
	}
	var parts []store.CompletedPart
	for {
		name, ok, err := r.child()
		if err == nil && !ok {
			err = r.finish()
		}
		switch {
		case err != nil, !ok && len(parts) == 0:
			return nil, refuse("MalformedXML")
		case !ok:
			return parts, nil
		case name != "Part" || len(parts) == store.MaxPartNumber:
			return nil, refuse("MalformedXML")
		}
		part, err := readPart(r)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
}

// readPart reads a Part element.
func readPart(r *xmlReader) (store.CompletedPart, error) {
	var children []pair
	for {
		name, ok, err := r.child()
		if err == nil && !ok {
			return completedPart(children)
		}
		if err != nil {
			return store.CompletedPart{}, refuse("MalformedXML")
		}
		text, err := r.text()
		if err != nil || len(children) == maxDepth {
			return store.CompletedPart{}, refuse("MalformedXML")
		}
		children = append(children, pair{name, strings.TrimSpace(text)})
	}
}

// completedPart makes a part of the children of its element: one PartNumber, one
// ETag and at most one checksum.
func completedPart(children []pair) (store.CompletedPart, error) {
	var p store.CompletedPart
	var sums []pair
	tagged := false
	for _, c := range children {
		algorithm, isSum := strings.CutPrefix(c.name, "Checksum")
		switch {
		case c.name == "PartNumber" && p.Number == 0:
			var err error
			if p.Number, err = parseCompletedNumber(c.value); err != nil {
				return p, err
			}
		case c.name == "ETag" && !tagged:
			p.ETag, tagged = versioning.TrimETag(c.value), true
		case isSum:
			sums = append(sums, pair{algorithm, c.value})
		default:
			return p, refuse("MalformedXML")
		}
	}
	if p.Number == 0 || !tagged {
		return p, refuse("MalformedXML")
	}
	var err error
	p.Checksums, err = completedChecksums(sums)
	return p, err
}

// parseCompletedNumber reads the number of a part that is listed. One beyond the
// last that can be is one that is not there.
func parseCompletedNumber(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, refuse("MalformedXML")
	}
	if n < 1 {
		return 0, invalidArgument("PartNumber must be >= 1", "PartNumber", text)
	}
	return int(n), nil
}

// completedChecksums reads the checksum of a part, given as the name of its
// algorithm and its value.
func completedChecksums(sums []pair) ([]checksum.Value, error) {
	if len(sums) == 0 {
		return nil, nil
	}
	if newer := slices.IndexFunc(sums, func(s pair) bool { return newerChecksums[strings.ToLower(s.name)] }); newer >= 0 {
		return nil, notImplemented("Checksum"+sums[newer].name, "")
	}
	sent := ""
	for _, s := range sums {
		if !slices.Contains(algorithmNames(), s.name) {
			return nil, refuse("MalformedXML")
		}
		sent += s.name + ":" + s.value + ";"
	}
	algorithm, _ := checksum.Parse(sums[0].name)
	value, err := checksum.ParseValue(algorithm, sums[0].value)
	if err != nil || len(sums) > 1 {
		return nil, invalidArgument("Invalid Base64 or multiple checksums present in request", "Checksum", sent)
	}
	return []checksum.Value{value}, nil
}
