#!/usr/bin/env bash
# Deletes the entries of one kind that a bucket holds, a thousand at a time, as many
# scripts do with "aws s3api".
#
#   s3api_delete_entries.sh ENDPOINT BUCKET Versions|DeleteMarkers
set -euo pipefail
endpoint=$1 bucket=$2 kind=$3

while :; do
	batch=$(aws --endpoint-url "$endpoint" s3api list-object-versions --bucket "$bucket" --output json \
		--query "{Objects: $kind[:1000].{Key:Key,VersionId:VersionId}, Quiet: \`true\`}")
	# An empty list is no valid request.
	case $batch in *'"VersionId"'*) ;; *) break ;; esac
	aws --endpoint-url "$endpoint" s3api delete-objects --bucket "$bucket" --delete "$batch"
done
