//go:build !race

package integration

const raceDetector = false

var buildFlags []string
