package store

import (
	"bytes"
	"cmp"
	"errors"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// FuzzEngineKeys holds that engine keys sort as what they were made of, that they
// can be taken apart again, and that the bounds made of them enclose what they
// should.
func FuzzEngineKeys(f *testing.F) {
	f.Add("a", uint64(1), "a", uint64(2))
	f.Add("a", uint64(1)<<63, "a\x01", uint64(0))
	f.Add("a", uint64(5), "aa", uint64(5))
	f.Add("é", uint64(5), "\U0010ffff", uint64(1))
	f.Add("/", ^uint64(0), "//", uint64(1))
	f.Fuzz(func(t *testing.T, key1 string, order1 uint64, key2 string, order2 uint64) {
		if checkKey(key1) != nil || checkKey(key2) != nil {
			return
		}
		const bucket = 0x0102030405060708
		o1, o2 := versioning.Order(order1), versioning.Order(order2)
		row1, row2 := versionKey(bucket, key1, o1), versionKey(bucket, key2, o2)
		want := cmp.Or(cmp.Compare(key1, key2), cmp.Compare(o2, o1))
		if got := bytes.Compare(row1, row2); got != want {
			t.Errorf("version rows of %q %d and %q %d compare as %d", key1, o1, key2, o2, got)
		}
		if key, o, ok := splitVersionKey(row1); !ok || string(key) != key1 || o != o1 {
			t.Errorf("%x is taken apart into %q %d %v", row1, key, o, ok)
		}
		want = cmp.Or(cmp.Compare(key1, key2), cmp.Compare(o1, o2))
		if got := bytes.Compare(uploadKey(bucket, key1, o1), uploadKey(bucket, key2, o2)); got != want {
			t.Errorf("uploads of %q %d and %q %d compare as %d", key1, o1, key2, o2, got)
		}
		if key, o, ok := splitUploadKey(uploadKey(bucket, key1, o1)); !ok || string(key) != key1 || o != o1 {
			t.Errorf("an upload of %q %d is taken apart into %q %d %v", key1, o1, key, o, ok)
		}
		n1, n2 := int(order1%MaxPartNumber)+1, int(order2%MaxPartNumber)+1
		if got := bytes.Compare(partKey(bucket, key1, o1, n1), partKey(bucket, key2, o2, n2)); got != cmp.Or(want, cmp.Compare(n1, n2)) {
			t.Errorf("parts %d and %d compare as %d", n1, n2, got)
		}
		if key, o, n, ok := splitPartKey(partKey(bucket, key1, o1, n1)); !ok || string(key) != key1 || o != o1 || n != n1 {
			t.Errorf("part %d of %q %d is taken apart into %q %d %d %v", n1, key1, o1, key, o, n, ok)
		}
		for _, row := range []func(bucketID, string) []byte{headKey, liveKey} {
			if got := bytes.Compare(row(bucket, key1), row(bucket, key2)); got != cmp.Compare(key1, key2) {
				t.Errorf("rows of %q and %q compare as %d", key1, key2, got)
			}
			if key, rest, ok := splitKey(row(bucket, key1)); !ok || string(key) != key1 || len(rest) != 0 {
				t.Errorf("the row of %q is taken apart into %q %x", key1, key, rest)
			}
		}
		if behind := behindKey(versionTable, bucket, key1); (bytes.Compare(row2, behind) >= 0) != (key2 > key1) {
			t.Errorf("%q is behind %q or not", key2, key1)
		}
		if behind := behindPrefix(versionTable, bucket, key1); (bytes.Compare(row2, behind) >= 0) != (key2 > key1 && !strings.HasPrefix(key2, key1)) {
			t.Errorf("%q is behind the prefix %q or not", key2, key1)
		}
		if len(row1) > 1500 || bytes.HasPrefix(versionKey(bucket+1, key1, o1), within(versionTable, bucket, 0)) {
			t.Errorf("%d bytes, or another bucket's", len(row1))
		}
	})
}

// FuzzSplitKey holds that taking apart what is no key never panics.
func FuzzSplitKey(f *testing.F) {
	f.Add(versionKey(1, "k", 2))
	f.Add([]byte("V"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, row []byte) {
		if key, o, ok := splitVersionKey(row); ok {
			var bucket bucketID
			for _, c := range row[1:9] {
				bucket = bucket<<8 | bucketID(c)
			}
			made := versionKey(bucket, string(key), o)
			if !bytes.Equal(made[1:bucketPrefix-1], row[1:bucketPrefix-1]) || !bytes.Equal(made[bucketPrefix:], row[bucketPrefix:]) {
				t.Errorf("%x is put together as %x", row, made)
			}
		}
		if _, err := decodeReclaim(row, nil); err == nil && len(row) != 1+orderBytes+12 {
			t.Errorf("%x is taken for the key of a reclaim row", row)
		}
	})
}

// Keys that no object can have are refused, of requests of every kind.
func TestInvalidKeys(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	for key, want := range map[string]error{
		"": ErrInvalidKey, "\x00": ErrInvalidKey, "a\x00": ErrInvalidKey, "\xc3": ErrInvalidKey,
		strings.Repeat("é", MaxKeyBytes/2) + "a": ErrKeyTooLong,
	} {
		_, put := s.Put(t.Context(), PutRequest{Bucket: "b", Key: key})
		_, head := s.Head(t.Context(), ReadRequest{Bucket: "b", Key: key})
		_, remove := s.Delete(t.Context(), "b", DeleteRequest{Key: key})
		for what, err := range map[string]error{"put": put, "head": head, "delete": remove} {
			if !errors.Is(err, want) {
				t.Errorf("%s %.9q: %v, want %v", what, key, err, want)
			}
		}
	}
	for _, key := range []string{strings.Repeat("é", MaxKeyBytes/2), "\x01", " ", ".", "..", "/", "//", "a/../b", "\U0010ffff", "a\nb"} {
		mustPut(t, s, "b", key, key)
		mustRead(t, s, "b", key, versioning.ID{}, key)
	}
	mustClean(t, s)
}

// The lock table sorts by the end of locks, legal holds last, and reclaim rows by
// the order of what was destroyed.
func TestTimeOrderedKeys(t *testing.T) {
	rows := [][]byte{
		lockKey(1, 5, "z", 1), lockKey(1, 6, "a", 2), lockKey(1, 6, "a", 3), lockKey(1, 6, "aa", 1), lockKey(1, ^uint64(0), "a", 1),
		lockKey(2, 1, "a", 1), reclaimKey(1, blob.Ref{Number: 9}), reclaimKey(2, blob.Ref{Number: 1}), reclaimKey(2, blob.Ref{Epoch: 1}),
	}
	for i := range len(rows) - 1 {
		if bytes.Compare(rows[i], rows[i+1]) >= 0 {
			t.Errorf("row %d is not below the next", i)
		}
	}
}
