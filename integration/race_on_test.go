//go:build race

package integration

// Under the race detector the server is built with it too. It is several times
// slower and larger then.
const raceDetector = true

var buildFlags = []string{"-race"}
