#!/usr/bin/env bash
# Plays all clients and writes docs/clients.md from what they did. The clients have
# to be installed (scripts/install-clients.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

. .clients/env
TOMBSTONE_CLIENTS_REQUIRED=1 TOMBSTONE_CLIENTS_REPORT=$PWD/docs/clients.md \
	go test -count=1 -timeout 40m ./integration
