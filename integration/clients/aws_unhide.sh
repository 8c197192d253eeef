#!/usr/bin/env bash
# Brings back what was deleted by name: removes the delete markers that are
# current, until none is, below each prefix. What lies below them is current again.
#
#   aws_unhide.sh ENDPOINT BUCKET PREFIX...
set -euo pipefail
endpoint=$1 bucket=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

api() { aws --endpoint-url "$endpoint" --output json s3api "$@"; }

for prefix in "$@"; do
	while :; do
		api list-object-versions --bucket "$bucket" --prefix "$prefix" \
			--query '{Objects: DeleteMarkers[?IsLatest] | [:1000].{Key: Key, VersionId: VersionId}}' >"$work/markers"
		# An empty list is no valid request.
		grep -q VersionId "$work/markers" || break
		errors=$(api delete-objects --bucket "$bucket" --delete "file://$work/markers" --query Errors)
		[ "$errors" = null ] || { echo "$errors" >&2; exit 1; }
	done
done
