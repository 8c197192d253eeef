package api

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store"
)

// maxFormFields is how much of a form may come before its file, bytes.
const maxFormFields = 20 << 10

// formReadAhead is how much more package multipart may have read by then.
const formReadAhead = 8 << 10

// postForm is the form of a PostObject (spec WI1.4-1): its fields are in memory, its
// file is still to be read.
type postForm struct {
	fields auth.Form
	policy *auth.PostPolicy // nil for none
	file   *multipart.Part
	name   string // of the file, as the browser calls it
	body   *body
	limit  *fieldLimit
}

// fieldLimit reads a body up to a number of bytes, and then no further.
type fieldLimit struct {
	r    io.Reader
	left int64 // negative for no limit
}

// errFieldsTooLong says that there was no file among so many bytes.
var errFieldsTooLong = errors.New("the fields before the file are too long")

// Read reads from the body.
func (l *fieldLimit) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, errFieldsTooLong
	}
	if l.left > 0 {
		p = p[:min(int64(len(p)), l.left)]
	}
	n, err := l.r.Read(p)
	if l.left > 0 {
		l.left -= int64(n)
	}
	return n, err
}

// checkForm reads the form of a PostObject up to its file, for its fields tell who
// sends it.
func (x *exchange) checkForm() error {
	if x.op.name != "PostObject" {
		return nil
	}
	form, err := x.openForm()
	if err != nil {
		return err
	}
	session, policy, err := x.h.verifier.VerifyForm(form.fields, x.h.clock.Now())
	if err != nil {
		return err
	}
	if !session.Anonymous {
		x.session = session
	}
	form.policy, x.form = policy, form
	return x.identify()
}

// preparePostObject reads what the fields of the form ask for, and asks the policy that
// it brought about them.
func preparePostObject(x *exchange) (task, error) {
	form := x.form
	if err := x.takeForm(form); err != nil {
		return task{}, err
	}
	if form.policy != nil {
		if err := form.policy.Check(form.fields, x.bucket); err != nil {
			return task{}, err
		}
	}
	put, d, err := x.formRequest(form)
	if err != nil {
		return task{}, err
	}
	put.Body = newFormFile(form)
	return task{run: func() error { return x.postObject(put, form, d) }}, nil
}

// openForm reads the fields of the form, to where its file begins.
func (x *exchange) openForm() (*postForm, error) {
	kind, parameters, err := mime.ParseMediaType(x.header("Content-Type"))
	if kind != "multipart/form-data" {
		return nil, refuse("PreconditionFailed", "Condition", "Bucket POST must be of the enclosure-type multipart/form-data") // spec WI1.4-9
	}
	boundary := parameters["boundary"]
	if err != nil || boundary == "" || len(boundary) > 70 { // RFC 2046 §5.1.1
		return nil, refuse("MalformedPOSTRequest")
	}
	if x.announcesNothing() {
		return nil, refuse("MissingContentLength")
	}
	b, err := x.openBody()
	if err != nil {
		return nil, err
	}
	form := &postForm{body: b, limit: &fieldLimit{r: b, left: maxFormFields + formReadAhead}}
	if err := form.readFields(multipart.NewReader(form.limit, boundary)); err != nil {
		return nil, form.blame(err)
	}
	form.limit.left = -1
	return form, nil
}

// readFields reads parts until one is the file.
func (f *postForm) readFields(r *multipart.Reader) error {
	size := 0
	for {
		part, err := r.NextRawPart()
		if err == io.EOF { // that of the form; the body's comes wrapped
			return invalidArgument("POST requires exactly one file upload per request.", "file", "0")
		}
		if err != nil {
			return err
		}
		name := part.FormName()
		if name == "" {
			return refuse("MalformedPOSTRequest")
		}
		if strings.EqualFold(name, "file") {
			f.file, f.name = part, part.FileName()
			return nil
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if size += len(name) + len(value); size > maxFormFields {
			return errFieldsTooLong
		}
		f.fields = append(f.fields, auth.FormField{Name: name, Value: string(value)})
	}
}

// blame returns the refusal of a form that reading ended with err.
func (f *postForm) blame(err error) error {
	var refused *failure
	switch {
	case errors.As(err, &refused):
		return err
	case errors.Is(err, errFieldsTooLong):
		return refuse("MaxPostPreDataLengthExceeded", "MaxPostPreDataLengthBytes", strconv.Itoa(maxFormFields))
	case f.body.err != nil:
		return f.body.blame(err)
	}
	return &failure{code: "MalformedPOSTRequest", cause: err}
}

// takeForm takes from the form what the request is about: the key, and what a
// PutObject has in its headers.
func (x *exchange) takeForm(form *postForm) error {
	key, _ := form.fields.Lookup("key") // the verifier has seen it
	key = strings.ReplaceAll(key, "${filename}", baseName(form.name))
	form.setKey(key)
	if key == "" {
		return invalidArgument("User key must have a length greater than 0.", "key", "")
	}
	if !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0 {
		return refuse("InvalidURI", "URI", key)
	}
	x.key = key
	if err := x.checkKeyLength(); err != nil {
		return err
	}
	header, err := form.header()
	if err != nil {
		return err
	}
	for _, name := range []string{"User-Agent", "Referer"} { // which policies look at
		header[name] = x.r.Header[name]
	}
	x.r.Header = header
	return x.checkExpectedOwner() // a field may name it too (spec AP4-1)
}

// setKey puts the key with the name of the file in it where the policy looks.
func (f *postForm) setKey(key string) {
	kept := f.fields[:0]
	for _, field := range f.fields {
		if !strings.EqualFold(field.Name, "key") {
			kept = append(kept, field)
		}
	}
	f.fields = append(kept, auth.FormField{Name: "key", Value: key})
}

// baseName returns the last element of a name that a browser sent, some of which send
// whole paths.
func baseName(name string) string {
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// formHeaders are the fields that mean what the header of the name means in a
// PutObject. Fields that begin with x-amz- mean theirs too, but for those of the
// signature.
var formHeaders = map[string]string{
	"acl": "X-Amz-Acl", "cache-control": "Cache-Control", "content-type": "Content-Type",
	"content-disposition": "Content-Disposition", "content-encoding": "Content-Encoding",
	"content-language": "Content-Language", "content-md5": "Content-Md5", "expires": "Expires",
	"if-match": "If-Match", "if-none-match": "If-None-Match",
}

// formSignature are the fields of the signature that begin as headers do.
var formSignature = []string{"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token"}

// header returns the headers of the PutObject that the form stands for.
func (f *postForm) header() (http.Header, error) {
	h := http.Header{}
	for _, field := range f.fields {
		name := strings.ToLower(field.Name)
		canonical, ok := formHeaders[name]
		if !ok && (!strings.HasPrefix(name, "x-amz-") || isOneOf(name, formSignature)) {
			continue
		}
		if !ok {
			canonical = http.CanonicalHeaderKey(name)
		}
		value, _ := f.fields.Lookup(field.Name)
		if !isToken(name) || strings.ContainsFunc(value, isControl) {
			return nil, invalidArgument("", field.Name, value)
		}
		h[canonical] = []string{value}
	}
	return h, nil
}

// isToken reports whether s can be the name of a header (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// formRequest returns what the form asks the store for, but for the bytes.
func (x *exchange) formRequest(form *postForm) (*store.PutRequest, *digests, error) {
	acl, err := x.checkPutHeaders()
	if err != nil {
		return nil, nil, err
	}
	d, err := parseDigests(x.r.Header, "")
	if err != nil {
		return nil, nil, err
	}
	r := &store.PutRequest{
		Bucket: x.bucket, Key: x.key, Size: -1, Owner: x.objectOwner(), ACL: acl, Made: x.maker(),
	}
	if r.Condition, err = x.writeCondition(); err != nil {
		return nil, nil, err
	}
	if r.System, err = systemMetadata(x.r.Header); err != nil {
		return nil, nil, err
	}
	if r.User, err = userMetadata(x.r.Header); err != nil {
		return nil, nil, err
	}
	if r.StorageClass, err = x.storageClass(); err != nil {
		return nil, nil, err
	}
	if r.Lock, err = x.requestLock(); err != nil {
		return nil, nil, err
	}
	r.Tags, err = form.tags(x.r.Header)
	if d.algorithm == checksum.None {
		r.Algorithms = []checksum.Algorithm{checksum.CRC64NVME} // spec WI4-1
	} else {
		r.Algorithms = []checksum.Algorithm{d.algorithm}
	}
	return r, &d, err
}

// tags returns the tags of the form: the field tagging holds a document, the field
// x-amz-tagging what the header holds.
func (f *postForm) tags(h http.Header) ([]store.Tag, error) {
	text, sent := f.fields.Lookup("tagging")
	if !sent {
		return requestTags(h)
	}
	if len(h[taggingHeader]) > 0 {
		return nil, invalidArgument("", "tagging", text)
	}
	return objectTags.parse([]byte(text))
}
