package api

import (
	"net/http"
	"slices"
)

// Code is an S3 error code.
type Code string

// codes is the one table of what each code answers (spec WI2.2): the status, the
// message unless the case has its own, and the elements that are filled in from
// the request.
var codes = map[Code]struct {
	status   int
	message  string
	elements []string
}{
	"AccessControlListNotSupported":              {400, "The bucket does not allow ACLs", nil},
	"AccessDenied":                               {403, "Access Denied", nil},
	"AccessForbidden":                            {403, "Access Forbidden", nil},
	"AuthorizationHeaderMalformed":               {400, "The authorization header is malformed.", nil},
	"AuthorizationQueryParametersError":          {400, "The query parameters of the authorization are malformed.", nil},
	"BadDigest":                                  {400, "The Content-MD5 you specified did not match what we received.", nil},
	"BadRequest":                                 {400, "Bad Request", nil},
	"BucketAlreadyExists":                        {409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.", []string{"BucketName"}},
	"BucketAlreadyOwnedByYou":                    {409, "Your previous request to create the named bucket succeeded and you already own it.", []string{"BucketName"}},
	"BucketNotEmpty":                             {409, "The bucket you tried to delete is not empty", []string{"BucketName"}},
	"ConditionalRequestConflict":                 {409, "The conditional request cannot succeed due to a conflicting operation against this resource.", nil},
	"DeleteConflict":                             {409, "Something still belongs to what is to be deleted.", nil},
	"EntityAlreadyExists":                        {409, "There is one of that name already.", nil},
	"EntityTooLarge":                             {400, "Your proposed upload exceeds the maximum allowed size", nil},
	"EntityTooSmall":                             {400, "Your proposed upload is smaller than the minimum allowed size", nil},
	"IllegalLocationConstraintException":         {400, "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.", nil},
	"IllegalVersioningConfigurationException":    {400, "The Versioning element must be specified", nil},
	"IncompleteBody":                             {400, "The request body terminated unexpectedly", nil},
	"InsufficientStorage":                        {507, "There is not enough free space to store the request.", nil},
	"InternalError":                              {500, "We encountered an internal error. Please try again.", nil},
	"InvalidAccessKeyId":                         {403, "The AWS Access Key Id you provided does not exist in our records.", nil},
	"InvalidArgument":                            {400, "Invalid Argument", nil},
	"InvalidBucketAclWithBlockPublicAccessError": {400, "Bucket cannot have public ACLs set with BlockPublicAccess enabled", nil},
	"InvalidBucketAclWithObjectOwnership":        {400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", nil},
	"InvalidBucketName":                          {400, "The specified bucket is not valid.", []string{"BucketName"}},
	"InvalidBucketOwnerAWSAccountID":             {400, "The value of the expected bucket owner parameter must be an AWS Account ID...", nil},
	"InvalidBucketState":                         {409, "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.", nil},
	"InvalidChunkSizeError":                      {400, "Only the last chunk is allowed to have a size less than 8192 bytes", nil},
	"InvalidDigest":                              {400, "The Content-MD5 you specified was invalid.", nil},
	"InvalidLocationConstraint":                  {400, "The specified location-constraint is not valid", nil},
	"InvalidObjectState":                         {403, "Restore is not allowed for the object's current storage class", nil},
	"InvalidPart":                                {400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.", []string{"UploadId"}},
	"InvalidPartNumber":                          {416, "The requested partnumber is not satisfiable", nil},
	"InvalidPartOrder":                           {400, "The list of parts was not in ascending order. Parts must be ordered by part number.", []string{"UploadId"}},
	"InvalidPolicyDocument":                      {400, "The content of the form does not meet the conditions specified in the policy document.", nil},
	"InvalidRange":                               {416, "The requested range is not satisfiable", nil},
	"InvalidRedirectLocation":                    {400, "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.", nil},
	"InvalidRequest":                             {400, "Invalid Request", nil},
	"InvalidStorageClass":                        {400, "The storage class you specified is not valid", nil},
	"InvalidTag":                                 {400, "The tag provided was not a valid tag.", nil},
	"InvalidToken":                               {400, "The provided token is malformed or otherwise invalid.", nil},
	"InvalidURI":                                 {400, "Couldn't parse the specified URI.", nil},
	"KeyTooLongError":                            {400, "Your key is too long", nil},
	"LimitExceeded":                              {409, "There are as many of these as there may be.", nil},
	"MalformedACLError":                          {400, "The XML you provided was not well-formed or did not validate against our published schema", nil},
	"MalformedPolicy":                            {400, "Policy is not well-formed", nil},
	"MalformedJSON":                              {400, "The document is not well-formed JSON.", nil},
	"MalformedPOSTRequest":                       {400, "The body of your POST request is not well-formed multipart/form-data.", nil},
	"MalformedTrailerError":                      {400, "The request contained trailing data that was not well-formed or did not conform to our published schema.", nil},
	"MalformedXML":                               {400, "The XML you provided was not well-formed or did not validate against our published schema", nil},
	"MaxMessageLengthExceeded":                   {400, "Your request was too big.", nil},
	"MaxPostPreDataLengthExceeded":               {400, "Your POST request fields preceeding the upload file was too large.", nil}, //nolint:misspell // so Amazon spells it
	"MetadataConfigurationNotFound":              {404, "The metadata configuration does not exist", []string{"BucketName"}},
	"MetadataTableConfigurationNotFound":         {404, "The metadata table configuration does not exist", []string{"BucketName"}},
	"MetadataTooLarge":                           {400, "Your metadata headers exceed the maximum allowed metadata size", nil},
	"MethodNotAllowed":                           {405, "The specified method is not allowed against this resource.", []string{"Method"}},
	"MissingContentLength":                       {411, "You must provide the Content-Length HTTP header.", nil},
	"MissingRequestBodyError":                    {400, "Request Body is empty", nil},
	"MissingSecurityHeader":                      {400, "Your request was missing a required header", nil},
	"NoSuchBucket":                               {404, "The specified bucket does not exist", []string{"BucketName"}},
	"NoSuchBucketPolicy":                         {404, "The bucket policy does not exist", []string{"BucketName"}},
	"NoSuchCORSConfiguration":                    {404, "The CORS configuration does not exist", []string{"BucketName"}},
	"NoSuchConfiguration":                        {404, "The specified configuration does not exist.", nil},
	"NoSuchEntity":                               {404, "There is no such account, user, key, policy or device.", nil},
	"NoSuchKey":                                  {404, "The specified key does not exist.", []string{"Key"}},
	"NoSuchLifecycleConfiguration":               {404, "The lifecycle configuration does not exist", []string{"BucketName"}},
	"NoSuchObjectLockConfiguration":              {404, "The specified object does not have a ObjectLock configuration", nil},
	"NoSuchPublicAccessBlockConfiguration":       {404, "The public access block configuration was not found", []string{"BucketName"}},
	"NoSuchTagSet":                               {404, "The TagSet does not exist", []string{"BucketName"}},
	"NoSuchUpload":                               {404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", []string{"UploadId"}},
	"NoSuchVersion":                              {404, "The specified version does not exist.", []string{"Key", "VersionId"}},
	"NoSuchWebsiteConfiguration":                 {404, "The specified bucket does not have a website configuration", []string{"BucketName"}},
	"NotFound":                                   {404, "There is nothing under this path.", nil},
	"NoTestClock":                                {400, "The clock of this server cannot be set: its data folder was not made with a test clock.", nil},
	"NotImplemented":                             {501, "A header you provided implies functionality that is not implemented", nil},
	"ObjectLockConfigurationNotFoundError":       {404, "Object Lock configuration does not exist for this bucket", []string{"BucketName"}},
	"OperationAborted":                           {409, "A conflicting conditional operation is currently in progress against this resource. Please try again.", nil},
	"OwnershipControlsNotFoundError":             {404, "The bucket ownership controls were not found", []string{"BucketName"}},
	"PermanentRedirect":                          {301, "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.", nil},
	"PreconditionFailed":                         {412, "At least one of the pre-conditions you specified did not hold", nil},
	"ReplicationConfigurationNotFoundError":      {404, "The replication configuration was not found", []string{"BucketName"}},
	"RequestHeaderSectionTooLarge":               {400, "Your request header section exceeds the maximum allowed request header section size.", nil},
	"RequestTimeTooSkewed":                       {403, "The difference between the request time and the server's time is too large.", nil},
	"RequestTimeout":                             {400, "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.", nil},
	"ServiceUnavailable":                         {503, "Please reduce your request rate.", nil},
	"SignatureDoesNotMatch":                      {403, "The request signature we calculated does not match the signature you provided. Check your key and signing method.", nil},
	"SlowDown":                                   {503, "Please reduce your request rate.", nil},
	"UnexpectedContent":                          {400, "This request does not support content", nil},
	"UnresolvableGrantByEmailAddress":            {400, "The email address that you provided does not match any account on record.", nil},
	"ValidationError":                            {400, "A value cannot be used.", nil},
	"XAmzContentSHA256Mismatch":                  {400, "The provided 'x-amz-content-sha256' header does not match what was computed.", nil},
}

// pair is an element of an error document, or a header.
type pair struct{ name, value string }

// failure is an answer that refuses a request.
type failure struct {
	code     Code
	message  string // empty for the code's own
	elements []pair // after those the code takes from the request, or in their place
	headers  []pair
	cause    error // what went wrong inside, for the log; nil if nothing did
}

// refuse returns the failure of a code with its own message, and elements given
// as name, value, name, value.
func refuse(code Code, elements ...string) *failure {
	return refuseWith(code, "", elements...)
}

// refuseWith is refuse with the message of the case.
func refuseWith(code Code, message string, elements ...string) *failure {
	f := &failure{code: code, message: message}
	for i := 0; i+1 < len(elements); i += 2 {
		f.elements = append(f.elements, pair{elements[i], elements[i+1]})
	}
	return f
}

// invalidArgument refuses the value of a parameter or header (spec WI2.2-18).
func invalidArgument(message, name, value string) *failure {
	return refuseWith("InvalidArgument", message, "ArgumentName", name, "ArgumentValue", value)
}

// notImplemented refuses a header whose function this server does not have.
func notImplemented(header, additional string) *failure {
	f := refuse("NotImplemented", "Header", header)
	if additional != "" {
		f.elements = append(f.elements, pair{"additionalMessage", additional})
	}
	return f
}

// status returns the HTTP status of f.
func (f *failure) status() int {
	if c, ok := codes[f.code]; ok {
		return c.status
	}
	return http.StatusInternalServerError
}

// says reports whether f has the named element itself.
func (f *failure) says(name string) bool {
	return slices.ContainsFunc(f.elements, func(e pair) bool { return e.name == name })
}

// text returns the message of f.
func (f *failure) text() string {
	if f.message != "" {
		return f.message
	}
	return codes[f.code].message
}

// Error returns code and message, and the cause if there is one.
func (f *failure) Error() string {
	s := string(f.code) + ": " + f.text()
	if f.cause != nil {
		s += ": " + f.cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.cause }
