package api

import (
	"net/http"
	"strconv"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
)

// upload names the upload that the request is about.
func (x *exchange) upload() store.UploadName {
	return store.UploadName{Bucket: x.bucket, Key: x.key, ID: x.query.value("uploadId")}
}

// part names the upload and the number of the part that the request makes. Without
// an upload it would be a PutObject, which has no parts; without a part it is
// nothing that an upload answers to.
func (x *exchange) part() (store.UploadName, int, error) {
	name := x.upload()
	if name.ID == "" {
		return name, 0, invalidArgument("This operation does not accept partNumber without uploadId", "partNumber", "partNumber")
	}
	text, sent := x.query.lookup("partNumber")
	if !sent {
		return name, 0, x.notAllowed()
	}
	number, err := parsePartNumber(text)
	return name, number, err
}

// parsePartNumber reads the number of a part (spec WI3-4).
func parsePartNumber(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > store.MaxPartNumber {
		return 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", text)
	}
	return number, nil
}

// notAllowed refuses the method for what the request names.
func (x *exchange) notAllowed() error {
	f := refuse("MethodNotAllowed", "ResourceType", x.level.String())
	f.headers = []pair{{"Allow", "DELETE, GET, POST"}}
	return f
}

// parseCount reads a number that bounds a page or says where it begins. Without a
// value it is fallback.
func parseCount(name, text string, fallback int) (int, error) {
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, invalidArgument("Provided "+name+" not an integer or within integer range", name, text)
	}
	if n < 0 {
		return 0, invalidArgument("Argument "+name+" must be an integer between 0 and 2147483647", name, text)
	}
	return int(n), nil
}

// partChecksum writes the checksum of a part that is of the algorithm.
func (d *document) partChecksum(p *store.Part, algorithm checksum.Algorithm) {
	for _, v := range p.Checksums {
		if v.Algorithm == algorithm {
			d.text("Checksum"+v.Algorithm.String(), v.String())
		}
	}
}

// account writes an account as an element of the given name. S3 has shown no display
// name of it since November 2025.
func (d *document) account(name string, o store.Owner) {
	d.open(name)
	d.text("ID", o.CanonicalID)
	d.close(name)
}

// storageClass writes a storage class, which is shown always.
func (d *document) storageClass(class string) {
	if class == "" {
		class = "STANDARD"
	}
	d.text("StorageClass", class)
}

// uploadChecksum writes the checksum that was asked for when an upload began.
func (d *document) uploadChecksum(u *store.Upload) {
	if u.Algorithm != checksum.None {
		d.text("ChecksumAlgorithm", u.Algorithm.String())
		d.text("ChecksumType", u.ChecksumType.String())
	}
}

func prepareAbortMultipartUpload(x *exchange) (task, error) {
	if x.sent("X-Amz-If-Match-Initiated-Time") { // spec WI5-4
		return task{}, notImplemented("x-amz-if-match-initiated-time", "")
	}
	return task{run: x.abortMultipartUpload}, nil
}

func (x *exchange) abortMultipartUpload() error {
	if err := x.h.store.AbortUpload(x.Context(), x.upload(), x.maker()); err != nil {
		return err
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}
