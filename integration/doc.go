// Package integration plays real clients against the real binary.
//
// The binary is built once and started on a free port of loopback, with its data
// in a temporary folder; each test has buckets of its own. minio-go and
// aws-sdk-go-v2 always play. AWS CLI, boto3, s3cmd and rclone play if they are in
// the Python environment that TOMBSTONE_CLIENTS_VENV names or on the PATH, and
// the run is not a short one; otherwise their tests are skipped and say so.
// TOMBSTONE_CLIENTS_REQUIRED=1 makes a missing one a failure.
//
// Tests of what a process does (restart, kill, memory, exit codes) start servers
// of their own. After all tests the shared server is stopped and its folder
// checked, so that every run ends with the question whether all of this left the
// folder whole.
//
// Environment: TOMBSTONE_HEAVY=1 runs the tests that need tens of GiB of disk.
package integration
