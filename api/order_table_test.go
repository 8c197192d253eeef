package api

// orderOperation is an operation whose checks are played, and how it fails at the steps
// that are its own.
type orderOperation struct {
	name, method string
	ofBucket     bool
	query, body  string // {key} and {version} stand for what is requested
	headers      []string
	own          map[orderStep]orderFailure
	// perEntry says that permission, lookup and lock are those of an entry, which come
	// after what is judged once.
	perEntry bool
}

// orderFailure makes a request fail at a step.
type orderFailure struct {
	answer string // empty: that of orderAnswers
	make   func(*orderRequest)
}

func withHeader(name, value string) func(*orderRequest) {
	return func(r *orderRequest) { r.headers = append(r.headers, name, value) }
}

// The failures at the later steps.
var (
	orderBypass = orderFailure{"", func(r *orderRequest) {
		r.flags.noLock = true
		r.headers = append(r.headers, bypassHeader, "true")
	}}
	orderNoLock  = orderFailure{"InvalidRequest: Bucket is missing Object Lock Configuration", func(r *orderRequest) { r.flags.noLock = true }}
	orderNoToken = orderFailure{"", func(r *orderRequest) { r.flags.mfaDelete = true }}
	orderMFA     = orderFailure{"InvalidArgument: Mfa header is invalid", withHeader(mfaHeader, "nonsense")}
	orderStolen  = orderFailure{"AccessDenied: This operation may only be performed by the bucket owner", func(r *orderRequest) {
		r.flags.mfaDelete = true
		r.headers = append(r.headers, mfaHeader, "20899872 301749")
	}}
	orderMatch   = orderFailure{"", withHeader("If-Match", `"other"`)}
	orderNoKey   = orderFailure{"NoSuchKey: ", func(r *orderRequest) { r.key = "absent" }}
	orderHeld    = orderFailure{"", func(r *orderRequest) { r.key = "held" }}
	orderGoverns = orderFailure{"", func(r *orderRequest) { r.key = "governed" }}
)

const (
	orderRetention  = "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2026-01-02T04:00:00Z</RetainUntilDate></Retention>"
	orderHold       = "<LegalHold><Status>OFF</Status></LegalHold>"
	orderVersioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
	orderEntry      = "<Delete><Object><Key>{key}</Key><VersionId>{version}</VersionId></Object></Delete>"
	orderEntryETag  = `<Delete><Object><Key>{key}</Key><ETag>"other"</ETag></Object></Delete>`
)

var orderOperations = []orderOperation{
	{name: "GetObject", method: "GET", query: "?x-id=GetObject", own: map[orderStep]orderFailure{stepLookup: orderMatch}},
	{name: "GetObject of a version", method: "GET", query: "?versionId={version}", own: map[orderStep]orderFailure{
		stepHeaders: {"InvalidArgument: Invalid version id", func(r *orderRequest) { r.version = "abc" }}, stepLookup: orderMatch,
	}},
	{name: "PutObject", method: "PUT", query: "?x-id=PutObject", body: "x", own: map[orderStep]orderFailure{
		stepHeaders: {"InvalidArgument: ", withHeader(lockHoldHeader, "maybe")}, stepLookup: orderMatch,
	}},
	{name: "DeleteObject", method: "DELETE", query: "?x-id=DeleteObject", own: map[orderStep]orderFailure{
		stepBypass: orderBypass, stepMFA: orderMFA, stepLookup: orderMatch,
	}},
	{name: "DeleteObject of a version", method: "DELETE", query: "?versionId={version}", own: map[orderStep]orderFailure{
		stepHeaders: {"InvalidArgument: Invalid version id", func(r *orderRequest) { r.version = "abc" }},
		stepBypass:  orderBypass, stepMFA: orderNoToken, stepLock: orderHeld,
	}},
	{name: "DeleteObject of a version by governance", method: "DELETE", query: "?versionId={version}", own: map[orderStep]orderFailure{
		stepBypass: orderBypass, stepMFA: orderStolen, stepLock: orderGoverns,
	}},
	{name: "PutObjectRetention", method: "PUT", query: "?retention", body: orderRetention, own: map[orderStep]orderFailure{
		stepHeaders: {"MalformedXML: ", func(r *orderRequest) { r.body = "<Retention><Mode>x</Mode></Retention>" }},
		stepBypass:  orderNoLock, stepLookup: orderNoKey, stepLock: orderGoverns,
	}},
	{name: "PutObjectLegalHold", method: "PUT", query: "?legal-hold", body: orderHold, own: map[orderStep]orderFailure{
		stepHeaders: {"MalformedXML: ", func(r *orderRequest) { r.body = "<LegalHold/>" }},
		stepBypass:  orderNoLock, stepLookup: orderNoKey,
	}},
	{name: "GetObjectRetention", method: "GET", query: "?retention", own: map[orderStep]orderFailure{
		stepBypass: orderNoLock, stepLookup: orderNoKey,
	}},
	{name: "GetObjectLegalHold", method: "GET", query: "?legal-hold", own: map[orderStep]orderFailure{
		stepBypass: orderNoLock, stepLookup: orderNoKey,
	}},
	{name: "PutBucketVersioning", method: "PUT", ofBucket: true, query: "?versioning", body: orderVersioning, own: map[orderStep]orderFailure{
		stepMFA: orderNoToken,
	}},
	{name: "DeleteObjects", method: "POST", ofBucket: true, query: "?delete", body: orderEntry, perEntry: true, own: map[orderStep]orderFailure{
		stepHeaders: {"MalformedXML: ", func(r *orderRequest) { r.body = "<Delete><What/></Delete>" }},
		stepBypass:  orderBypass, stepMFA: orderNoToken, stepLock: orderHeld,
	}},
	{name: "DeleteObjects by keys", method: "POST", ofBucket: true, query: "?delete", body: "<Delete><Object><Key>{key}</Key></Object></Delete>", perEntry: true,
		own: map[orderStep]orderFailure{
			stepBypass: orderBypass, stepMFA: orderMFA, stepLookup: {"", func(r *orderRequest) { r.body = orderEntryETag }},
		}},
}

// order returns the steps that the operation can fail at, in their order.
func (op *orderOperation) order() []orderStep {
	var whole, entry []orderStep
	for step := range orderSteps {
		switch _, own := op.own[step]; {
		case orderFailures[step] == nil && !own:
		case op.perEntry && (step == stepPolicy || step >= stepLookup):
			entry = append(entry, step)
		default:
			whole = append(whole, step)
		}
	}
	return append(whole, entry...)
}

// failures returns what makes a request fail at a step.
func (op *orderOperation) failures(step orderStep) func(*orderRequest) {
	if f, own := op.own[step]; own {
		return f.make
	}
	return orderFailures[step]
}

// answer returns what such a request is answered.
func (op *orderOperation) answer(step orderStep) string {
	if f := op.own[step]; f.answer != "" {
		return f.answer
	}
	return orderAnswers[step]
}

// impossible reports whether no request fails at both steps: what is locked is in a bucket
// with Object Lock, and only there.
func (op *orderOperation) impossible(first, second orderStep) bool {
	return first == stepBypass && second == stepLock
}
