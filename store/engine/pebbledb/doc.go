// Package pebbledb is the embedded engine: a Pebble folder behind [engine.Engine].
package pebbledb
