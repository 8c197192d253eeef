package main

import (
	"io"
	"log/slog"
)

// logger returns the log that the settings ask for. Left to itself it is read by a
// person on a terminal, and by a program anywhere else.
func (c config) logger(w io.Writer, terminal bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.logLevel}
	if c.logFormat == "json" || c.logFormat != "text" && !terminal {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
