package api

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed61737384/tombstone/store"
)

// maxMeasured is how much of a file that is too large is read to say how large it is,
// bytes.
const maxMeasured = 1 << 20

// formFile is the file of a form while it is read. It ends with an error if the file
// is not what the policy allows, so that nothing is stored.
type formFile struct {
	form    *postForm
	largest int64
	size    int64
}

func newFormFile(form *postForm) *formFile {
	f := &formFile{form: form, largest: maxPut}
	if form.policy != nil {
		_, largest := form.policy.LengthRange()
		f.largest = min(f.largest, largest)
	}
	return f
}

// Read reads the file. What comes after it in the form is read with its end, for a
// signature may cover the whole body, and says nothing.
func (f *formFile) Read(p []byte) (int, error) {
	n, err := f.form.file.Read(p)
	f.size += int64(n)
	switch {
	case f.size > f.largest:
		return 0, f.tooLarge()
	case errors.Is(err, io.EOF):
		return n, f.end()
	case err != nil:
		return n, f.form.blame(err)
	}
	return n, nil
}

// tooLarge refuses a file, and says how large it is unless that takes too long.
func (f *formFile) tooLarge() error {
	rest, err := io.CopyN(io.Discard, f.form.file, maxMeasured)
	if err != nil && !errors.Is(err, io.EOF) {
		return f.form.blame(err)
	}
	f.size += rest
	if f.form.policy != nil {
		if err := f.form.policy.CheckLength(f.size); err != nil {
			return err
		}
	}
	return refuse("EntityTooLarge", "ProposedSize", strconv.FormatInt(f.size, 10), "MaxSizeAllowed", strconv.FormatInt(maxPut, 10))
}

// end judges the whole file.
func (f *formFile) end() error {
	if _, err := io.Copy(io.Discard, f.form.body); err != nil {
		return f.form.blame(err)
	}
	if f.form.policy != nil {
		if err := f.form.policy.CheckLength(f.size); err != nil {
			return err
		}
	}
	return io.EOF
}

// postObject stores the file of the form.
func (x *exchange) postObject(r *store.PutRequest, form *postForm, d *digests) error {
	if err := x.checkLockable(); err != nil {
		return err
	}
	r.Verify = func(computed store.Digests) error {
		return d.verify(computed.MD5, computed.Checksums, nil)
	}
	r.Authorize = x.guard()
	result, err := x.h.store.Put(x.Context(), *r)
	if err != nil {
		return conflicting(err, r.Condition, x.header("If-Match") != "", x.key)
	}
	x.set("ETag", quoteETag(result.ETag))
	x.setNonEmpty("x-amz-version-id", result.VersionHeader)
	x.setChecksums(result.Checksums, store.FullObject)
	x.setExpiration(result.Size, result.LastModified, r.Tags)
	x.set("x-amz-server-side-encryption", "AES256")
	return x.answerForm(form, &result)
}

// answerForm says what became of the form, in the way that it asks for (spec
// WI1.4-2). What it asks for and does not make sense is passed over, for the file is
// stored.
func (x *exchange) answerForm(form *postForm, result *store.PutResult) error {
	if to := form.redirect(); to != nil {
		// In this order behind what is there, which stays as it is: some compare the whole.
		if to.RawQuery != "" {
			to.RawQuery += "&"
		}
		to.RawQuery += "bucket=" + url.QueryEscape(x.bucket) + "&key=" + url.QueryEscape(x.key) +
			"&etag=" + url.QueryEscape(quoteETag(result.ETag))
		x.set("Location", to.String())
		x.WriteHeader(http.StatusSeeOther)
		return nil
	}
	location := x.formLocation()
	x.set("Location", location)
	switch status, _ := form.fields.Lookup("success_action_status"); status {
	case "200":
		x.WriteHeader(http.StatusOK)
		return nil
	case "201":
		d := x.beginDocument(http.StatusCreated, "PostResponse", true)
		d.text("Location", location)
		d.text("Bucket", x.bucket)
		d.text("Key", x.key)
		d.etag("ETag", result.ETag)
		return d.end("PostResponse")
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// redirect returns where the form wants the browser sent, nil for nowhere. Only
// the web is a place to go.
func (f *postForm) redirect() *url.URL {
	text, sent := f.fields.Lookup("success_action_redirect")
	if !sent {
		text, _ = f.fields.Lookup("redirect") // the older name
	}
	to, err := url.Parse(text)
	if err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return nil
	}
	return to
}

// formLocation returns the URL of the object, as the client sees the server. In it the
// key is one element of the path, as Amazon writes it.
func (x *exchange) formLocation() string {
	base := strings.TrimSuffix(x.location(), "/")
	return base + "/" + strings.ReplaceAll(url.QueryEscape(x.key), "+", "%20")
}
