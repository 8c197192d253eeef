//go:build race

package crashtest_test

// raceDetector makes everything ten times as slow.
const raceDetector = true
