package crashtest

import (
	"path"
	"regexp"
	"strings"

	"github.com/seed61737384/tombstone/internal/crashfs"
)

// numbers are the parts of a path that differ from file to file.
var numbers = regexp.MustCompile(`\b[0-9a-f]*[0-9][0-9a-f]*\b`)

// Site names where a sync comes from: the kind of file, and the exported function
// of the store that asked for it, pebbledb for what Pebble does on its own.
func Site(s crashfs.Sync) string {
	kind := numbers.ReplaceAllString(path.Clean(s.Path), "N")
	for _, function := range strings.Split(s.Site, " < ") {
		name := function[strings.LastIndex(function, ".")+1:]
		switch {
		case function == "", strings.HasPrefix(function, "pebbledb."):
			return kind + " by pebbledb"
		case !strings.HasPrefix(function, "blob.(*dirSyncer).") && name[0] >= 'A' && name[0] <= 'Z':
			return kind + " by " + function
		}
	}
	return kind + " by pebbledb"
}
