package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

// TestDeleteObjectsOfOneKey destroys each choice of the entries of a key, in both
// orders, with one call: whether or not the current one is among them decides what
// is read, and what is left must be right all the same.
func TestDeleteObjectsOfOneKey(t *testing.T) {
	const versions = 4
	for _, hidden := range []bool{false, true} { // the newest entry is a delete marker
		for choice := range 1 << versions {
			for _, backwards := range []bool{false, true} {
				name := fmt.Sprintf("choice %04b, hidden %t, backwards %t", choice, hidden, backwards)
				s := openTest(t, nil, nil)
				mustBucket(t, s, "b", versioning.Enabled)
				var ids []versioning.ID
				for i := range versions {
					if i == versions-1 && hidden {
						res, err := s.Delete(t.Context(), "b", DeleteRequest{Key: "k"})
						if err != nil {
							t.Fatal(err)
						}
						ids = append(ids, mustID(t, s, res.VersionHeader))
						continue
					}
					ids = append(ids, mustID(t, s, mustPut(t, s, "b", "k", strings.Repeat("x", i+1)).VersionHeader))
				}
				destroyChoice(t, s, name, ids, choice, hidden, backwards)
			}
		}
	}
}

// destroyChoice destroys the entries whose bits choice has, and looks at what is
// current then.
func destroyChoice(t *testing.T, s *Store, name string, ids []versioning.ID, choice int, hidden, backwards bool) {
	t.Helper()
	var rs []DeleteRequest
	left := -1 // the newest that stays
	for i, id := range ids {
		if choice&(1<<i) == 0 {
			left = i
			continue
		}
		rs = append(rs, DeleteRequest{Key: "k", ID: id})
	}
	if backwards {
		slices.Reverse(rs)
	}
	results, err := s.DeleteObjects(t.Context(), "b", rs)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
	_, size, err := tryRead(t, s, versioning.ID{})
	shown := left >= 0 && (!hidden || left < len(ids)-1)
	if shown != (err == nil) || shown && size != int64(left+1) {
		t.Errorf("%s: current has %d bytes, %v", name, size, err)
	}
	mustClean(t, s)
}
