//go:build unix

package main

import "syscall"

// settle writes what file systems still hold back, so that no measurement pays for what
// another one left behind: a server that does not sync leaves much.
func settle() { syscall.Sync() }
