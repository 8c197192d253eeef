#!/usr/bin/env bash
# Installs the clients that the tests in ./integration play with: Debian's packages
# on the machine, those of PyPI, npm, Maven and Go in .venv and .clients. Each is the
# newest that its registry gives, or the one below where that cannot be had or needs a
# newer runtime.
#
#   scripts/install-clients.sh && . .clients/env && go test ./integration
set -euo pipefail
cd "$(dirname "$0")/.."

# The last versions that passed.
javascript=3.1169.0
java=2.56.0
rclone=v1.76.0

venv=$PWD/.venv clients=$PWD/.clients

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# again COMMAND... tries a command three times: registries have bad moments.
again() {
	local pause
	for pause in 5 20; do
		if "$@"; then return; fi
		echo "trying again in $pause s: $*" >&2
		sleep "$pause"
	done
	"$@"
}

packages() {
	local wanted=(python3 python3-venv s3cmd rclone restic s3fs awscli oathtool buildah gcc libc6-dev make)
	command -v npm >/dev/null || wanted+=(nodejs npm)
	command -v mvn >/dev/null && command -v javac >/dev/null || wanted+=(default-jdk-headless maven)
	export DEBIAN_FRONTEND=noninteractive
	# Another program may have the lock: a new machine looks for updates by itself.
	again as_root apt-get -o DPkg::Lock::Timeout=120 update -qq
	again as_root apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
}

python_clients() {
	python3 -m venv --clear "$venv" 2>/dev/null || /usr/bin/python3 -m venv --clear "$venv"
	again "$venv/bin/pip" install --quiet --disable-pip-version-check --upgrade awscli boto3 s3cmd
}

# npm_install VERSION
npm_install() {
	again npm install --prefix "$clients/node" --no-audit --no-fund --no-save --engine-strict --loglevel=error \
		"@aws-sdk/client-s3@$1" "@aws-sdk/lib-storage@$1" "@aws-sdk/s3-request-presigner@$1"
}

javascript_clients() {
	mkdir -p "$clients/node"
	npm_install latest || npm_install "$javascript"
}

# jars VERSION
jars() {
	rm -rf "$clients/java"
	mvn -q -B -f integration/clients/java/pom.xml "-Dsdk=$1" dependency:copy-dependencies \
		-DincludeScope=runtime "-DoutputDirectory=$clients/java"
}

java_clients() {
	jars RELEASE >"$clients/maven.log" 2>&1 || again jars "$java"
}

# rclone beside Debian's, which is years older, and all modules that tests compile.
go_clients() {
	again go mod download
	export GOBIN=$clients/bin
	go install github.com/rclone/rclone@latest >"$clients/go.log" 2>&1 ||
		again go install "github.com/rclone/rclone@$rclone"
}

mkdir -p "$clients"
packages
jobs=()
for job in python_clients javascript_clients java_clients go_clients; do
	"$job" &
	jobs+=($!)
done
for job in "${jobs[@]}"; do
	wait "$job"
done

cat >"$clients/env" <<ENV
export TOMBSTONE_CLIENTS_VENV=$venv TOMBSTONE_CLIENTS_NODE=$clients/node TOMBSTONE_CLIENTS_JAVA=$clients/java
export PATH=\$PATH:$clients/bin
ENV
"$venv/bin/aws" --version
"$venv/bin/s3cmd" --version
rclone version | sed -n 1p
"$clients/bin/rclone" version | sed -n 1p
restic version
s3fs --version | sed -n 1p
node --version
ls "$clients/java" | grep '^s3-'
