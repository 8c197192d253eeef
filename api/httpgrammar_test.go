package api

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// dice makes choices from bytes: the same bytes, the same choices.
type dice struct{ data []byte }

// roll returns a number below n, zero when the bytes are used up.
func (d *dice) roll(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	v := int(d.data[0])
	d.data = d.data[1:]
	if n > 256 && len(d.data) > 0 {
		v = v<<8 | int(d.data[0])
		d.data = d.data[1:]
	}
	return v % n
}

// seldom is true in one of n choices, and when the bytes are used up never.
func (d *dice) seldom(n int) bool { return d.roll(n) == n-1 }

func choose[T any](d *dice, list []T) T { return list[d.roll(len(list))] }

// rawText takes a few of the bytes as they are.
func (d *dice) rawText() string {
	n := min(d.roll(32), len(d.data))
	text := string(d.data[:n])
	d.data = d.data[n:]
	return text
}

// What requests are made of. {v} is an id of a version that is there, {m} that of a
// delete marker, {x} one that names nothing, {u} an upload, {e} the ETag of the object,
// {form} a form that is signed.
var (
	grammarMethods = []string{"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"}
	grammarBuckets = []string{"bucket", "bucket", "bucket", "bucket", "bucket", "bucket", "bucket", "bucket", "bucket", "empty", "locked", "locked", "absent", "Bad_Name", "_"}
	grammarKeys    = []string{"key", "key", "key", "key", "key", "key", "a/b", "a/b", "marked", "marked", "absent", "dir/", "", "%00", "a%20b%0A", "%ff", "+", "//", "%C3%A9", strings.Repeat("k", 1025)}
	grammarQuery   = []string{
		"versionId={v}", "versionId={m}", "versionId={x}", "versionId=null", "versionId=", "versionId", "partNumber=1", "partNumber=0", "partNumber=10001",
		"uploadId={u}", "uploadId=x", "uploadId=", "list-type=2", "prefix=a", "delimiter=/", "encoding-type=url", "max-keys=1", "max-keys=-1", "max-keys=0",
		"marker=a", "start-after=a", "continuation-token=x", "fetch-owner=true", "key-marker=key", "version-id-marker={v}", "version-id-marker=null", "max-uploads=1",
		"max-parts=1", "part-number-marker=1", "upload-id-marker={u}", "id=x", "response-content-type=a%0Ab", "response-expires=x", "x-id=PutObject", "%zz", "a;b",
		"X-Amz-Algorithm=AWS4-HMAC-SHA256", "AWSAccessKeyId=x", "X-Amz-Expires=-1", "max-buckets=1", "bucket-region=us-east-1", "annotationName=a",
	}
	grammarHeaders = map[string][]string{
		"If-Match": {"*", "{e}", `"0"`, ""}, "If-None-Match": {"*", "{e}", "x", ""},
		"If-Modified-Since": {"Fri, 02 Jan 2026 03:04:05 GMT", "x"}, "If-Unmodified-Since": {"Fri, 02 Jan 2015 03:04:05 GMT", "x"},
		"Range": {"bytes=0-1", "bytes=-1", "bytes=9-", "bytes=0-0,2-3", "x"}, "If-Range": {"{e}", "x"},
		"Content-Md5": {"{md5}", "{md5}", "XUFAKrxLKna5cZ2REBfFkg==", "x"}, "Content-Type": {"text/plain", "multipart/form-data; boundary=b", "multipart/form-data", "\u00e9"},
		"Content-Encoding": {"gzip", "aws-chunked", "aws-chunked,gzip"}, "Expires": {"x"}, "Cache-Control": {"no-cache"},
		"X-Amz-Acl": {"private", "public-read", "x", ""}, "X-Amz-Grant-Read": {"id=x"}, "X-Amz-Storage-Class": {"STANDARD", "GLACIER", "x"},
		"X-Amz-Tagging": {"a=b", "a=b&a=c", "%zz", "aws:a=b", ""}, "X-Amz-Meta-A": {"b", "=?UTF-8?B?Cg==?=", strings.Repeat("x", 3000)},
		"X-Amz-Copy-Source":       {"bucket/key", "/bucket/key?versionId={v}", "bucket/marked?versionId={m}", "bucket", "", "absent/key", "%zz", "bucket/key?versionId={x}"},
		"X-Amz-Copy-Source-Range": {"bytes=0-1", "bytes=0-99", "x"}, "X-Amz-Copy-Source-If-Match": {"{e}", "x", ""}, "X-Amz-Copy-Source-If-Modified-Since": {"x"},
		"X-Amz-Metadata-Directive": {"REPLACE", "COPY", "x"}, "X-Amz-Tagging-Directive": {"REPLACE", "COPY", "x"},
		"X-Amz-Checksum-Crc32": {"NhCmhg==", "x"}, "X-Amz-Checksum-Sha256": {"x"}, "X-Amz-Checksum-Algorithm": {"CRC32", "SHA256", "x"}, "X-Amz-Checksum-Type": {"COMPOSITE", "FULL_OBJECT", "x"},
		"X-Amz-Checksum-Mode": {"ENABLED"}, "X-Amz-Sdk-Checksum-Algorithm": {"CRC32", "x"}, "X-Amz-Trailer": {"x-amz-checksum-crc32", "x"},
		"X-Amz-Object-Attributes": {"ETag,ObjectSize,ObjectParts,Checksum,StorageClass", "x", ""}, "X-Amz-Mp-Object-Size": {"1", "-1", "x"},
		"X-Amz-Bypass-Governance-Retention": {"true", "x"}, "X-Amz-Mfa": {"s 123456", "x"}, "X-Amz-Expected-Bucket-Owner": {"123456789012", "210987654321", "x"},
		"X-Amz-Source-Expected-Bucket-Owner": {"123456789012", "x"}, "X-Amz-Server-Side-Encryption": {"AES256", "aws:kms", "x"},
		"X-Amz-Server-Side-Encryption-Customer-Algorithm": {"AES256"}, "X-Amz-Object-Lock-Mode": {"GOVERNANCE"}, "X-Amz-Write-Offset-Bytes": {"1"},
		"X-Amz-Bucket-Object-Lock-Enabled": {"true", "x"}, "X-Amz-Object-Ownership": {"ObjectWriter", "x"}, "X-Amz-Security-Token": {"x"},
		"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x"}, "X-Amz-Decoded-Content-Length": {"5", "-1", "x"},
		"Origin": {"http://page", "null", "\u00e9"}, "Access-Control-Request-Method": {"GET", "PUT", "x"}, "Access-Control-Request-Headers": {"a, b", ","},
		"X-Amz-If-Match-Size": {"5"}, "X-Amz-Date": {"x"}, "Date": {"x"}, "Authorization": {"AWS a:b", "AWS4-HMAC-SHA256 x", "Basic x", ""}, "X-Forwarded-Host": {"bucket.host"},
	}
	// grammarBodies are the documents of the sub-resources, and others.
	grammarBodies = []string{
		"", "hello", "5;chunk-signature=x\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
		"<Delete><Object><Key>key</Key></Object><Object><Key>a/b</Key><VersionId>{v}</VersionId></Object></Delete>",
		"<Delete><Object><Key>key</Key><VersionId>{v}</VersionId><ETag>{e}</ETag></Object><Quiet>true</Quiet></Delete>", "<Delete><Object><Key>&#1;</Key></Object></Delete>",
		"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>",
		"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
		"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>", "<Tagging><TagSet/></Tagging>",
		"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>",
		"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
		"<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
		"<PublicAccessBlockConfiguration><BlockPublicAcls>false</BlockPublicAcls></PublicAccessBlockConfiguration>",
		"<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>c0ffee</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
		"<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>", "<NotificationConfiguration/>", "<BucketLoggingStatus/>",
		"<LifecycleConfiguration><Rule><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
		"<LifecycleConfiguration><Rule><Prefix>k</Prefix><Status>Enabled</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>" +
			"<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>",
		"<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>", "<AbacStatus><Status>Disabled</Status></AbacStatus>",
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{e}</ETag></Part></CompleteMultipartUpload>",
		"--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nform${filename}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--b--\r\n",
		"{form}", `{"Version":"2012-10-17","Statement":[]}`, "<!DOCTYPE a><a/>", "<a", "\xff",
	}
)

// grammarNames are the names of headers, in an order of their own.
var grammarNames = sortedKeys(grammarHeaders)

// generated is a request before it is signed.
type generated struct {
	method, target string
	headers        []pair
	body           string
	unsigned       bool
}

// generate makes a request: one of an operation of the table, and then off its path
// here and there.
func (d *dice) generate() generated {
	op := &operations[d.roll(len(operations))]
	g := generated{method: op.method}
	if d.seldom(12) {
		g.method = choose(d, grammarMethods)
	}
	query := []string{}
	if op.sub != "" {
		query = append(query, op.sub)
	}
	if name, ok := strings.CutSuffix(op.variant, ":"); ok {
		g.headers = append(g.headers, pair{http.CanonicalHeaderKey(name), choose(d, grammarHeaders[http.CanonicalHeaderKey(name)])})
	} else if op.variant != "" {
		query = append(query, op.variant)
	}
	if op.name == "PostObject" {
		g.headers = append(g.headers, pair{"Content-Type", "multipart/form-data; boundary=b"})
	}
	for d.seldom(3) {
		query = append(query, choose(d, grammarQuery))
	}
	if d.seldom(12) {
		query = append(query, url.QueryEscape(d.rawText())+"="+url.QueryEscape(d.rawText()))
	}
	for d.seldom(3) {
		name := choose(d, grammarNames)
		g.headers = append(g.headers, pair{name, choose(d, grammarHeaders[name])})
	}
	g.target = d.path(op.level)
	if len(query) > 0 {
		g.target += "?" + strings.Join(query, "&")
	}
	g.body = d.body(op)
	g.unsigned = d.seldom(8)
	return g
}

// path returns a path of the level, most of the time.
func (d *dice) path(l level) string {
	if d.seldom(16) {
		l = level(d.roll(4))
	}
	switch l {
	case bucket:
		return "/" + choose(d, grammarBuckets)
	case object:
		return "/" + choose(d, grammarBuckets) + "/" + choose(d, grammarKeys)
	}
	return "/"
}

// body returns a body that suits the operation, or any, or one that is spoilt.
func (d *dice) body(op *operation) string {
	body := ""
	if op.method == put || op.method == post {
		body = choose(d, grammarBodies)
		if op.name == "PostObject" && d.roll(4) > 0 {
			body = "{form}"
		}
		if kept, ok := keptConfigs[op.sub]; ok && d.roll(2) == 0 {
			for _, b := range grammarBodies {
				if strings.HasPrefix(b, "<"+kept.root) {
					body = b
				}
			}
		}
	}
	if d.seldom(6) && body != "" {
		at := d.roll(len(body))
		body = body[:at] + d.rawText() + body[min(len(body), at+d.roll(8)):]
	}
	if d.seldom(24) {
		body = d.rawText()
	}
	return body
}

func sortedKeys(m map[string][]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	for i := range names { // insertion: the list is short
		for j := i; j > 0 && names[j] < names[j-1]; j-- {
			names[j], names[j-1] = names[j-1], names[j]
		}
	}
	return names
}

// places are the values that requests name.
type places struct{ version, marker, upload, etag, form string }

// furnish makes the buckets that the grammar knows.
func (s *testServer) furnish() places {
	var p places
	for _, name := range []string{"bucket", "empty"} {
		s.call("PUT", "/"+name, "")
	}
	s.call("PUT", "/locked", "", "X-Amz-Bucket-Object-Lock-Enabled", "true")
	s.call("PUT", "/bucket/key", "null")
	s.call("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	put := s.call("PUT", "/bucket/key", "hello")
	p.version, p.etag = put.header.Get("X-Amz-Version-Id"), put.header.Get("Etag")
	s.call("PUT", "/bucket/a/b", "x")
	s.call("PUT", "/bucket/marked", "x")
	p.marker = s.call("DELETE", "/bucket/marked", "").header.Get("X-Amz-Version-Id")
	s.call("PUT", "/bucket?cors", grammarBodies[12])
	upload := s.call("POST", "/bucket/key?uploads", "")
	if root, err := parseAnswer(upload.body); err == nil {
		p.upload = root.child("UploadId")
	}
	form := postTest{fields: s.signed(anyKey+`,["content-length-range",1,9]`, pair{"key", "form/${filename}"}), filename: "f", content: "hello"}
	body, kind := form.body(s.t)
	p.form = strings.ReplaceAll(string(body), strings.TrimPrefix(kind, "multipart/form-data; boundary="), "b")
	s.call("PUT", "/bucket/key?partNumber=1&uploadId="+p.upload, "hello")
	return p
}

// fill puts the values of p where a request names them.
func (p *places) fill(s *testServer, text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	absent := s.store.FormatVersionID(versioning.IDOf(1 << 40))
	return strings.NewReplacer("{v}", p.version, "{m}", p.marker, "{u}", p.upload, "{e}", p.etag, "{x}", absent, "{form}", p.form).Replace(text)
}

// invalid says what is wrong with the form of an answer, "" if nothing is.
func invalid(method string, a answer) string {
	for name, values := range a.header {
		if !isToken(name) || strings.ContainsFunc(strings.Join(values, ""), isControl) {
			return fmt.Sprintf("the header %q: %q", name, values)
		}
	}
	if a.header.Get("Server") != "AmazonS3" || !requestID.MatchString(a.header.Get("X-Amz-Request-Id")) {
		return "the headers of every answer"
	}
	bare := method == http.MethodHead || a.status == http.StatusNoContent || a.status == http.StatusNotModified
	if bare && len(a.body) > 0 {
		return "a body where none may be"
	}
	if length := a.header.Get("Content-Length"); length != "" && !bare && length != strconv.Itoa(len(a.body)) {
		return "Content-Length " + length
	}
	if bare || a.header.Get("Content-Type") != "application/xml" || len(a.body) == 0 {
		return ""
	}
	root, err := parseAnswer(reference.ReplaceAll(a.body, []byte("?")))
	switch {
	case err != nil && a.status < 300:
		return "" // it may be an object
	case err != nil:
		return err.Error()
	case a.status >= 400 && (root.XMLName.Local != "Error" || codes[Code(root.child("Code"))].status != a.status):
		return "another error than its status says"
	}
	return ""
}

// reference is a character as documents show those that XML 1.0 forbids.
var reference = regexp.MustCompile(`&#x?[0-9A-F]+;`)

// TestGrammar holds that the grammar finds its way: most of what it makes is
// understood, and every operation is asked for.
func TestGrammar(t *testing.T) {
	asked := map[string]bool{}
	for i := range operations {
		d := &dice{data: []byte{byte(i), 0}}
		g := d.generate()
		asked[g.method+" "+g.target] = true
	}
	if len(asked) < len(operations)*9/10 {
		t.Errorf("%d requests of %d operations", len(asked), len(operations))
	}
}
