#!/usr/bin/env bash
# Runs every fuzz target of the module, as many at a time as there are processors, and
# prints what each said when it has ended.
#
#   scripts/fuzz.sh [TIME [PACKAGE...]]     TIME a target (default 1m), as go test -fuzztime takes it
#
# TARGETS, a regular expression in the environment, chooses among them. It goes on after
# a failure, so that one run shows all, and exits with 1 then.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(./...)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
processors=$(getconf _NPROCESSORS_ONLN)

# Before Go 1.27, a run whose time is up may end as a failure that names no input and says
# nothing but that the deadline is over (go.dev/issue/75804). That is no finding, and is
# tried again.
deadline='^    context deadline exceeded$'

# build builds the test binary of each package that has targets, once for all of them,
# and prints a line for each target: its package's import path and folder, its name.
build() {
	local path folder
	while read -r path folder; do
		grep -qsE '^func Fuzz' "$folder"/*_test.go || continue
		mkdir -p "$work/$path"
		go test -c -fuzz=Fuzz -o "$work/$path/binary" "$path"
		(cd "$folder" && "$work/$path/binary" -test.list '^Fuzz') | grep '^Fuzz' | grep -E "${TARGETS:-.}" |
			sed "s|^|$path $folder |" || true
	done < <(go list -f '{{.ImportPath}} {{.Dir}}' "${packages[@]}")
}

# fuzz runs a target as "go test -fuzz" does, and prints its exit code and the file with
# what it said.
fuzz() { # PATH FOLDER TARGET
	local log=$work/$1/$3 code
	cd "$2"
	for _ in 1 2 3; do
		code=0
		"$work/$1/binary" -test.run '^$' -test.fuzz "^$3\$" -test.fuzztime "$time" -test.parallel "$workers" \
			-test.fuzzcachedir "$corpora/$1" >"$log" 2>&1 || code=1
		[ "$code" -ne 0 ] && grep -q "$deadline" "$log" && ! grep -q 'Failing input' "$log" || break
	done
	echo "$code $log"
}

build >"$work/targets"
count=$(wc -l <"$work/targets")
at_once=$((count < processors ? count : processors))
export time=${1:-1m} corpora workers=$((at_once > 0 ? processors / at_once : 1)) work deadline
corpora=$(go env GOCACHE)/fuzz
export -f fuzz

ended=0 failed=0
while read -r code log; do
	echo "== ${log#"$work"/}"
	cat "$log"
	ended=$((ended + 1)) failed=$((failed + code))
done < <(xargs -r -P "$processors" -L 1 bash -c 'fuzz "$@"' fuzz <"$work/targets")

echo "$count fuzz targets, $ended ended, $failed failed"
[ "$count" -gt 0 ] && [ "$ended" -eq "$count" ] && [ "$failed" -eq 0 ]
