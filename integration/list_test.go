package integration

import (
	"fmt"
	"slices"
	"testing"
)

// Pages of any size, joined, are the whole: for both listings of keys and for
// versions, with and without a delimiter.
func TestPagesJoinToTheWhole(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		must(t, c.setVersioning(bucket, "Enabled"))
		var want, hidden []string
		for i := range 40 {
			key := fmt.Sprintf("%c/%02d", 'a'+i%5, i)
			for range 1 + i%3 {
				_, err := c.put(bucket, key, []byte(key))
				must(t, err)
			}
			if i%8 == 7 {
				_, err := c.remove(bucket, key, "")
				must(t, err)
				hidden = append(hidden, key)
				continue
			}
			want = append(want, key)
		}
		slices.Sort(want)
		whole, _, err := c.versions(bucket, listing{})
		must(t, err)
		for _, page := range []int{1, 2, 3, 7, 1000} {
			for _, v1 := range []bool{false, true} {
				keys, _, err := c.keys(bucket, listing{page: page, v1: v1})
				if err != nil || !slices.Equal(keys, want) {
					t.Errorf("pages of %d, v1 %v: %v, %q", page, v1, err, keys)
				}
				_, prefixes, err := c.keys(bucket, listing{page: page, v1: v1, delimiter: "/"})
				if err != nil || !slices.Equal(prefixes, []string{"a/", "b/", "c/", "d/", "e/"}) {
					t.Errorf("pages of %d, v1 %v: %v, prefixes %q", page, v1, err, prefixes)
				}
				keys, prefixes, err = c.keys(bucket, listing{page: page, v1: v1, delimiter: "/", prefix: "b/"})
				if err != nil || len(prefixes) > 0 || !slices.Equal(keys, below(want, "b/")) {
					t.Errorf("pages of %d, v1 %v: %v, %q under b/", page, v1, err, keys)
				}
			}
			wantVersions(t, c, bucket, page, whole)
		}
		if len(whole) != 40*2-1+len(hidden) {
			t.Errorf("%d entries", len(whole))
		}
	})
}

func below(keys []string, prefix string) []string {
	var found []string
	for _, k := range keys {
		if len(k) > len(prefix) && k[:len(prefix)] == prefix {
			found = append(found, k)
		}
	}
	return found
}

// wantVersions lists versions in pages and compares them with the whole list, in
// the order of keys, and of ids where the client has kept it.
func wantVersions(t *testing.T, c client, bucket string, page int, whole []entry) {
	t.Helper()
	entries, _, err := c.versions(bucket, listing{page: page})
	must(t, err)
	if _, sorted := c.(minioClient); !sorted {
		byKey := func(a, b entry) int { return compare(a.key+" "+a.id, b.key+" "+b.id) }
		slices.SortFunc(entries, byKey)
		whole = slices.SortedFunc(slices.Values(whole), byKey)
	}
	if !slices.Equal(entries, whole) {
		t.Errorf("pages of %d: %d entries that are not the whole %d", page, len(entries), len(whole))
	}
	_, prefixes, err := c.versions(bucket, listing{page: page, delimiter: "/"})
	if err != nil || !slices.Equal(prefixes, []string{"a/", "b/", "c/", "d/", "e/"}) {
		t.Errorf("pages of %d: %v, prefixes %q", page, err, prefixes)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Within a key the newest entry comes first, and one entry is the latest.
func TestVersionsAreListedNewestFirst(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		must(t, c.setVersioning(bucket, "Enabled"))
		var want []string
		for i := range 10 {
			id, err := c.put(bucket, "k", fmt.Appendf(nil, "%d", i))
			must(t, err)
			want = append([]string{id}, want...)
		}
		entries, _, err := c.versions(bucket, listing{page: 3})
		must(t, err)
		var got []string
		for i, e := range entries {
			got = append(got, e.id)
			if e.latest != (i == 0) {
				t.Errorf("entry %d of the key: latest is %v", i, e.latest)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("ids %q, want %q", got, want)
		}
	})
}
