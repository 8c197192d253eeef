#!/usr/bin/env bash
# The main job with AWS CLI: a bucket's whole life, from its creation over all
# versioning states to its end. Exits with 1 if anything is not as it should be.
#
#   aws_main_job.sh ENDPOINT BUCKET
set -euo pipefail
endpoint=$1 bucket=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

s3() { aws --endpoint-url "$endpoint" s3 "$@"; }
api() { aws --endpoint-url "$endpoint" --output text s3api "$@"; }

# equal WHAT WANTED FOUND
equal() {
	[ "$2" = "$3" ] || { echo "aws: $1: wanted '$2', found '$3'" >&2; exit 1; }
}

# fails TEXT COMMAND... runs a command that has to fail with TEXT in its message.
fails() {
	local text=$1
	shift
	if "$@" >"$work/out" 2>&1; then echo "aws: succeeded: $*" >&2; exit 1; fi
	grep -q "$text" "$work/out" || { echo "aws: no $text in:" >&2; cat "$work/out" >&2; exit 1; }
}

versioning() { api put-bucket-versioning --bucket "$bucket" --versioning-configuration "Status=$1"; }
status() { api get-bucket-versioning --bucket "$bucket" --query Status; }
versions() { api list-object-versions --bucket "$bucket" --query "length($1 || \`[]\`)"; }

s3 mb "s3://$bucket" >/dev/null
equal "status of a new bucket" None "$(status)"
echo zero >"$work/zero"
s3 cp "$work/zero" "s3://$bucket/a key+%.txt" >/dev/null

versioning Enabled
equal status Enabled "$(status)"
echo one >"$work/one"
first=$(api put-object --bucket "$bucket" --key "a key+%.txt" --body "$work/one" --query VersionId)
head -c 300000 /dev/urandom >"$work/two"
second=$(api put-object --bucket "$bucket" --key "a key+%.txt" --body "$work/two" --query VersionId)
api get-object --bucket "$bucket" --key "a key+%.txt" --version-id "$first" "$work/got" >/dev/null
cmp "$work/one" "$work/got"
s3 cp "s3://$bucket/a key+%.txt" "$work/got" >/dev/null
cmp "$work/two" "$work/got"
api get-object --bucket "$bucket" --key "a key+%.txt" --range bytes=65530-65545 "$work/got" >/dev/null
cmp <(tail -c +65531 "$work/two" | head -c 16) "$work/got"

s3 rm "s3://$bucket/a key+%.txt" >/dev/null
equal "versions below the marker" 3 "$(versions Versions)"
equal markers 1 "$(versions DeleteMarkers)"
fails NoSuchKey api get-object --bucket "$bucket" --key "a key+%.txt" "$work/got"
fails BucketNotEmpty api delete-bucket --bucket "$bucket"
marker=$(api list-object-versions --bucket "$bucket" --query 'DeleteMarkers[0].VersionId')
api delete-object --bucket "$bucket" --key "a key+%.txt" --version-id "$marker" >/dev/null
equal "the version below" "$second" "$(api head-object --bucket "$bucket" --key "a key+%.txt" --query VersionId)"

versioning Suspended
equal status Suspended "$(status)"
s3 cp "$work/zero" "s3://$bucket/a key+%.txt" >/dev/null
equal "id of the newest version" null "$(api list-object-versions --bucket "$bucket" --query 'Versions[?IsLatest].VersionId | [0]')"
fails InvalidArgument api delete-object --bucket "$bucket" --key "a key+%.txt" --version-id nonsense
for id in $(api list-object-versions --bucket "$bucket" --query 'Versions[].VersionId'); do
	api delete-object --bucket "$bucket" --key "a key+%.txt" --version-id "$id" >/dev/null
done
s3 rb "s3://$bucket" >/dev/null
fails NoSuchBucket api list-objects-v2 --bucket "$bucket"
echo "$(aws --version 2>&1 | cut -d' ' -f1): the main job is as it should be"
