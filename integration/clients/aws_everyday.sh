#!/usr/bin/env bash
# A working day with AWS CLI in a versioned bucket: files that go up in parts,
# copies, folders kept in step, URLs to hand out, tags. Exits with 1 if anything is
# not as it should be.
#
#   aws_everyday.sh ENDPOINT BUCKET
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

s3 mb "s3://$bucket" >/dev/null
api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled

# In parts of 8 MiB, as is the default.
head -c $((20 << 20)) /dev/urandom >"$work/large"
s3 cp --only-show-errors "$work/large" "s3://$bucket/large"
case $(api head-object --bucket "$bucket" --key large --query ETag) in *-3\") ;; *) echo "aws: no upload in 3 parts" >&2; exit 1 ;; esac
s3 cp --only-show-errors "s3://$bucket/large" "$work/back"
cmp "$work/large" "$work/back"
api get-object --bucket "$bucket" --key large --part-number 2 "$work/part" >/dev/null
cmp "$work/part" <(tail -c +8388609 "$work/large" | head -c 8388608)
large=$(api head-object --bucket "$bucket" --key large --query VersionId)
s3 cp --only-show-errors - "s3://$bucket/piped" <"$work/large"
s3 cp --only-show-errors "s3://$bucket/piped" - | cmp "$work/large" -

# Copies: in parts and whole, and a move.
s3 cp --only-show-errors "s3://$bucket/large" "s3://$bucket/copies/large"
s3 cp --only-show-errors "s3://$bucket/copies/large" "$work/back"
cmp "$work/large" "$work/back"
echo small >"$work/small"
s3 cp --only-show-errors --metadata colour=red "$work/small" "s3://$bucket/small"
s3 mv --only-show-errors "s3://$bucket/small" "s3://$bucket/copies/small"
equal "metadata of what moved" red "$(api head-object --bucket "$bucket" --key copies/small --query Metadata.colour)"
equal "what a move leaves" 1 "$(api list-object-versions --bucket "$bucket" --prefix small --query 'length(DeleteMarkers)')"

# The old version comes back by a copy onto itself.
echo newer >"$work/newer"
s3 cp --only-show-errors "$work/newer" "s3://$bucket/large"
api copy-object --bucket "$bucket" --key large --copy-source "$bucket/large?versionId=$large" >/dev/null
equal "size of what was restored" $((20 << 20)) "$(api head-object --bucket "$bucket" --key large --query ContentLength)"

# Folders in step, there and back.
mkdir -p "$work/in/a b" "$work/in/é+%"
for i in $(seq 30); do echo "$i" >"$work/in/a b/$i"; done
echo other >"$work/in/é+%/&"
s3 sync --only-show-errors "$work/in" "s3://$bucket/folder"
rm -r "$work/in/a b/1" "$work/in/é+%"
echo changed and longer >"$work/in/a b/2"
s3 sync --only-show-errors --delete "$work/in" "s3://$bucket/folder"
s3 sync --only-show-errors "s3://$bucket/folder" "$work/out"
diff -r "$work/in" "$work/out"
equal "versions of a changed file" 2 "$(api list-object-versions --bucket "$bucket" --prefix 'folder/a b/2' --query 'length(Versions[?Key==`folder/a b/2`])')"
equal "objects that ls --summarize counts" "29" "$(s3 ls --recursive --summarize "s3://$bucket/folder" | sed -n 's/.*Total Objects: //p')"

# Tags, attributes, and a URL to hand out.
api put-object-tagging --bucket "$bucket" --key copies/small --tagging 'TagSet=[{Key=a,Value=b}]' >/dev/null
equal tags "a b" "$(api get-object-tagging --bucket "$bucket" --key copies/small --query 'TagSet[0].[Key,Value]' | tr '\t' ' ')"
equal attributes 3 "$(api get-object-attributes --bucket "$bucket" --key large --version-id "$large" --object-attributes ObjectParts ETag --query 'ObjectParts.TotalPartsCount')"
url=$(s3 presign "s3://$bucket/copies/small" --expires-in 60)
equal "what the URL gives" small "$(python3 -c 'import sys, urllib.request; print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1]).read().decode().strip())' "$url")"

# An upload that was never completed, found and aborted.
upload=$(api create-multipart-upload --bucket "$bucket" --key abandoned --query UploadId)
api upload-part --bucket "$bucket" --key abandoned --upload-id "$upload" --part-number 1 --body "$work/small" >/dev/null
equal "parts of the upload" 1 "$(api list-parts --bucket "$bucket" --key abandoned --upload-id "$upload" --query 'length(Parts)')"
equal uploads "abandoned" "$(api list-multipart-uploads --bucket "$bucket" --query 'Uploads[].Key')"
api abort-multipart-upload --bucket "$bucket" --key abandoned --upload-id "$upload" >/dev/null
equal "uploads after the abort" None "$(api list-multipart-uploads --bucket "$bucket" --query Uploads)"

s3 rm --recursive --only-show-errors "s3://$bucket"
equal "what is listed" None "$(api list-objects-v2 --bucket "$bucket" --query Contents)"
api get-object --bucket "$bucket" --key large --version-id "$large" "$work/back" >/dev/null
cmp "$work/large" "$work/back"
"$(dirname "$0")/s3api_empty.sh" "$endpoint" "$bucket"
echo "$(aws --version 2>&1 | cut -d' ' -f1): the day is as it should be"
