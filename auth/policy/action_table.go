package policy

import (
	"slices"
	"strings"
)

// actions is the table of what can be asked for: the objects' and buckets'
// actions with the ACL permission that grants each (A-UG:acl-overview, "Mapping
// of ACL permissions and access policy permissions"), then those of other
// resources of S3, which only policies of users name, then the server's own.
var actions = slices.Concat([]Action{
	{Name: "s3:AbortMultipartUpload", Level: ObjectLevel},
	{Name: "s3:BypassGovernanceRetention", Level: ObjectLevel},
	{Name: "s3:DeleteObject", Level: ObjectLevel, grant: Write, list: bucketList},
	{Name: "s3:DeleteObjectAnnotation", Level: ObjectLevel},
	{Name: "s3:DeleteObjectTagging", Level: ObjectLevel},
	{Name: "s3:DeleteObjectVersion", Level: ObjectLevel, Versioned: true},
	{Name: "s3:DeleteObjectVersionAnnotation", Level: ObjectLevel, Versioned: true},
	{Name: "s3:DeleteObjectVersionTagging", Level: ObjectLevel, Versioned: true},
	{Name: "s3:GetObject", Level: ObjectLevel, grant: Read, list: objectList},
	{Name: "s3:GetObjectAcl", Level: ObjectLevel, grant: ReadACP, list: objectList},
	{Name: "s3:GetObjectAnnotation", Level: ObjectLevel},
	{Name: "s3:GetObjectAttributes", Level: ObjectLevel},
	{Name: "s3:GetObjectLegalHold", Level: ObjectLevel},
	{Name: "s3:GetObjectRetention", Level: ObjectLevel},
	{Name: "s3:GetObjectTagging", Level: ObjectLevel},
	{Name: "s3:GetObjectTorrent", Level: ObjectLevel},
	{Name: "s3:GetObjectVersion", Level: ObjectLevel, Versioned: true, grant: Read, list: objectList},
	{Name: "s3:GetObjectVersionAcl", Level: ObjectLevel, Versioned: true, grant: ReadACP, list: objectList},
	{Name: "s3:GetObjectVersionAnnotation", Level: ObjectLevel, Versioned: true},
	{Name: "s3:GetObjectVersionAttributes", Level: ObjectLevel, Versioned: true},
	{Name: "s3:GetObjectVersionForReplication", Level: ObjectLevel, Versioned: true},
	{Name: "s3:GetObjectVersionTagging", Level: ObjectLevel, Versioned: true},
	{Name: "s3:GetObjectVersionTorrent", Level: ObjectLevel, Versioned: true},
	{Name: "s3:InitiateReplication", Level: ObjectLevel},
	{Name: "s3:ListMultipartUploadParts", Level: ObjectLevel},
	{Name: "s3:ListObjectAnnotations", Level: ObjectLevel},
	{Name: "s3:ListObjectVersionAnnotations", Level: ObjectLevel, Versioned: true},
	{Name: "s3:ObjectOwnerOverrideToBucketOwner", Level: ObjectLevel},
	{Name: "s3:PutObject", Level: ObjectLevel, grant: Write, list: bucketList},
	{Name: "s3:PutObjectAcl", Level: ObjectLevel, grant: WriteACP, list: objectList},
	{Name: "s3:PutObjectAnnotation", Level: ObjectLevel},
	{Name: "s3:PutObjectLegalHold", Level: ObjectLevel},
	{Name: "s3:PutObjectRetention", Level: ObjectLevel},
	{Name: "s3:PutObjectTagging", Level: ObjectLevel},
	{Name: "s3:PutObjectVersionAcl", Level: ObjectLevel, Versioned: true, grant: WriteACP, list: objectList},
	{Name: "s3:PutObjectVersionAnnotation", Level: ObjectLevel, Versioned: true},
	{Name: "s3:PutObjectVersionTagging", Level: ObjectLevel, Versioned: true},
	{Name: "s3:ReplicateDelete", Level: ObjectLevel},
	{Name: "s3:ReplicateObject", Level: ObjectLevel},
	{Name: "s3:ReplicateTags", Level: ObjectLevel},
	{Name: "s3:RestoreObject", Level: ObjectLevel},
	{Name: "s3:UpdateObjectEncryption", Level: ObjectLevel},
	{Name: "s3:GetBucketAcl", Level: BucketLevel, grant: ReadACP, list: bucketList},
	{Name: "s3:ListBucket", Level: BucketLevel, grant: Read, list: bucketList},
	{Name: "s3:ListBucketMultipartUploads", Level: BucketLevel, grant: Read, list: bucketList},
	{Name: "s3:ListBucketVersions", Level: BucketLevel, grant: Read, list: bucketList},
	{Name: "s3:PutBucketAcl", Level: BucketLevel, grant: WriteACP, list: bucketList},
}, named(BucketLevel, "s3:", bucketActions),
	named(ServiceLevel, "s3:", serviceActions),
	named(ServiceLevel, ownPrefix, ownActions))

// ownPrefix begins the server's own actions.
const ownPrefix = "tombstone:"

// bucketActions are those on buckets that no ACL grants.
const bucketActions = `
	CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration
	DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac
	GetBucketCORS GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification
	GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
	GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite
	GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration
	GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration ListTagsForResource
	PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketCORS PutBucketLogging
	PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy
	PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
	PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration
	PutLifecycleConfiguration PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource
	UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
	UpdateBucketMetadataJournalTableConfiguration`

// serviceActions are those on the account, on access points, jobs, grants and
// dashboards. The server has no such things but for the first; policies that
// come from elsewhere name them.
const serviceActions = `
	ListAllMyBuckets
	AssociateAccessGrantsIdentityCenter CreateAccessGrant CreateAccessGrantsInstance CreateAccessGrantsLocation
	CreateAccessPoint CreateAccessPointForObjectLambda CreateJob CreateMultiRegionAccessPoint
	CreateStorageLensGroup DeleteAccessGrant DeleteAccessGrantsInstance
	DeleteAccessGrantsInstanceResourcePolicy DeleteAccessGrantsLocation DeleteAccessPoint
	DeleteAccessPointForObjectLambda DeleteAccessPointPolicy DeleteAccessPointPolicyForObjectLambda
	DeleteJobTagging DeleteMultiRegionAccessPoint DeleteStorageLensConfiguration
	DeleteStorageLensConfigurationTagging DeleteStorageLensGroup DescribeJob
	DescribeMultiRegionAccessPointOperation DissociateAccessGrantsIdentityCenter GetAccessGrant
	GetAccessGrantsInstance GetAccessGrantsInstanceForPrefix GetAccessGrantsInstanceResourcePolicy
	GetAccessGrantsLocation GetAccessPoint GetAccessPointConfigurationForObjectLambda
	GetAccessPointForObjectLambda GetAccessPointPolicy GetAccessPointPolicyForObjectLambda
	GetAccessPointPolicyStatus GetAccessPointPolicyStatusForObjectLambda GetAccountPublicAccessBlock
	GetDataAccess GetJobTagging GetMultiRegionAccessPoint GetMultiRegionAccessPointPolicy
	GetMultiRegionAccessPointPolicyStatus GetMultiRegionAccessPointRoutes GetStorageLensConfiguration
	GetStorageLensConfigurationTagging GetStorageLensDashboard GetStorageLensGroup ListAccessGrants
	ListAccessGrantsInstances ListAccessGrantsLocations ListAccessPoints ListAccessPointsForObjectLambda
	ListCallerAccessGrants ListJobs ListMultiRegionAccessPoints ListStorageLensConfigurations
	ListStorageLensGroups PauseReplication PutAccessGrantsInstanceResourcePolicy
	PutAccessPointConfigurationForObjectLambda PutAccessPointPolicy PutAccessPointPolicyForObjectLambda
	PutAccessPointPublicAccessBlock PutAccountPublicAccessBlock PutJobTagging
	PutMultiRegionAccessPointPolicy PutStorageLensConfiguration PutStorageLensConfigurationTagging
	SubmitMultiRegionAccessPointRoutes UpdateAccessGrantsLocation UpdateJobPriority UpdateJobStatus
	UpdateStorageLensGroup`

// ownActions are the server's own, of its admin endpoints. Each endpoint names one
// of them; a policy can name no other.
const ownActions = `
	AcceptClockStep AttachUserPolicy CancelJob CreateAccessKey CreateAccount CreateUser DeleteAccessKey DeleteAccount
	DeletePolicy DeleteUser DeleteUserPolicy DetachUserPolicy EmptyBucket EnrollMFADevice ExplainBucket ExplainPolicy GetClock
	GetLifecycleStatus GetPolicy ListAccessKeys ListAccounts ListJobs ListLocks ListMFADevices ListPolicies
	ListUserPolicies ListUsers PreviewLifecycle PutPolicy PutUserPolicy ReadLedger RemoveMFADevice RunLifecycle SetClock
	Undelete UpdateAccessKey VerifyLedger VerifyLocks`

// named returns actions of a level by their names.
func named(level Level, service, names string) []Action {
	var list []Action
	for name := range strings.FieldsSeq(names) {
		list = append(list, Action{Name: service + name, Level: level})
	}
	return list
}
