#!/usr/bin/env bash
# Aborts multipart uploads of a bucket with "aws s3api", COUNT at most, and prints
# how many it found.
#
#   s3api_abort.sh ENDPOINT BUCKET COUNT
set -euo pipefail
endpoint=$1 bucket=$2 count=$3

uploads=$(aws --endpoint-url "$endpoint" s3api list-multipart-uploads --bucket "$bucket" --output text \
	--query 'Uploads[].[Key,UploadId]')
echo "found $(wc -l <<<"$uploads") uploads"
head -n "$count" <<<"$uploads" | while IFS=$'\t' read -r key id; do
	aws --endpoint-url "$endpoint" s3api abort-multipart-upload --bucket "$bucket" --key "$key" --upload-id "$id"
done
