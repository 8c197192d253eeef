#!/usr/bin/env bash
# Asks for every setting of a new bucket and object with "aws s3api", as
# inventory scripts and infrastructure tools do: each is answered with its
# default or with S3's own code for "not set", never with 501 or 500.
#
#   aws_probes.sh ENDPOINT BUCKET
set -euo pipefail
endpoint=$1 bucket=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

api() { aws --endpoint-url "$endpoint" --output text s3api "$@"; }

# probe WANTED OPERATION [ARGUMENT...]: WANTED is an error code, or "ok".
failed=0
probe() {
	local wanted=$1 operation=$2 found=ok
	shift 2
	api "$operation" --bucket "$bucket" "$@" >"$work/out" 2>&1 ||
		found=$(sed -n 's/.*An error occurred (\([^)]*\)).*/\1/p' "$work/out")
	[ "$found" = "$wanted" ] || { echo "aws: $operation: wanted $wanted, found $found: $(tail -n 1 "$work/out")" >&2; failed=1; }
}

api create-bucket --bucket "$bucket" >/dev/null
echo body >"$work/body"
api put-object --bucket "$bucket" --key k --body "$work/body" >/dev/null

probe ok get-bucket-location
probe ok get-bucket-acl
probe ok get-bucket-versioning
probe ok get-bucket-encryption
probe ok get-bucket-request-payment
probe ok get-bucket-ownership-controls
probe ok get-public-access-block
probe ok get-bucket-logging
probe ok get-bucket-notification-configuration
probe ok get-bucket-accelerate-configuration
probe ok list-bucket-analytics-configurations
probe ok list-bucket-inventory-configurations
probe ok list-bucket-metrics-configurations
probe ok list-bucket-intelligent-tiering-configurations
probe NoSuchBucketPolicy get-bucket-policy
probe NoSuchBucketPolicy get-bucket-policy-status
probe NoSuchTagSet get-bucket-tagging
probe NoSuchCORSConfiguration get-bucket-cors
probe NoSuchLifecycleConfiguration get-bucket-lifecycle-configuration
probe NoSuchWebsiteConfiguration get-bucket-website
probe ReplicationConfigurationNotFoundError get-bucket-replication
probe ObjectLockConfigurationNotFoundError get-object-lock-configuration
probe ok get-object-acl --key k
probe ok get-object-tagging --key k
probe ok get-object-attributes --key k --object-attributes ETag ObjectSize StorageClass
api delete-object --bucket "$bucket" --key k >/dev/null
api delete-bucket --bucket "$bucket"
[ "$failed" -eq 0 ]
echo "$(aws --version 2>&1 | cut -d' ' -f1): all settings answer"
