package api

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

var _ policy.Values = (*question)(nil)

// conditionKeys are the keys that conditions can look at, in lower case, and where their
// values come from (spec AP2-3 to AP2-14). One whose value is empty is absent; those
// that can be there and empty say so themselves. Keys of headers and tags stand below,
// those about the caller and the owner of the bucket in package policy. Nobody here has
// temporary credentials: aws:MultiFactorAuthPresent and -Age are absent (spec AP2-13).
var conditionKeys = map[string]func(*question) string{
	"aws:currenttime":     func(q *question) string { return q.x.started.UTC().Format(time.RFC3339) },
	"aws:epochtime":       func(q *question) string { return strconv.FormatInt(q.x.started.Unix(), 10) },
	"aws:requestedregion": func(q *question) string { return q.x.h.region },
	"aws:referer":         func(q *question) string { return q.x.header("Referer") },
	"aws:securetransport": func(q *question) string { return strconv.FormatBool(q.x.origin.secure) },
	"aws:sourceip":        func(q *question) string { return q.x.remote() },
	"aws:useragent":       func(q *question) string { return q.x.header("User-Agent") },

	"s3:authtype":                             func(q *question) string { return q.x.session.Placement.String() },
	"s3:signatureage":                         (*question).signatureAge,
	"s3:signatureversion":                     func(q *question) string { return q.x.session.Algorithm },
	"s3:tlsversion":                           (*question).tlsVersion,
	"s3:x-amz-content-sha256":                 func(q *question) string { return q.x.session.PayloadValue() },
	"s3:x-amz-copy-source":                    (*question).copySource,
	"s3:object-lock-mode":                     func(q *question) string { return q.lock().Mode.String() },
	"s3:object-lock-retain-until-date":        (*question).retainUntil,
	"s3:object-lock-remaining-retention-days": (*question).retentionDays,
	"s3:object-lock-legal-hold":               func(q *question) string { return q.lock().Hold.String() },
	"s3:objectcreationoperation":              (*question).creates,

	"tombstone:versioning": (*question).versioning,
}

// listingKeys are the keys that are parameters of a listing (spec AP2-4).
var listingKeys = map[string]string{"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys"}

// The beginnings of the keys that go on with the key of a tag (spec AP2-5, AP2-6).
const (
	existingTagKey = "s3:existingobjecttag/"
	requestTagKey  = "s3:requestobjecttag/"
)

// Lookup returns the values of a condition key, which is in lower case.
func (q *question) Lookup(key string) (values []string, ok bool) {
	if from, known := conditionKeys[key]; known {
		value := from(q)
		return one(value, value != "")
	}
	if parameter, known := listingKeys[key]; known {
		return one(q.listing(parameter))
	}
	switch {
	case key == "s3:versionid":
		return one(q.named.text, q.named.sent)
	case key == "s3:if-match" && q.etag != "":
		return one(q.etag, true)
	case key == "s3:if-match", key == "s3:if-none-match", strings.HasPrefix(key, "s3:x-amz-"):
		values = q.x.r.Header[http.CanonicalHeaderKey(key[len("s3:"):])]
		return values, len(values) > 0
	case key == "s3:requestobjecttagkeys":
		for _, t := range q.requestTags() {
			values = append(values, t.Key)
		}
		return values, len(values) > 0
	case strings.HasPrefix(key, requestTagKey):
		return tagged(q.requestTags(), key[len(requestTagKey):])
	case strings.HasPrefix(key, existingTagKey) && q.facts != nil:
		return tagged(q.facts.Tags, key[len(existingTagKey):])
	}
	return nil, false
}

// one returns the one value of a key that is there.
func one(value string, ok bool) ([]string, bool) {
	if !ok {
		return nil, false
	}
	return []string{value}, true
}

// tagged returns the values of the tags that have a key, whatever its case: so IAM
// compares the names of condition keys.
func tagged(tags []store.Tag, key string) (values []string, ok bool) {
	for _, t := range tags {
		if strings.EqualFold(t.Key, key) {
			values = append(values, t.Value)
		}
	}
	return values, len(values) > 0
}

// listing returns a parameter of the listing that is asked for. It says nothing of
// another action that the same query may be looked at for.
func (q *question) listing(parameter string) (value string, sent bool) {
	if q.prefix != "" && parameter == "prefix" {
		return q.prefix, true
	}
	if q.x.op == nil || q.x.level != bucket || q.action != q.x.op.action {
		return "", false
	}
	return q.x.query.lookup(parameter)
}

// requestTags returns the tags that the request gives the object: those of its document,
// of its form or of its header, which were found good before.
func (q *question) requestTags() []store.Tag {
	var tags []store.Tag
	switch x := q.x; {
	case x.task != nil && x.task.tags != nil:
		return x.task.tags
	case x.op == nil || !slices.Contains(makers, x.op.name):
		return nil
	case x.form != nil:
		tags, _ = x.form.tags(x.r.Header)
	default:
		tags, _ = requestTags(x.r.Header)
	}
	return tags
}

// lock returns the lock that the request sets, by its document or by its headers, which
// were found good before.
func (q *question) lock() versioning.Lock {
	switch x := q.x; {
	case x.task != nil && !x.task.lock.IsZero():
		return x.task.lock
	case x.op != nil && slices.Contains(makers, x.op.name):
		l, _ := parseLock(x.r.Header, time.Time{})
		return l
	}
	return versioning.Lock{}
}

func (q *question) retainUntil() string {
	l := q.lock()
	if l.Mode == versioning.NoRetention {
		return ""
	}
	return formatRetainUntil(l.Until)
}

// retentionDays returns for how many days the request locks, by the time that locks go
// by: a day that has begun is one, so that who asks for ten of them asks for ten however
// long the request took.
func (q *question) retentionDays() string {
	l := q.lock()
	if l.Mode == versioning.NoRetention {
		return ""
	}
	const day = 24 * time.Hour
	return strconv.FormatInt(int64((l.Until.Sub(q.x.h.store.LockTime())+day-1)/day), 10)
}

// signatureAge returns for how many milliseconds a presigned query has been good.
func (q *question) signatureAge() string {
	signed := q.x.session.SignedAt
	if signed.IsZero() {
		return ""
	}
	return strconv.FormatInt(q.x.started.Sub(signed).Milliseconds(), 10)
}

// tlsVersions are the versions as policies write them.
var tlsVersions = map[uint16]string{
	tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1", tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3",
}

// tlsVersion returns the version of the client's connection, empty if it has none or a
// proxy has it.
func (q *question) tlsVersion() string {
	if q.x.origin.proxied || q.x.r.TLS == nil {
		return ""
	}
	return tlsVersions[q.x.r.TLS.Version]
}

// copySource returns what is copied, in the one form that it can be compared in: bucket
// and key decoded, the version as it was sent.
func (q *question) copySource() string {
	s, err := parseCopySource(q.x.header(copySourceHeader))
	if err != nil || !q.x.sent(copySourceHeader) {
		return ""
	}
	name := "/" + s.bucket + "/" + s.key
	if s.versioned {
		name += "?versionId=" + s.version
	}
	return name
}

// creates says of requests that store something whether they make an object, as
// opposed to a part of one or the beginning of an upload.
func (q *question) creates() string {
	if q.x.op == nil || q.action != "s3:PutObject" {
		return ""
	}
	switch q.x.op.name {
	case "PutObject", "PostObject", "CopyObject", "CompleteMultipartUpload":
		return "true"
	}
	return "false"
}

// versioning returns the state of the bucket, for policies that forbid what destroys
// where versions are not kept.
func (q *question) versioning() string {
	if q.bucket == nil {
		return ""
	}
	state := q.bucket.Versioning
	if q.facts != nil {
		state = q.facts.Versioning
	}
	if state == versioning.Unversioned {
		return "Unversioned"
	}
	return state.String()
}
