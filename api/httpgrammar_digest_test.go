package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// digest is all that the store keeps for clients: buckets with their configurations,
// versions with all that is said of them, uploads with their parts.
func (s *testServer) digest(t *testing.T) string {
	var b strings.Builder
	buckets, _, err := s.store.Buckets(t.Context(), store.BucketQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range buckets {
		fmt.Fprintf(&b, "%+v\n", buckets[i])
		for kind := store.ConfigTagging; kind <= store.ConfigAccelerate; kind++ {
			data, err := s.store.Config(t.Context(), buckets[i].Name, kind)
			fmt.Fprintf(&b, "%d %q %v\n", kind, data, err)
		}
		s.digestVersions(t, &b, buckets[i].Name)
		s.digestUploads(t, &b, buckets[i].Name)
	}
	return b.String()
}

func (s *testServer) digestVersions(t *testing.T, b *strings.Builder, name string) {
	page, err := s.store.ListObjectVersions(t.Context(), store.VersionsRequest{Bucket: name, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Entries {
		if !o.DeleteMarker {
			id, err := s.store.ParseVersionID(o.VersionID)
			if err != nil {
				t.Fatal(err)
			}
			r := store.ReadRequest{Bucket: name, Key: o.Key, ID: id, Operation: versioning.HeadObject}
			if o, err = s.store.Head(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			o.Parts = store.PartMap{}
		}
		fmt.Fprintf(b, "%+v\n", o)
	}
}

func (s *testServer) digestUploads(t *testing.T, b *strings.Builder, name string) {
	page, err := s.store.ListUploads(t.Context(), store.UploadsRequest{Bucket: name, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range page.Uploads {
		parts, err := s.store.ListParts(t.Context(), store.PartsRequest{Upload: store.UploadName{Bucket: name, Key: u.Key, ID: u.ID}, Limit: 1000})
		fmt.Fprintf(b, "%+v %+v %v\n", u, parts.Parts, err)
	}
}
