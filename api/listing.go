package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/store"
)

// maxListed is the most entries a page has, and how many by default (spec LS1-3).
const maxListed = 1000

// listParameters are the parameters that all listings of a bucket share.
type listParameters struct {
	prefix, delimiter string
	delimiterSent     bool
	maxKeys           int
	urlEncoded        bool // encoding-type=url
}

// parseListParameters reads them (spec LS1-2 to LS1-4, LS1-11 to LS1-13).
func parseListParameters(q query) (listParameters, error) {
	p := listParameters{prefix: q.value("prefix"), delimiter: q.value("delimiter"), maxKeys: maxListed}
	p.delimiterSent = p.delimiter != ""
	if encoding, sent := q.lookup("encoding-type"); sent {
		if encoding != "url" {
			return p, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
		}
		p.urlEncoded = true
	}
	if text, sent := q.lookup("max-keys"); sent {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return p, invalidArgument("Provided max-keys not an integer or within integer range", "max-keys", text)
		}
		if n < 0 {
			return p, invalidArgument("Argument max-keys must be an integer between 0 and 2147483647", "max-keys", text)
		}
		p.maxKeys = min(int(n), maxListed)
	}
	return p, nil
}

// listing writes a listing of a bucket.
type listing struct {
	*document
	listParameters
}

// name writes an element that holds a key or a part of one, encoded as asked for.
func (l *listing) name(element, value string) {
	if !l.urlEncoded {
		l.text(element, value)
		return
	}
	l.open(element)
	if value != "" {
		l.finishTag()
		l.buf = appendURLEncoded(l.buf, value) // has nothing to escape
	}
	l.close(element)
}

// echo writes the parameters that follow the markers in every listing.
func (l *listing) echo(truncated bool) {
	l.number("MaxKeys", int64(l.maxKeys))
	if l.delimiterSent {
		l.name("Delimiter", l.delimiter)
	}
	if l.urlEncoded {
		l.text("EncodingType", "url")
	}
	l.flag("IsTruncated", truncated)
}

// commonPrefixes writes what was rolled up.
func (l *listing) commonPrefixes(prefixes []string) {
	for _, p := range prefixes {
		l.open("CommonPrefixes")
		l.name("Prefix", p)
		l.close("CommonPrefixes")
	}
}

// content writes what is shown of an object version after its key and, in a
// listing of versions, its id (spec LS1-9).
func (l *listing) content(o *store.Object, owner bool) {
	l.date("LastModified", o.LastModified)
	l.etag("ETag", o.ETag)
	for _, sum := range o.Checksums {
		l.text("ChecksumAlgorithm", sum.Algorithm.String())
	}
	if covered := o.ChecksumType.String(); covered != "" && len(o.Checksums) > 0 {
		l.text("ChecksumType", covered)
	}
	l.number("Size", o.Size)
	if owner {
		l.owner(o.Owner)
	}
	l.storageClass(o.StorageClass)
}

// disown gives listed entries to the owner of the bucket where everything is theirs,
// whoever wrote it (spec AP3-8).
func (x *exchange) disown(entries []store.Object) error {
	setting, err := x.ownership(x.bucket)
	if err == nil && setting == bucketOwnerEnforced {
		for i := range entries {
			entries[i].Owner = x.found.Owner
		}
	}
	return err
}

// owner writes an account as the owner of something.
func (d *document) owner(o store.Owner) { d.account("Owner", o) }

// tokens are continuation tokens: opaque to clients, they hold where the last page
// ended and a check that tells them from what was made up (spec LS4-5).
var tokenEncoding = base64.RawURLEncoding.Strict()

// formatToken returns the token that goes on behind last.
func formatToken(last string) string {
	raw := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(last)))
	return tokenEncoding.EncodeToString(append(raw, last...))
}

// parseToken returns the place that a token goes on behind.
func parseToken(token string) (last string, ok bool) {
	raw, err := tokenEncoding.DecodeString(token)
	if err != nil || len(raw) <= 4 || !utf8.Valid(raw[4:]) {
		return "", false
	}
	last = string(raw[4:])
	// The decoder skips line ends, which no token has.
	return last, binary.BigEndian.Uint32(raw) == crc32.ChecksumIEEE(raw[4:]) && formatToken(last) == token
}

// continuation reads continuation-token: where to go on, and whether it was sent.
func continuation(q query) (after string, sent bool, err error) {
	token, sent := q.lookup("continuation-token")
	if !sent {
		return "", false, nil
	}
	after, ok := parseToken(token)
	if !ok {
		return "", true, invalidArgument("The continuation token provided is incorrect", "continuation-token", token)
	}
	return after, true, nil
}
