#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other.
#
#   scripts/fuzz.sh [TIME [PACKAGE...]]     TIME a target (default 1m), as go test -fuzztime takes it
#
# TARGETS, a regular expression in the environment, chooses among them. It goes on after
# a failure, so that one run shows all, and exits with 1 then.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-1m}
packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(./...)

# Before Go 1.27, a run whose time is up may end as a failure that names no input and says
# nothing but that the deadline is over (go.dev/issue/75804). That is no finding, and is
# tried again.
deadline='^    context deadline exceeded$'

fuzz() { # PACKAGE TARGET
	local log code
	log=$(mktemp)
	for _ in 1 2 3; do
		code=0
		go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" "$1" 2>&1 | tee "$log" || code=1
		[ "$code" -ne 0 ] && grep -q "$deadline" "$log" && ! grep -q 'Failing input' "$log" || break
	done
	rm -f "$log"
	return "$code"
}

failed=0
count=0
while read -r package; do
	targets=$(go test -list '^Fuzz' "$package" | grep '^Fuzz' | grep -E "${TARGETS:-.}" || true)
	for target in $targets; do
		echo "== $package $target"
		count=$((count + 1))
		fuzz "$package" "$target" || failed=$((failed + 1))
	done
done < <(grep -rlE --include='*_test.go' '^func Fuzz' $(go list -f '{{.Dir}}' "${packages[@]}") | xargs -r -n1 dirname | sort -u)

echo "$count fuzz targets, $failed failed"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
