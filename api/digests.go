package api

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
)

// The names of checksum headers, in canonical form.
const (
	checksumPrefix       = "X-Amz-Checksum-"
	checksumMode         = "X-Amz-Checksum-Mode"
	sdkChecksumAlgorithm = "X-Amz-Sdk-Checksum-Algorithm"
)

// digests is what a request says of its body, to be held against what arrives
// (spec WI4).
type digests struct {
	md5 []byte // of Content-MD5, nil if not sent
	// algorithm is that of the checksum sent, None if none was.
	algorithm checksum.Algorithm
	// value is the checksum from a header; that of a trailer is known at the end.
	value checksum.Value
	// trailer says that the checksum follows the body.
	trailer bool
}

// sent reports whether the request protects its body by any digest.
func (d *digests) sent() bool { return d.md5 != nil || d.algorithm != checksum.None }

// parseDigests reads the digest headers of a request and the trailer it
// announces, empty for none. Malformed and contradicting ones are refused (spec WI4-6, WI4-7,
// WI4-9).
func parseDigests(h http.Header, trailer string) (digests, error) {
	var d digests
	if values := h["Content-Md5"]; len(values) > 0 {
		sum, err := base64.StdEncoding.Strict().DecodeString(values[0])
		if err != nil || len(sum) != md5.Size {
			return d, refuse("InvalidDigest", "Content-MD5", values[0])
		}
		d.md5 = sum
	}
	name, err := checksumName(h, trailer)
	if err != nil {
		return d, err
	}
	if name != "" {
		if err := d.read(name, h, trailer != ""); err != nil {
			return d, err
		}
	}
	return d, d.checkSDK(h)
}

// checksumName returns the name of the checksum among headers and trailer, of which
// there may be one.
func checksumName(h http.Header, trailer string) (string, error) {
	found := trailer
	for name := range h {
		suffix, ok := strings.CutPrefix(name, checksumPrefix)
		if !ok || suffix == "Mode" || suffix == "Type" || suffix == "Algorithm" {
			continue
		}
		if found != "" {
			return "", refuseWith("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		found = name
	}
	return found, nil
}

// newerChecksums are the algorithms of spec WI4-4, which are optional.
var newerChecksums = map[string]bool{"sha512": true, "md5": true, "xxhash64": true, "xxhash3": true, "xxhash128": true}

// read takes the checksum that the header or trailer name carries.
func (d *digests) read(name string, h http.Header, trailer bool) error {
	name = strings.ToLower(name)
	algorithm, ok := checksum.FromHeader(name)
	if !ok {
		if newerChecksums[name[len(checksumPrefix):]] {
			return notImplemented(name, "")
		}
		return refuseWith("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
	}
	d.algorithm, d.trailer = algorithm, trailer
	if trailer {
		return nil
	}
	value, err := checksum.ParseValue(algorithm, h[http.CanonicalHeaderKey(name)][0])
	if err != nil {
		return refuseWith("InvalidRequest", "Value for "+name+" header is invalid.")
	}
	d.value = value
	return nil
}

// checkSDK holds x-amz-sdk-checksum-algorithm against the checksum that was sent.
// A body that Content-MD5 alone protects may announce MD5.
func (d *digests) checkSDK(h http.Header) error {
	values := h[sdkChecksumAlgorithm]
	if len(values) == 0 || values[0] == "" {
		return nil
	}
	if d.algorithm == checksum.None {
		if d.md5 != nil && strings.EqualFold(values[0], "MD5") {
			return nil
		}
		return refuseWith("InvalidRequest",
			"x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	if algorithm, ok := checksum.Parse(values[0]); !ok || algorithm != d.algorithm {
		return refuseWith("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

// verify holds what was announced against what was computed of the whole body:
// its MD5, its checksums, and the trailer that came after it.
func (d *digests) verify(sum [md5.Size]byte, computed []checksum.Value, trailer http.Header) error {
	if d.md5 != nil && !bytes.Equal(d.md5, sum[:]) {
		// What was expected is told in hex, what was calculated in base64: so S3 does.
		return refuse("BadDigest", "ExpectedDigest", hex.EncodeToString(d.md5),
			"CalculatedDigest", base64.StdEncoding.EncodeToString(sum[:]))
	}
	if d.algorithm == checksum.None {
		return nil
	}
	want := d.value
	if d.trailer {
		name := d.algorithm.Header()
		value, err := checksum.ParseValue(d.algorithm, trailer.Get(name))
		if err != nil {
			return refuseWith("InvalidRequest", "Value for "+name+" trailing header is invalid.")
		}
		want = value
	}
	for _, got := range computed {
		if got.Equal(want) {
			return nil
		}
	}
	return refuseWith("BadDigest", "The "+d.algorithm.String()+" you specified did not match the calculated checksum.")
}
