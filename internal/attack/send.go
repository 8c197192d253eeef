package attack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// answer is what the server answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request and returns the answer.
func (w *World) send(ctx context.Context, op *Op) (answer, error) {
	method, target := op.target()
	body, kind := op.Body, ""
	if op.Kind == "PostObject" {
		body, kind = w.form(op)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost:9000"+target, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if method == http.MethodPut && body == "" {
		r.Header.Set("Content-Length", "0")
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	} else {
		for name, value := range op.Headers {
			r.Header.Set(name, value)
		}
	}
	if err := w.sign(r, op, body); err != nil {
		return answer{}, err
	}
	r.RemoteAddr, r.RequestURI = op.IP+":4711", r.URL.RequestURI()
	if op.Secure {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13}
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	return answer{recorder.Code, recorder.Header(), recorder.Body.String()}, nil
}

// secret is what op is signed with.
func (w *World) secret(op *Op) string {
	if op.How == "forged" || w.secrets[op.By] == "" {
		return "a wrong secret"
	}
	return w.secrets[op.By]
}

// sign signs r as op says.
func (w *World) sign(r *http.Request, op *Op, body string) error {
	if op.By == "" || op.How == "form" {
		return nil
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	who := aws.Credentials{AccessKeyID: op.By, SecretAccessKey: w.secret(op)}
	now := w.clock.Now()
	if op.How == "tampered" {
		defer r.Header.Set("X-Amz-Bypass-Governance-Retention", "true")
	}
	if op.How == "query" || op.How == "tampered" && op.Number%2 == 0 {
		q := r.URL.Query()
		q.Set("X-Amz-Expires", "60")
		r.URL.RawQuery = q.Encode()
		link, signed, err := signer.PresignHTTP(r.Context(), who, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", now)
		if err != nil {
			return err
		}
		for name := range r.Header {
			if _, kept := signed[name]; !kept && strings.HasPrefix(name, "X-Amz-") {
				r.Header.Del(name) // it stands in the query now
			}
		}
		r.URL, err = url.Parse(link)
		return err
	}
	sum := sha256.Sum256([]byte(body))
	payload := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", payload)
	sent := r.URL
	signed := *sent
	// A slash is signed as such, however it is sent.
	signed.Opaque = "//" + sent.Host + strings.ReplaceAll(sent.EscapedPath(), "%2F", "/")
	r.URL = &signed
	err := signer.SignHTTP(r.Context(), who, r, payload, "s3", "us-east-1", now)
	r.URL = sent
	return err
}

// formHeaders are the headers whose field in a form has another name.
var formHeaders = map[string]string{"X-Amz-Acl": "acl", "Content-Md5": "content-md5"}

// form returns a POST form and its media type.
func (w *World) form(op *Op) (body, kind string) {
	now := w.clock.Now()
	fields := [][2]string{{"key", op.Key}}
	for _, name := range slices.Sorted(maps.Keys(op.Headers)) {
		field, special := formHeaders[name]
		if !special {
			field = strings.ToLower(name)
		}
		fields = append(fields, [2]string{field, op.Headers[name]})
	}
	if op.By != "" {
		fields = w.signForm(op, fields, now)
	}
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for _, f := range fields {
		_ = m.WriteField(f[0], f[1]) // a buffer takes everything
	}
	if file, err := m.CreateFormFile("file", "f"); err == nil {
		_, _ = file.Write([]byte(op.Body))
	}
	_ = m.Close()
	return buf.String(), m.FormDataContentType()
}

func (w *World) signForm(op *Op, fields [][2]string, now time.Time) [][2]string {
	date := now.Format("20060102T150405Z")
	fields = append(fields, [][2]string{
		{"x-amz-algorithm", "AWS4-HMAC-SHA256"}, {"x-amz-date", date},
		{"x-amz-credential", op.By + "/" + date[:8] + "/us-east-1/s3/aws4_request"},
	}...)
	var conditions []string
	for _, f := range append(fields, [2]string{"bucket", op.Bucket}) {
		conditions = append(conditions, fmt.Sprintf("[%q,%q,%q]", "eq", "$"+f[0], f[1]))
	}
	document := fmt.Sprintf(`{"expiration":%q,"conditions":[%s]}`,
		now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z"), strings.Join(conditions, ","))
	encoded := base64.StdEncoding.EncodeToString([]byte(document))
	key := []byte("AWS4" + w.secret(op))
	for _, part := range []string{date[:8], "us-east-1", "s3", "aws4_request", encoded} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return append(fields, [2]string{"policy", encoded}, [2]string{"x-amz-signature", hex.EncodeToString(key)})
}

func contentMD5(body string) string {
	sum := md5.Sum([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func etagOf(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}
