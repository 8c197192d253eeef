#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other.
#
#   scripts/fuzz.sh [TIME [PACKAGE...]]     TIME a target (default 1m), as go test -fuzztime takes it
#
# It goes on after a failure, so that one run shows all, and exits with 1 then.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-1m}
packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(./...)

failed=0
count=0
while read -r package; do
	targets=$(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
	for target in $targets; do
		echo "== $package $target"
		count=$((count + 1))
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" || failed=$((failed + 1))
	done
done < <(grep -rlE --include='*_test.go' '^func Fuzz' $(go list -f '{{.Dir}}' "${packages[@]}") | xargs -r -n1 dirname | sort -u)

echo "$count fuzz targets, $failed failed"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
