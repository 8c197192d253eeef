#!/usr/bin/env bash
# Empties a bucket as many scripts do with "aws s3api": all versions, a thousand
# at a time, then all delete markers. Then it deletes the bucket.
#
#   s3api_empty.sh ENDPOINT BUCKET
set -euo pipefail
endpoint=$1 bucket=$2

for kind in Versions DeleteMarkers; do
	while :; do
		batch=$(aws --endpoint-url "$endpoint" s3api list-object-versions --bucket "$bucket" --output json \
			--query "{Objects: $kind[:1000].{Key:Key,VersionId:VersionId}, Quiet: \`true\`}")
		# An empty list is no valid request.
		case $batch in *'"VersionId"'*) ;; *) break ;; esac
		aws --endpoint-url "$endpoint" s3api delete-objects --bucket "$bucket" --delete "$batch"
	done
done
aws --endpoint-url "$endpoint" s3api delete-bucket --bucket "$bucket"
