package api

import (
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
)

// unsupportedPart are the headers of an UploadPart that ask for what this version
// does not do: a part stored without would be another one.
var unsupportedPart = []string{
	"X-Amz-Server-Side-Encryption-Customer-Algorithm",
	"X-Amz-Server-Side-Encryption-Customer-Key",
	"X-Amz-Server-Side-Encryption-Customer-Key-Md5",
	"Content-Range",
	"If-Match",
	"If-None-Match",
	"If-Modified-Since",
	"If-Unmodified-Since",
}

// checkPartHeaders refuses what cannot be done to a part.
func (x *exchange) checkPartHeaders() error {
	for _, name := range unsupportedPart {
		if x.sent(name) {
			return notImplemented(strings.ToLower(name), "")
		}
	}
	return nil
}

// prepareUploadPart reads the head of an UploadPart. Of the body nothing is read
// before permission is given and the upload is found, so that a client that waits
// for a 100 sends none of it in vain (spec WI2-6).
func prepareUploadPart(x *exchange) (task, error) {
	name, number, err := x.part()
	if err != nil {
		return task{}, err
	}
	if err := x.checkPartHeaders(); err != nil {
		return task{}, err
	}
	b, length, err := x.openUpload(store.MaxPartBytes)
	if err != nil {
		return task{}, err
	}
	d, err := parseDigests(x.r.Header, b.Announced())
	if err != nil {
		return task{}, err
	}
	r := store.PartRequest{Upload: name, Number: number, Body: b, Size: length, Made: x.maker()}
	return task{run: func() error { return x.uploadPart(&r, b, &d) }}, nil
}

// partChecksums says which checksums are computed of a part that was sent with one
// of the algorithm sent. Those of an upload that asked for none are the default's, so
// that the object can have one, and the one that was sent.
//
// A part has to bring the checksum that the upload asked for. Where it covers the
// whole object, it can be done without: the server computes it (spec WI4-13).
func partChecksums(u *store.Upload, sent checksum.Algorithm) ([]checksum.Algorithm, error) {
	switch {
	case u.Algorithm == checksum.None && (sent == checksum.None || sent == checksum.CRC64NVME):
		return []checksum.Algorithm{checksum.CRC64NVME}, nil
	case u.Algorithm == checksum.None:
		return []checksum.Algorithm{checksum.CRC64NVME, sent}, nil
	case sent == u.Algorithm, sent == checksum.None && u.ChecksumType == store.FullObject:
		return []checksum.Algorithm{u.Algorithm}, nil
	}
	return nil, otherChecksum(u.Algorithm, sent)
}

// otherChecksum refuses a checksum that is not the one that the upload asked for.
func otherChecksum(want, sent checksum.Algorithm) error {
	actual := strings.ToLower(sent.String())
	if sent == checksum.None {
		actual = "null"
	}
	return refuseWith("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: "+
		strings.ToLower(want.String())+", actual checksum Type: "+actual)
}

func (x *exchange) uploadPart(r *store.PartRequest, b *body, d *digests) error {
	u, err := x.h.store.Upload(x.Context(), r.Upload)
	if err != nil {
		return err
	}
	if r.Algorithms, err = partChecksums(&u, d.algorithm); err != nil {
		return err
	}
	r.Verify = func(computed store.Digests) error {
		return d.verify(computed.MD5, computed.Checksums, b.Trailer())
	}
	part, err := x.h.store.PutPart(x.Context(), *r)
	if err != nil {
		return b.blame(err)
	}
	shown := d.algorithm
	if shown == checksum.None {
		shown = u.Algorithm
	}
	x.set("ETag", quoteETag(part.ETag))
	for _, v := range part.Checksums {
		if v.Algorithm == shown {
			x.set(v.Algorithm.Header(), v.String())
		}
	}
	x.set("x-amz-server-side-encryption", "AES256")
	x.WriteHeader(http.StatusOK)
	return nil
}
