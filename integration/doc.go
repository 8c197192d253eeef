// Package integration plays real clients against the real binary.
//
// The binary is built once and started on a free port of loopback, with its data
// in a temporary folder; each test has buckets of its own. minio-go and
// aws-sdk-go-v2 always play. Client programs play if the run is not a short one and
// they are installed (scripts/install-clients.sh): on the PATH, in the Python
// environment that TOMBSTONE_CLIENTS_VENV names, and in the folders with the AWS
// SDKs for JavaScript and Java that TOMBSTONE_CLIENTS_NODE and
// TOMBSTONE_CLIENTS_JAVA name. Otherwise their tests are skipped and say so;
// TOMBSTONE_CLIENTS_REQUIRED=1 makes a missing one a failure.
// TOMBSTONE_CLIENTS_REPORT names a file that is to say who played what, as
// docs/clients.md does.
//
// The public suites of versitygw and minio-go play then too. testdata holds a baseline
// of each: the tests that fail, and why.
//
// Tests of what a process does (restart, kill, memory, exit codes) start servers
// of their own. After all tests the shared server is stopped and its folder
// checked, so that every run ends with the question whether all of this left the
// folder whole.
//
// Environment: TOMBSTONE_HEAVY=1 runs the tests that need tens of GiB of disk.
package integration
