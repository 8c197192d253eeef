package pebbledb

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// Failure says that the engine can not go on, because its log or its manifest
// could not be written. From then on every call returns it and nothing is
// written any more: what is in memory may be ahead of what is on disk, and only
// a new Open knows what survived. It is also what a background goroutine of
// Pebble panics with when Options.OnFatal returns.
type Failure struct{ Message string }

// Error implements error.
func (f *Failure) Error() string { return "pebbledb: failed: " + f.Message }

// failures keeps the first failure and tells its owner.
type failures struct {
	first   atomic.Pointer[Failure]
	onFatal func(message string)
}

// fail records a failure and returns the first one there was. The first time it
// calls onFatal, which usually does not return.
func (f *failures) fail(message string) *Failure {
	if f.first.CompareAndSwap(nil, &Failure{Message: message}) {
		f.onFatal(message)
	}
	return f.first.Load()
}

// recovered makes a failure of what a panic in Pebble carried.
func (f *failures) recovered(r any) *Failure {
	if failure, ok := r.(*Failure); ok {
		return failure
	}
	return f.fail(fmt.Sprint(r))
}

// logger is the pebble.Logger that writes to slog and ends in a Failure.
type logger struct {
	slog     *slog.Logger
	failures *failures
}

func (l *logger) Infof(format string, args ...any) {
	l.slog.Debug("pebble", "message", fmt.Sprintf(format, args...))
}

func (l *logger) Errorf(format string, args ...any) {
	l.slog.Error("pebble", "message", fmt.Sprintf(format, args...))
}

// Fatalf never returns: Pebble holds state behind it that it can not undo.
func (l *logger) Fatalf(format string, args ...any) {
	panic(l.failures.fail(fmt.Sprintf(format, args...)))
}
