package api

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// notEmpty returns the answer of a DeleteBucket that was refused because of what is in
// the bucket (spec VD9-2, VD9-3). Whoever may list the versions is told how much of what
// there is, and the key of one of each: what is in the way is seldom what listings show.
// Any other error is returned as it is.
func (x *exchange) notEmpty(err error) error {
	if !errors.Is(err, store.ErrBucketNotEmpty) {
		return err
	}
	f := &failure{code: "BucketNotEmpty", cause: err}
	if x.found.Versioning != versioning.Unversioned {
		f.message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
	}
	if d, err := x.evaluate(&question{x: x, action: listVersions, bucket: &x.found}); err != nil || !d.Allowed {
		return f
	}
	left, err := x.h.store.Remains(x.Context(), x.bucket)
	if err != nil {
		f.cause = errors.Join(f.cause, err) // the refusal stands without figures
		return f
	}
	f.elements = remainsElements(&left)
	return f
}

// remainsElements are the elements that say what is left in a bucket.
func remainsElements(left *store.Remains) []pair {
	var counts, samples []pair
	for _, kind := range []struct {
		count  string
		n      int64
		sample string
		key    string
	}{
		{"CurrentObjectCount", left.Objects, "SampleCurrentObject", left.SampleObject},
		{"NoncurrentVersionCount", left.Noncurrent, "SampleNoncurrentVersion", left.SampleNoncurrent},
		{"DeleteMarkerCount", left.DeleteMarkers, "SampleDeleteMarker", left.SampleMarker},
		{"MultipartUploadCount", left.Uploads, "SampleMultipartUpload", left.SampleUpload},
		{"LockedVersionCount", left.Locked, "SampleLockedVersion", left.SampleLocked},
	} {
		counts = append(counts, pair{kind.count, strconv.FormatInt(kind.n, 10)})
		if kind.key != "" && !strings.ContainsFunc(kind.key, outsideXML) {
			samples = append(samples, pair{kind.sample, kind.key})
		}
	}
	return append(counts, samples...)
}

// outsideXML reports whether a character cannot stand in XML 1.0, not even as a
// reference. Clients of S3 expect such in listings, but not in an error, which they
// would fail to read.
func outsideXML(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == utf8.RuneError || c == '\uFFFE' || c == '\uFFFF'
}
