package api

import (
	"net/http"
	"strings"
)

// operation is one line of the table: how a request that asks for it looks, what
// policies call it, and how it is done.
type operation struct {
	method string
	level  level
	// sub is the sub-resource: a query parameter that names what of the bucket or
	// object the request is about. Empty: the bucket or object itself.
	sub string
	// variant tells operations apart that share the rest: "name" is a query
	// parameter, "name=value" one with a value, "name:" a header. The first line
	// whose variant fits wins, so the one without comes last.
	variant string
	name    string
	// action is what policies call it, for a request without and with a versionId
	// (spec AP1). No versioned action: a versionId is refused (spec VD4-21).
	action, versioned string
	// prepare does the operation. Nil: not implemented.
	prepare prepareFunc
}

// prepareFunc reads what an operation asks for, and refuses what is malformed,
// before policy is asked (spec AP3.1-7). What it returns is run after that.
type prepareFunc func(*exchange) (task, error)

const (
	get    = http.MethodGet
	head   = http.MethodHead
	put    = http.MethodPut
	post   = http.MethodPost
	remove = http.MethodDelete
)

// operations is THE TABLE: every operation of the S3 API on general purpose
// buckets. It is never changed.
var operations = []operation{
	{get, service, "", "", "ListBuckets", "s3:ListAllMyBuckets", "", prepareListBuckets},

	{put, bucket, "", "", "CreateBucket", "s3:CreateBucket", "", prepareCreateBucket},
	{head, bucket, "", "", "HeadBucket", "s3:ListBucket", "", prepareHeadBucket},
	{remove, bucket, "", "", "DeleteBucket", "s3:DeleteBucket", "", prepareDeleteBucket},
	{get, bucket, "location", "", "GetBucketLocation", "s3:GetBucketLocation", "", prepareGetBucketLocation},
	{get, bucket, "versioning", "", "GetBucketVersioning", "s3:GetBucketVersioning", "", prepareGetBucketVersioning},
	{put, bucket, "versioning", "", "PutBucketVersioning", "s3:PutBucketVersioning", "", preparePutBucketVersioning},

	{get, bucket, "", "list-type=2", "ListObjectsV2", "s3:ListBucket", "", prepareListObjectsV2},
	{get, bucket, "", "", "ListObjects", "s3:ListBucket", "", prepareListObjects},
	{get, bucket, "versions", "", "ListObjectVersions", "s3:ListBucketVersions", "", prepareListObjectVersions},
	{get, bucket, "uploads", "", "ListMultipartUploads", "s3:ListBucketMultipartUploads", "", prepareListMultipartUploads},
	{post, bucket, "delete", "", "DeleteObjects", "s3:DeleteObject", "", prepareDeleteObjects},
	{post, bucket, "", "", "PostObject", "s3:PutObject", "", preparePostObject},

	{get, object, "", "", "GetObject", "s3:GetObject", "s3:GetObjectVersion", prepareGetObject},
	{head, object, "", "", "HeadObject", "s3:GetObject", "s3:GetObjectVersion", prepareHeadObject},
	{put, object, "", "partNumber", "UploadPart", "s3:PutObject", "", prepareUploadPart},
	{put, object, "", "x-amz-copy-source:", "CopyObject", "s3:PutObject", "", prepareCopyObject},
	{put, object, "", "", "PutObject", "s3:PutObject", "", preparePutObject},
	{remove, object, "", "", "DeleteObject", "s3:DeleteObject", "s3:DeleteObjectVersion", prepareDeleteObject},

	{post, object, "uploads", "", "CreateMultipartUpload", "s3:PutObject", "", prepareCreateMultipartUpload},
	{put, object, "uploadId", "x-amz-copy-source:", "UploadPartCopy", "s3:PutObject", "", prepareUploadPartCopy},
	{put, object, "uploadId", "", "UploadPart", "s3:PutObject", "", prepareUploadPart},
	{post, object, "uploadId", "", "CompleteMultipartUpload", "s3:PutObject", "", prepareCompleteMultipartUpload},
	{remove, object, "uploadId", "", "AbortMultipartUpload", "s3:AbortMultipartUpload", "", prepareAbortMultipartUpload},
	{get, object, "uploadId", "", "ListParts", "s3:ListMultipartUploadParts", "", prepareListParts},

	{get, object, "attributes", "", "GetObjectAttributes", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", prepareGetObjectAttributes},
	{get, object, "acl", "", "GetObjectAcl", "s3:GetObjectAcl", "s3:GetObjectVersionAcl", prepareGetObjectACL},
	{put, object, "acl", "", "PutObjectAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", preparePutObjectACL},
	{get, object, "tagging", "", "GetObjectTagging", "s3:GetObjectTagging", "s3:GetObjectVersionTagging", prepareGetObjectTagging},
	{put, object, "tagging", "", "PutObjectTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging", preparePutObjectTagging},
	{remove, object, "tagging", "", "DeleteObjectTagging", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging", prepareDeleteObjectTagging},
	{get, object, "retention", "", "GetObjectRetention", "s3:GetObjectRetention", "s3:GetObjectRetention", prepareGetObjectRetention},
	{put, object, "retention", "", "PutObjectRetention", "s3:PutObjectRetention", "s3:PutObjectRetention", preparePutObjectRetention},
	{get, object, "legal-hold", "", "GetObjectLegalHold", "s3:GetObjectLegalHold", "s3:GetObjectLegalHold", prepareGetObjectLegalHold},
	{put, object, "legal-hold", "", "PutObjectLegalHold", "s3:PutObjectLegalHold", "s3:PutObjectLegalHold", preparePutObjectLegalHold},
	{get, object, "annotation", "annotationName", "GetObjectAnnotation", "s3:GetObjectAnnotation", "s3:GetObjectVersionAnnotation", nil},
	{get, object, "annotation", "", "ListObjectAnnotations", "s3:ListObjectAnnotations", "s3:ListObjectVersionAnnotations", nil},
	{put, object, "annotation", "", "PutObjectAnnotation", "s3:PutObjectAnnotation", "s3:PutObjectVersionAnnotation", nil},
	{remove, object, "annotation", "", "DeleteObjectAnnotation", "s3:DeleteObjectAnnotation", "s3:DeleteObjectVersionAnnotation", nil},
	{get, object, "torrent", "", "GetObjectTorrent", "s3:GetObject", "s3:GetObjectVersion", nil},
	{post, object, "restore", "", "RestoreObject", "s3:RestoreObject", "s3:RestoreObject", prepareRestoreObject},
	{post, object, "select", "", "SelectObjectContent", "s3:GetObject", "", nil},
	{put, object, "renameObject", "", "RenameObject", "s3:PutObject", "", nil},
	{put, object, "encryption", "", "UpdateObjectEncryption", "s3:UpdateObjectEncryption", "s3:UpdateObjectEncryption", nil},

	{get, bucket, "abac", "", "GetBucketAbac", "s3:GetBucketAbac", "", prepareGetUnchanging},
	{put, bucket, "abac", "", "PutBucketAbac", "s3:PutBucketAbac", "", preparePutUnchanging},
	{get, bucket, "accelerate", "", "GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration", "", prepareGetKept},
	{put, bucket, "accelerate", "", "PutBucketAccelerateConfiguration", "s3:PutAccelerateConfiguration", "", preparePutKept},
	{get, bucket, "acl", "", "GetBucketAcl", "s3:GetBucketAcl", "", prepareGetBucketACL},
	{put, bucket, "acl", "", "PutBucketAcl", "s3:PutBucketAcl", "", preparePutBucketACL},
	{get, bucket, "analytics", "id", "GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration", "", prepareGetUnset},
	{get, bucket, "analytics", "", "ListBucketAnalyticsConfigurations", "s3:GetAnalyticsConfiguration", "", prepareListUnset},
	{put, bucket, "analytics", "", "PutBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration", "", nil},
	{remove, bucket, "analytics", "", "DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration", "", prepareDeleteUnset},
	{get, bucket, "cors", "", "GetBucketCors", "s3:GetBucketCORS", "", prepareGetKept},
	{put, bucket, "cors", "", "PutBucketCors", "s3:PutBucketCORS", "", preparePutKept},
	{remove, bucket, "cors", "", "DeleteBucketCors", "s3:PutBucketCORS", "", prepareDeleteKept},
	{get, bucket, "encryption", "", "GetBucketEncryption", "s3:GetEncryptionConfiguration", "", prepareGetKept},
	{put, bucket, "encryption", "", "PutBucketEncryption", "s3:PutEncryptionConfiguration", "", preparePutKept},
	{remove, bucket, "encryption", "", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration", "", prepareDeleteKept},
	{get, bucket, "intelligent-tiering", "id", "GetBucketIntelligentTieringConfiguration", "s3:GetIntelligentTieringConfiguration", "", prepareGetUnset},
	{get, bucket, "intelligent-tiering", "", "ListBucketIntelligentTieringConfigurations", "s3:GetIntelligentTieringConfiguration", "", prepareListUnset},
	{put, bucket, "intelligent-tiering", "", "PutBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration", "", nil},
	{remove, bucket, "intelligent-tiering", "", "DeleteBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration", "", prepareDeleteUnset},
	{get, bucket, "inventory", "id", "GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration", "", prepareGetUnset},
	{get, bucket, "inventory", "", "ListBucketInventoryConfigurations", "s3:GetInventoryConfiguration", "", prepareListUnset},
	{put, bucket, "inventory", "", "PutBucketInventoryConfiguration", "s3:PutInventoryConfiguration", "", nil},
	{remove, bucket, "inventory", "", "DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration", "", prepareDeleteUnset},
	{get, bucket, "lifecycle", "", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", "", prepareGetBucketLifecycle},
	{put, bucket, "lifecycle", "", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", "", preparePutBucketLifecycle},
	{remove, bucket, "lifecycle", "", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration", "", prepareDeleteBucketLifecycle},
	{get, bucket, "logging", "", "GetBucketLogging", "s3:GetBucketLogging", "", prepareGetEmptied},
	{put, bucket, "logging", "", "PutBucketLogging", "s3:PutBucketLogging", "", preparePutEmptied},
	{post, bucket, "metadataConfiguration", "", "CreateBucketMetadataConfiguration", "s3:CreateBucketMetadataTableConfiguration", "", nil},
	{get, bucket, "metadataConfiguration", "", "GetBucketMetadataConfiguration", "s3:GetBucketMetadataTableConfiguration", "", prepareGetUnset},
	{remove, bucket, "metadataConfiguration", "", "DeleteBucketMetadataConfiguration", "s3:DeleteBucketMetadataTableConfiguration", "", prepareDeleteUnset},
	{post, bucket, "metadataTable", "", "CreateBucketMetadataTableConfiguration", "s3:CreateBucketMetadataTableConfiguration", "", nil},
	{get, bucket, "metadataTable", "", "GetBucketMetadataTableConfiguration", "s3:GetBucketMetadataTableConfiguration", "", prepareGetUnset},
	{remove, bucket, "metadataTable", "", "DeleteBucketMetadataTableConfiguration", "s3:DeleteBucketMetadataTableConfiguration", "", prepareDeleteUnset},
	{put, bucket, "metadataAnnotationTable", "", "UpdateBucketMetadataAnnotationTableConfiguration", "s3:UpdateBucketMetadataAnnotationTableConfiguration", "", nil},
	{put, bucket, "metadataInventoryTable", "", "UpdateBucketMetadataInventoryTableConfiguration", "s3:UpdateBucketMetadataInventoryTableConfiguration", "", nil},
	{put, bucket, "metadataJournalTable", "", "UpdateBucketMetadataJournalTableConfiguration", "s3:UpdateBucketMetadataJournalTableConfiguration", "", nil},
	{get, bucket, "metrics", "id", "GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration", "", prepareGetUnset},
	{get, bucket, "metrics", "", "ListBucketMetricsConfigurations", "s3:GetMetricsConfiguration", "", prepareListUnset},
	{put, bucket, "metrics", "", "PutBucketMetricsConfiguration", "s3:PutMetricsConfiguration", "", nil},
	{remove, bucket, "metrics", "", "DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration", "", prepareDeleteUnset},
	{get, bucket, "notification", "", "GetBucketNotificationConfiguration", "s3:GetBucketNotification", "", prepareGetEmptied},
	{put, bucket, "notification", "", "PutBucketNotificationConfiguration", "s3:PutBucketNotification", "", preparePutEmptied},
	{get, bucket, "object-lock", "", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration", "", prepareGetObjectLockConfiguration},
	{put, bucket, "object-lock", "", "PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration", "", preparePutObjectLockConfiguration},
	{get, bucket, "ownershipControls", "", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", "", prepareGetKept},
	{put, bucket, "ownershipControls", "", "PutBucketOwnershipControls", "s3:PutBucketOwnershipControls", "", preparePutKept},
	{remove, bucket, "ownershipControls", "", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls", "", prepareDeleteKept},
	{get, bucket, "policy", "", "GetBucketPolicy", "s3:GetBucketPolicy", "", prepareGetBucketPolicy},
	{put, bucket, "policy", "", "PutBucketPolicy", "s3:PutBucketPolicy", "", preparePutBucketPolicy},
	{remove, bucket, "policy", "", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", "", prepareDeleteBucketPolicy},
	{get, bucket, "policyStatus", "", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", "", prepareGetBucketPolicyStatus},
	{get, bucket, "publicAccessBlock", "", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", "", prepareGetKept},
	{put, bucket, "publicAccessBlock", "", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", "", preparePutKept},
	{remove, bucket, "publicAccessBlock", "", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock", "", prepareDeleteKept},
	{get, bucket, "replication", "", "GetBucketReplication", "s3:GetReplicationConfiguration", "", prepareGetUnset},
	{put, bucket, "replication", "", "PutBucketReplication", "s3:PutReplicationConfiguration", "", nil},
	{remove, bucket, "replication", "", "DeleteBucketReplication", "s3:PutReplicationConfiguration", "", prepareDeleteUnset},
	{get, bucket, "requestPayment", "", "GetBucketRequestPayment", "s3:GetBucketRequestPayment", "", prepareGetKept},
	{put, bucket, "requestPayment", "", "PutBucketRequestPayment", "s3:PutBucketRequestPayment", "", preparePutKept},
	{get, bucket, "session", "", "CreateSession", "s3express:CreateSession", "", nil},
	{get, bucket, "tagging", "", "GetBucketTagging", "s3:GetBucketTagging", "", prepareGetKept},
	{put, bucket, "tagging", "", "PutBucketTagging", "s3:PutBucketTagging", "", preparePutKept},
	{remove, bucket, "tagging", "", "DeleteBucketTagging", "s3:PutBucketTagging", "", prepareDeleteKept},
	{get, bucket, "website", "", "GetBucketWebsite", "s3:GetBucketWebsite", "", prepareGetUnset},
	{put, bucket, "website", "", "PutBucketWebsite", "s3:PutBucketWebsite", "", nil},
	{remove, bucket, "website", "", "DeleteBucketWebsite", "s3:DeleteBucketWebsite", "", prepareDeleteUnset},

	{http.MethodOptions, bucket, "", "", "PreflightBucket", "s3:Preflight", "", preparePreflight},
	{http.MethodOptions, object, "", "", "PreflightObject", "s3:Preflight", "s3:Preflight", preparePreflight},
}

// parameters are the query parameters, besides the sub-resources, that decide
// what is done. Each may be sent once.
var parameters = []string{
	"versionId", "partNumber", "list-type", "prefix", "delimiter", "encoding-type", "max-keys",
	"marker", "start-after", "continuation-token", "fetch-owner", "key-marker", "version-id-marker",
	"upload-id-marker", "max-uploads", "part-number-marker", "max-parts", "max-buckets", "bucket-region", "response-content-type", "response-content-language",
	"response-expires", "response-cache-control", "response-content-disposition", "response-content-encoding",
}

// tableKey is what a request is looked up by.
type tableKey struct {
	method string
	level  level
	sub    string
}

// operationTable is the table in the form that requests are looked up in.
type operationTable struct {
	lines   map[tableKey][]operation
	methods map[tableKey][]string // by level and sub-resource, the method left empty
	decides map[string]bool       // parameters and sub-resources
}

func newOperationTable(lines []operation) *operationTable {
	t := &operationTable{
		lines:   make(map[tableKey][]operation),
		methods: make(map[tableKey][]string),
		decides: make(map[string]bool),
	}
	for _, op := range lines {
		k := tableKey{op.method, op.level, op.sub}
		if len(t.lines[k]) == 0 {
			resource := tableKey{level: op.level, sub: op.sub}
			t.methods[resource] = append(t.methods[resource], op.method)
		}
		t.lines[k] = append(t.lines[k], op)
		t.decides[op.sub] = op.sub != ""
	}
	for _, name := range parameters {
		t.decides[name] = true
	}
	return t
}

// known reports whether sub is a sub-resource at l, whatever the method.
func (t *operationTable) known(l level, sub string) bool {
	return sub != "" && len(t.methods[tableKey{level: l, sub: sub}]) > 0
}

// find returns the operation that a request asks for.
func (t *operationTable) find(r *http.Request, l level, q query) (*operation, error) {
	sub, err := t.subresource(r.Method, l, q)
	if r.Method == http.MethodOptions {
		sub, err = "", nil // the query is that of a request to come
	}
	if err != nil {
		return nil, err
	}
	lines := t.lines[tableKey{r.Method, l, sub}]
	for i := range lines {
		if lines[i].fits(r, q) {
			return &lines[i], nil
		}
	}
	f := refuse("MethodNotAllowed", "ResourceType", l.String())
	f.headers = []pair{{"Allow", strings.Join(t.methods[tableKey{level: l, sub: sub}], ", ")}}
	return nil, f
}

// subresource returns the one sub-resource that q names. Parameters that are none
// anywhere say nothing (spec WI2-2); one of another level is not passed over, nor
// is one of two.
func (t *operationTable) subresource(method string, l level, q query) (string, error) {
	sub := ""
	for _, p := range q {
		switch {
		case p.name == sub:
		case !t.known(l, p.name):
			if t.known(bucket, p.name) || t.known(object, p.name) {
				return "", misplaced(l, p.name)
			}
		case sub != "":
			return "", invalidArgument("Conflicting query string parameters: "+sub+", "+p.name, "ResourceType", sub)
		default:
			sub = p.name
		}
	}
	if sub == "uploads" && l == object && method == get {
		return "", refuseWith("InvalidRequest", "Key is not expected for the GET method ?uploads subresource")
	}
	return sub, nil
}

// misplaced refuses a sub-resource that the level does not have (spec LS2-20).
func misplaced(l level, sub string) error {
	of := map[level]string{service: "the service", bucket: "a bucket", object: "a key"}[l]
	return refuseWith("InvalidRequest", "There is no such thing as the ?"+sub+" sub-resource for "+of)
}

// fits reports whether r is what the operation's variant asks for.
func (op *operation) fits(r *http.Request, q query) bool {
	if op.variant == "" {
		return true
	}
	if header, ok := strings.CutSuffix(op.variant, ":"); ok {
		return len(r.Header[http.CanonicalHeaderKey(header)]) > 0
	}
	name, want, exact := strings.Cut(op.variant, "=")
	value, sent := q.lookup(name)
	return sent && (!exact || value == want)
}
