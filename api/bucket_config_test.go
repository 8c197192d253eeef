package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// wellRefused reports whether err refuses a document in a way that has an answer.
func wellRefused(err error) bool {
	var refused *failure
	return errors.Is(err, errXML) || errors.As(err, &refused) && codes[refused.code].status != 0
}

// FuzzConfigurations reads documents of the configurations that are kept: one that is
// good can be written, and what is written reads and writes the same.
func FuzzConfigurations(f *testing.F) {
	for _, body := range grammarBodies {
		f.Add([]byte(body))
	}
	f.Add([]byte("<ServerSideEncryptionConfiguration><Rule><BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for sub, kept := range keptConfigs {
			c, err := kept.parse(data)
			if err != nil {
				if !wellRefused(err) {
					t.Fatalf("%s: %q is refused with %v", sub, data, err)
				}
				continue
			}
			if c == nil {
				continue // it says nothing
			}
			written := kept.render(c)
			again, err := kept.parse(written)
			if err != nil || again == nil || string(kept.render(again)) != string(written) {
				t.Fatalf("%s: %q was written as %q, which reads as %v, %v", sub, data, written, again, err)
			}
			agreesWithStandard(t, data)
		}
	})
}

// FuzzForm reads forms up to their files: the fields are no more than may be, and
// what is refused has an answer.
func FuzzForm(f *testing.F) {
	f.Add("b", "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--b--\r\n")
	f.Add("b", "--b\r\nContent-Disposition: form-data; name=\"x-amz-meta-a\r\n\"\r\n\r\nk\r\n--b--\r\n")
	f.Add("b", "--b\r\n\r\n\r\n--b--")
	f.Add("", "")
	s := newTestServer(f, nil)
	f.Fuzz(func(t *testing.T, boundary, body string) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://host/bucket", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
		r.Header.Set("Content-Length", "1") // whatever it is, it was sent
		x := &exchange{h: s.handler, r: r}
		x.session.Anonymous = true
		form, err := x.openForm()
		if err != nil {
			if translate(err, place{}).status() >= 500 {
				t.Fatalf("%q is refused with %v", body, err)
			}
			return
		}
		size := 0
		for _, field := range form.fields {
			size += len(field.Name) + len(field.Value)
		}
		if size > maxFormFields || form.file == nil {
			t.Fatalf("%d bytes of fields", size)
		}
		header, err := form.header()
		for name, values := range header {
			if err == nil && (!isToken(name) || strings.ContainsFunc(values[0], isControl)) {
				t.Fatalf("%q: %q is a header", name, values)
			}
		}
		form.setKey("k")
		if key, _ := form.fields.Lookup("key"); key != "k" {
			t.Fatalf("the key of %v is %q", form.fields, key)
		}
	})
}
