package crashfs

import (
	"path"
	"runtime"
	"strings"
)

const (
	module  = "github.com/seed61737384/tombstone/"
	maxSite = 32 // frames looked at
)

// siteOf names who asked for the sync that is under way: the functions of this
// module on the stack, innermost first, as in
//
//	blob.(*Folder).Write < store.(*Store).put
//
// without those of this package. It is empty for Pebble's own goroutines.
func siteOf() string {
	var callers [maxSite]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	var names []string
	for {
		frame, more := frames.Next()
		if name, ok := strings.CutPrefix(frame.Function, module); ok && !strings.HasPrefix(name, "internal/") {
			names = append(names, path.Base(name))
		}
		if !more {
			return strings.Join(names, " < ")
		}
	}
}
