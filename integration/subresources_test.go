package integration

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// freshBucket is what a bucket answers that nothing was ever done to, to the Get and
// List operations of the SDK that are about a bucket: 200, or an error. terraform
// and others ask all of them. An operation that the SDK has and that is not listed
// here fails the test.
var freshBucket = map[string]string{
	"GetBucketAbac":                              "200",
	"GetBucketAccelerateConfiguration":           "200",
	"GetBucketAcl":                               "200",
	"GetBucketAnalyticsConfiguration":            "404 NoSuchConfiguration",
	"GetBucketCors":                              "404 NoSuchCORSConfiguration",
	"GetBucketEncryption":                        "200",
	"GetBucketIntelligentTieringConfiguration":   "404 NoSuchConfiguration",
	"GetBucketInventoryConfiguration":            "404 NoSuchConfiguration",
	"GetBucketLifecycleConfiguration":            "404 NoSuchLifecycleConfiguration",
	"GetBucketLocation":                          "200",
	"GetBucketLogging":                           "200",
	"GetBucketMetadataConfiguration":             "404 MetadataConfigurationNotFound",
	"GetBucketMetadataTableConfiguration":        "404 MetadataTableConfigurationNotFound",
	"GetBucketMetricsConfiguration":              "404 NoSuchConfiguration",
	"GetBucketNotificationConfiguration":         "200",
	"GetBucketOwnershipControls":                 "200",
	"GetBucketPolicy":                            "404 NoSuchBucketPolicy",
	"GetBucketPolicyStatus":                      "404 NoSuchBucketPolicy",
	"GetBucketReplication":                       "404 ReplicationConfigurationNotFoundError",
	"GetBucketRequestPayment":                    "200",
	"GetBucketTagging":                           "404 NoSuchTagSet",
	"GetBucketVersioning":                        "200",
	"GetBucketWebsite":                           "404 NoSuchWebsiteConfiguration",
	"GetObjectLockConfiguration":                 "404 ObjectLockConfigurationNotFoundError",
	"GetPublicAccessBlock":                       "200",
	"ListBucketAnalyticsConfigurations":          "200",
	"ListBucketIntelligentTieringConfigurations": "200",
	"ListBucketInventoryConfigurations":          "200",
	"ListBucketMetricsConfigurations":            "200",
	"ListMultipartUploads":                       "200",
	"ListObjectVersions":                         "200",
	"ListObjects":                                "200",
	"ListObjectsV2":                              "200",
}

// notOfBuckets are the other Get and List operations of the SDK.
var notOfBuckets = map[string]bool{
	"GetObject": true, "GetObjectAcl": true, "GetObjectAttributes": true, "GetObjectLegalHold": true, "GetObjectRetention": true,
	"GetObjectTagging": true, "GetObjectTorrent": true, "GetObjectAnnotation": true, "ListObjectAnnotations": true,
	"ListBuckets": true, "ListDirectoryBuckets": true, "ListParts": true,
}

// TestFreshBucket asks every Get and List operation of aws-sdk-go-v2 about a bucket
// that is new, as "aws s3api get-bucket-*" would.
//
// spec: WI2.2-42, WI2.2-44
func TestFreshBucket(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	client := reflect.ValueOf(c.s3)
	asked := 0
	for i := range client.NumMethod() {
		name := client.Type().Method(i).Name
		if !strings.HasPrefix(name, "Get") && !strings.HasPrefix(name, "List") || notOfBuckets[name] {
			continue
		}
		asked++
		if got := outcome(client.Method(i), bucket); got != freshBucket[name] {
			t.Errorf("%s: %s, want %s", name, got, freshBucket[name])
		}
	}
	if asked < 30 {
		t.Errorf("%d operations were asked for", asked)
	}
}

// outcome calls an operation of the SDK for a bucket, and says how it ended.
func outcome(operation reflect.Value, bucket string) string {
	input := reflect.New(operation.Type().In(1).Elem())
	input.Elem().FieldByName("Bucket").Set(reflect.ValueOf(aws.String(bucket)))
	if id := input.Elem().FieldByName("Id"); id.IsValid() {
		id.Set(reflect.ValueOf(aws.String("id")))
	}
	results := operation.Call([]reflect.Value{reflect.ValueOf(context.Background()), input})
	err, _ := results[1].Interface().(error)
	if err == nil {
		return "200"
	}
	var answer *smithyhttp.ResponseError
	var fault smithy.APIError
	if !errors.As(err, &answer) || !errors.As(err, &fault) {
		return err.Error()
	}
	return strconv.Itoa(answer.HTTPStatusCode()) + " " + fault.ErrorCode()
}
