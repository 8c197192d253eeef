package integration

import (
	"slices"
	"testing"
)

// spec: VD1-1, VD1-2, VD1-3, VD1-4
func TestVersioningStates(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		wantStatus := func(want string) {
			t.Helper()
			if got, err := c.versioning(bucket); err != nil || got != want {
				t.Errorf("versioning %q, %v, want %q", got, err, want)
			}
		}
		wantStatus("")
		for _, status := range []string{"Enabled", "Enabled", "Suspended", "Suspended", "Enabled"} {
			must(t, c.setVersioning(bucket, status))
			wantStatus(status)
		}
		wantFault(t, c.setVersioning(bucket, "Off"), "400 MalformedXML")
		wantStatus("Enabled")
		_, err := c.versioning(bucket + "-missing")
		wantFault(t, err, "404 NoSuchBucket")
	})
}

// spec: VD9-1, VD9-5
func TestBucketLife(t *testing.T) {
	forEachClient(t, func(t *testing.T, c client, bucket string) {
		names, err := c.bucketNames()
		must(t, err)
		if !slices.Contains(names, bucket) {
			t.Errorf("%s is not among %q", bucket, names)
		}
		if has, err := c.hasBucket(bucket); !has || err != nil {
			t.Errorf("has %v, %v", has, err)
		}
		must(t, c.deleteBucket(bucket))
		if has, err := c.hasBucket(bucket); has || err != nil {
			t.Errorf("after its delete: has %v, %v", has, err)
		}
		wantFault(t, c.deleteBucket(bucket), "404 NoSuchBucket")
		_, err = c.put(bucket, "k", []byte("x"))
		wantFault(t, err, "404 NoSuchBucket")
		must(t, c.createBucket(bucket))
		keys, _, err := c.keys(bucket, listing{})
		if err != nil || len(keys) > 0 {
			t.Errorf("a bucket made again holds %q, %v", keys, err)
		}
	})
}

// Only what has no entry at all is empty, whatever a listing of keys shows.
//
// spec: VD9-1, VD9-2, VD9-3
func TestDeleteOfABucketThatIsNotEmpty(t *testing.T) {
	forEachState(t, func(t *testing.T, c client, bucket, _ string) {
		_, err := c.put(bucket, "k", []byte("x"))
		must(t, err)
		wantFault(t, c.deleteBucket(bucket), "409 BucketNotEmpty")
		_, err = c.remove(bucket, "k", "")
		must(t, err)
		entries, _, err := c.versions(bucket, listing{})
		must(t, err)
		if len(entries) > 0 {
			wantFault(t, c.deleteBucket(bucket), "409 BucketNotEmpty")
		}
		for _, e := range entries {
			_, err := c.remove(bucket, e.key, e.id)
			must(t, err)
		}
		must(t, c.deleteBucket(bucket))
	})
}
