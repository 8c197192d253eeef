#!/usr/bin/env bash
# Empties a bucket as many scripts do with "aws s3api": all versions, then all
# delete markers. Then it deletes the bucket.
#
#   s3api_empty.sh ENDPOINT BUCKET
set -euo pipefail
here=$(dirname "$0")

"$here/s3api_delete_entries.sh" "$1" "$2" Versions
"$here/s3api_delete_entries.sh" "$1" "$2" DeleteMarkers
aws --endpoint-url "$1" s3api delete-bucket --bucket "$2"
