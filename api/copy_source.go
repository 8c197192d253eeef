package api

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
)

// copySourceHeader names what a copy reads, in canonical form.
const copySourceHeader = "X-Amz-Copy-Source"

// copySource is the source that a copy names.
type copySource struct {
	bucket, key string
	version     string // as sent
	versioned   bool   // a version is named, perhaps by an empty id
}

// judgedSource is the source of a copy as policy sees it.
type judgedSource struct {
	copySource
	found    store.Bucket
	side     *policy.Resource // nil until policy was asked
	deferred bool             // the store asks whether it may be read
	tagged   bool             // its tags are copied too
}

// parseCopySource reads x-amz-copy-source: bucket/key, escaped like a query, with
// or without a slash in front, which may be escaped too, and perhaps ?versionId=. Any
// other question mark belongs to the key.
func parseCopySource(value string) (copySource, error) {
	var s copySource
	path := value
	const version = "?versionId"
	if i := strings.LastIndex(path, version); i >= 0 {
		rest := path[i+len(version):]
		if rest == "" || rest[0] == '=' {
			path, s.versioned, s.version = path[:i], true, strings.TrimPrefix(rest, "=")
		}
	}
	path, pathErr := url.QueryUnescape(path)
	id, idErr := url.QueryUnescape(s.version)
	if pathErr != nil || idErr != nil || !utf8.ValidString(path) || strings.IndexByte(path, 0) >= 0 {
		return s, invalidSource("Invalid copy source encoding.", value)
	}
	s.version = id
	s.bucket, s.key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !validBucketName(s.bucket) {
		return s, invalidSource("Invalid copy source bucket name", value)
	}
	if s.key == "" || len(s.key) > store.MaxKeyBytes {
		return s, invalidSource("Invalid copy source object key", value)
	}
	return s, nil
}

func invalidSource(message, value string) error {
	return invalidArgument(message, "x-amz-copy-source", value)
}

// readCopySource finds out what a copy reads, and checks of its bucket what is
// checked of that of the copy: that it is there, and whose it is (spec AP3.1-4,
// AP3.1-5, AP3.1-6, AP4-2). A version id that this server did not make is refused with
// malformed (spec VD4-20).
func (x *exchange) readCopySource(malformed error) (copySource, store.CopySource, error) {
	s, err := parseCopySource(x.header(copySourceHeader))
	if err != nil {
		return s, store.CopySource{}, err
	}
	read := store.CopySource{Bucket: s.bucket, Key: s.key, Length: -1}
	found, err := x.h.store.Bucket(x.Context(), s.bucket)
	if err != nil {
		return s, read, x.blameSource(&s, err)
	}
	x.source = &judgedSource{copySource: s, found: found}
	read.Authorize = x.guardSource
	if err := x.checkOwner("X-Amz-Source-Expected-Bucket-Owner", found.Owner.Account); err != nil {
		return s, read, err
	}
	if err := x.checkPayerOf(&found); err != nil {
		return s, read, err
	}
	if x.sent("X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm") ||
		x.sent("X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key") {
		return s, read, refuseWith("InvalidRequest", "The encryption parameters are not applicable to this object.")
	}
	if !s.versioned {
		return s, read, nil
	}
	if s.version == "" {
		return s, read, invalidArgument("Version id cannot be the empty string", "versionId", "")
	}
	if read.ID, err = x.h.store.ParseVersionID(s.version); err != nil {
		return s, read, malformed
	}
	return s, read, nil
}

// blameSource returns the error of a copy: one about the source names the source,
// and its version.
func (x *exchange) blameSource(s *copySource, err error) error {
	var about *store.Error
	if !errors.As(err, &about) || about.Bucket != s.bucket || about.Key != s.key && about.Key != "" {
		return err
	}
	if x.source != nil {
		err = x.conceal(err, &x.source.found)
	}
	at := x.place()
	at.key, at.versionID = s.key, s.version
	f := translate(err, at)
	for _, name := range codes[f.code].elements {
		if value, ok := s.element(name); ok && !f.says(name) {
			f.elements = append(f.elements, pair{name, value})
		}
	}
	return f
}

// element returns what the source says for an element of an error document.
func (s *copySource) element(name string) (value string, ok bool) {
	switch name {
	case "BucketName":
		return s.bucket, true
	case "Key":
		return s.key, true
	case "VersionId":
		return s.version, true
	}
	return "", false
}
