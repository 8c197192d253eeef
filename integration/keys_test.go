package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

// oddKeys are keys that something on the way from a client to a row may mangle:
// URL encoding, path cleaning, XML, sorting.
var oddKeys = []string{
	"two words", " lead and trail ", "a+b", "a%b", "a%2Fb", "100%", "%", "+", "a&b=c", "a?b", "a#b", "a;b:c@d,e$f!g*h(i)j'k", `a"b\c`, "<a>&amp;</a>",
	"a//b", "//", "/", "/lead", "trail/", "trail//", ".", "..", "./a", "../a", "a/./b", "a/../b", "a/..", "...",
	"line\nbreak", "tab\tstop", "carriage\rreturn", "🪦", "a/🪦/b", "é", "e\u0301", "日本語", "no\u00a0break", "null", "true",
	strings.Repeat("x", 1024), strings.Repeat("é", 512), strings.Repeat("d/", 511) + "k",
}

// strangeKeys hold characters that XML 1.0 cannot carry, so that no XML body of a
// request can name them.
var strangeKeys = []string{"bell\x07", "\x01", "\x7f", "\ufffe"}

func TestOddKeys(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		must(t, c.setVersioning(bucket, "Enabled"))
		all := slices.Concat(oddKeys, strangeKeys)
		ids := make(map[string]string)
		for _, key := range all {
			id, err := c.put(bucket, key, []byte(key))
			if err != nil {
				t.Fatalf("put %q: %v", key, err)
			}
			ids[key] = id
		}
		slices.Sort(all)
		for _, v1 := range []bool{false, true} {
			keys, _, err := c.keys(bucket, listing{v1: v1, page: 10})
			if err != nil || !slices.Equal(keys, all) {
				t.Errorf("v1 %v: %v\nlisted %q\nwant   %q", v1, err, keys, all)
			}
		}
		entries, _, err := c.versions(bucket, listing{page: 10})
		must(t, err)
		if len(entries) != len(all) {
			t.Errorf("%d entries, want %d", len(entries), len(all))
		}
		for _, e := range entries {
			if ids[e.key] != e.id {
				t.Errorf("listed %q with id %s, want %s", e.key, e.id, ids[e.key])
			}
		}
		for _, key := range all {
			wantBody(t, c, bucket, key, "", []byte(key))
			wantBody(t, c, bucket, key, ids[key], []byte(key))
			if keys, _, err := c.keys(bucket, listing{prefix: key}); err != nil || len(keys) == 0 || keys[0] != key {
				t.Errorf("listed %q under the prefix %q, %v", keys, key, err)
			}
		}
		removeOddKeys(t, c, bucket, ids)
	})
}

// removeOddKeys deletes each key, then its entries, half of them one by one.
func removeOddKeys(t *testing.T, c client, bucket string, ids map[string]string) {
	t.Helper()
	var bare, named []target
	for i, key := range oddKeys {
		if i%2 == 0 {
			bare, named = append(bare, target{key: key}), append(named, target{key, ids[key]})
			continue
		}
		_, err := c.remove(bucket, key, "")
		must(t, err)
		_, err = c.remove(bucket, key, ids[key])
		must(t, err)
	}
	for _, key := range strangeKeys {
		_, err := c.remove(bucket, key, "")
		must(t, err)
		_, err = c.remove(bucket, key, ids[key])
		must(t, err)
	}
	for _, batch := range [][]target{bare, named} {
		answers, err := c.removeMany(bucket, batch)
		must(t, err)
		wantAnswers(t, answers, batch, true)
	}
	entries, _, err := c.versions(bucket, listing{})
	must(t, err)
	if len(entries) != len(ids) {
		t.Errorf("%d entries are left, want one marker for each of %d keys", len(entries), len(ids))
	}
	for _, e := range entries {
		if !e.marker {
			t.Errorf("%q: the version is left", e.key)
		}
		_, err := c.remove(bucket, e.key, e.id)
		must(t, err)
	}
	must(t, c.deleteBucket(bucket))
}

func TestKeysThatCannotBe(t *testing.T) {
	c := newAWS(t, shared.Endpoint)
	bucket := bucketName(t)
	must(t, c.createBucket(bucket))
	for key, want := range map[string]string{
		strings.Repeat("x", 1025):      "400 KeyTooLongError",
		strings.Repeat("é", 512) + "x": "400 KeyTooLongError",
		"nul\x00":                      "400 InvalidURI",
		"not utf-8 \xff":               "400 InvalidURI",
	} {
		_, err := c.put(bucket, key, []byte("x"))
		wantFault(t, err, want)
	}
	keys, _, err := newMinio(t, shared.Endpoint, minio.Options{}).keys(bucket, listing{})
	if err != nil || len(keys) > 0 {
		t.Errorf("stored %q, %v", keys, err)
	}
}
