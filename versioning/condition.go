package versioning

import "strings"

// The headers that conditions come from, as errors name them.
const (
	ifMatch     = "If-Match"
	ifNoneMatch = "If-None-Match"
)

type conditionKind uint8

const (
	unconditional conditionKind = iota
	mustBeAbsent                // If-None-Match: *
	mustExist                   // If-Match: *
	mustEqual                   // If-Match: <etag>
)

// Condition is what a write or delete demands of the key's current entry. The
// zero Condition demands nothing.
type Condition struct {
	kind conditionKind
	etag string
}

// IsZero reports whether c demands nothing.
func (c Condition) IsZero() bool { return c.kind == unconditional }

// WriteCondition reads the condition headers of a write, empty if not sent (spec
// VD7). What S3 does not implement is refused with NotImplemented.
func WriteCondition(match, noneMatch string) (Condition, error) {
	switch {
	case match != "" && noneMatch != "":
		return Condition{}, &Refusal{Reason: NotImplemented, Condition: ifMatch + "," + ifNoneMatch, Several: true}
	case noneMatch == "*":
		return Condition{kind: mustBeAbsent}, nil
	case noneMatch != "":
		return Condition{}, &Refusal{Reason: NotImplemented, Condition: ifNoneMatch}
	case match == "*":
		return Condition{}, &Refusal{Reason: NotImplemented, Condition: ifMatch}
	}
	return matching(match), nil
}

// DeleteCondition reads the If-Match of a delete, or the ETag of an entry of
// DeleteObjects, empty if not sent, for a request that names id (spec VD6). A
// condition on a named version is refused with NotImplemented.
func DeleteCondition(match string, id ID) (Condition, error) {
	switch {
	case match == "":
		return Condition{}, nil
	case !id.IsZero():
		return Condition{}, &Refusal{Reason: NotImplemented, Condition: ifMatch}
	case match == "*":
		return Condition{kind: mustExist}, nil
	}
	return matching(match), nil
}

func matching(etag string) Condition {
	if etag == "" {
		return Condition{}
	}
	return Condition{kind: mustEqual, etag: TrimETag(etag)}
}

// TrimETag removes the double quotes around an ETag, if there are any: both
// forms are accepted wherever S3 takes one (spec VD6).
func TrimETag(etag string) string {
	if len(etag) >= 2 && strings.HasPrefix(etag, `"`) && strings.HasSuffix(etag, `"`) {
		return etag[1 : len(etag)-1]
	}
	return etag
}

// check holds c against the current entry; a delete marker counts as no object.
func (c Condition) check(current *Version) error {
	exists := current != nil && !current.DeleteMarker
	switch c.kind {
	case mustBeAbsent:
		if exists {
			return &Refusal{Reason: PreconditionFailed, Condition: ifNoneMatch}
		}
	case mustExist:
		if !exists {
			return &Refusal{Reason: NoSuchKey}
		}
	case mustEqual:
		if !exists {
			return &Refusal{Reason: NoSuchKey}
		}
		if current.ETag != c.etag {
			return &Refusal{Reason: PreconditionFailed, Condition: ifMatch}
		}
	}
	return nil
}

// since refuses a condition that holds of the current entry, but only because the
// key was changed since start (spec VD7-10, VD7-12, VD7-13): what the client knew
// when it began its upload is not so any more. Nil means that there was no upload.
func (c Condition) since(start *Start, current *Version) error {
	if start == nil {
		return nil
	}
	switch c.kind {
	case mustBeAbsent:
		if start.Object {
			return &Refusal{Reason: ConditionalConflict, Condition: ifNoneMatch}
		}
	case mustEqual:
		if current.Order != start.Order {
			return &Refusal{Reason: ConditionalConflict, Condition: ifMatch}
		}
	}
	return nil
}
