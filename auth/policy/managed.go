package policy

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed managed/*.json
var managedFiles embed.FS

// managed reads the managed policies once. They are part of the program, so that
// one that cannot be read is a mistake in it.
var managed = sync.OnceValue(func() map[string]*Document {
	files, err := managedFiles.ReadDir("managed")
	if err != nil {
		panic(fmt.Sprintf("policy: managed policies: %v", err))
	}
	documents := make(map[string]*Document, len(files))
	for _, f := range files {
		data, err := managedFiles.ReadFile(path.Join("managed", f.Name()))
		if err != nil {
			panic(fmt.Sprintf("policy: managed policy: %v", err))
		}
		d, err := Parse(Identity, data)
		if err != nil {
			panic(fmt.Sprintf("policy: managed/%s: %v", f.Name(), err))
		}
		documents[strings.TrimSuffix(f.Name(), ".json")] = d
	}
	return documents
})

// Managed returns the managed identity policy of a name, and false if there is
// none:
//
//   - backup-writer adds objects and hides them, and can destroy nothing;
//   - backup-janitor removes versions that no lock retains, and reads no data;
//   - auditor reads configuration, listings, locks, the ledger and the
//     explanation of refusals, and no data;
//   - readonly reads everything, full-access does everything.
func Managed(name string) (*Document, bool) {
	d, ok := managed()[name]
	return d, ok
}

// ManagedNames returns the names of the managed policies, sorted.
func ManagedNames() []string { return slices.Sorted(maps.Keys(managed())) }
