package integration

import (
	"slices"
	"strings"
	"testing"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestDeletingActions plays the three actions that delete, each alone and each denied.
//
// spec: AP1-7, AP1-10, AP1-24, AP1-29, AP1-30, AP1-31, AP1-32
func TestDeletingActions(t *testing.T) {
	t.Parallel()
	s := newUsersServer(t)
	t.Run("DeleteObject alone", func(t *testing.T) { hidesOnly(t, s) })
	t.Run("DeleteObjectVersion alone", func(t *testing.T) { removesOnly(t, s) })
	t.Run("all but DeleteObject", func(t *testing.T) { allButHiding(t, s) })
	t.Run("all but DeleteObjectVersion", func(t *testing.T) { allButRemoving(t, s) })
	t.Run("all but PutLifecycleConfiguration", func(t *testing.T) { allButLifecycle(t, s) })
	t.Run("over null versions", func(t *testing.T) { removesNull(t, s) })
	s.wantLedger(t)
}

// twoEntries makes a bucket with a version under a marker.
func (s *usersServer) twoEntries(t *testing.T) (bucket string, version, marker entry) {
	t.Helper()
	bucket = s.bucket(t, "Enabled")
	return bucket, s.put(t, bucket, "key", s3.PutObjectInput{}), s.hide(t, s.root, bucket, "key")
}

// mixed asks with one request to hide a key and to remove an entry, and returns what was
// done and what was not, as "key" and "key id".
func (s *usersServer) mixed(t *testing.T, user, bucket string, hide string, remove entry) (done, refused []string) {
	t.Helper()
	out, err := s.user(t, user).s3.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: &hide}, {Key: &remove.key, VersionId: &remove.id}}}})
	must(t, err)
	for _, d := range out.Deleted {
		done = append(done, strings.TrimSpace(*d.Key+" "+aws.ToString(d.VersionId)))
	}
	for _, e := range out.Errors {
		if *e.Code != "AccessDenied" {
			t.Errorf("%s %s: %s", *e.Key, aws.ToString(e.VersionId), *e.Code)
		}
		refused = append(refused, strings.TrimSpace(*e.Key+" "+aws.ToString(e.VersionId)))
	}
	if slices.Contains(done, remove.key+" "+remove.id) {
		request, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
		s.note(user, bucket, remove, request, "DeleteObjects")
	}
	return done, refused
}

func wantList(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func hidesOnly(t *testing.T, s *usersServer) {
	bucket, version, marker := s.twoEntries(t)
	before := s.held(t, bucket)
	s.hide(t, s.user(t, hiderKey), bucket, "key")
	s.hide(t, s.user(t, hiderKey), bucket, "a key that is not there")
	s.wantDenied(t, hiderKey, slices.Concat(removalsOf(bucket, version), removalsOf(bucket, marker)))
	done, refused := s.mixed(t, hiderKey, bucket, "key", version)
	wantList(t, "done", done, "key")
	wantList(t, "refused", refused, "key "+version.id)
	s.wantKept(t, bucket, before)
	if now := s.held(t, bucket); len(now) != len(before)+3 {
		t.Errorf("%d entries, want three markers more than %d", len(now), len(before))
	}
}

func removesOnly(t *testing.T, s *usersServer) {
	bucket, version, marker := s.twoEntries(t)
	other := s.put(t, bucket, "other", s3.PutObjectInput{})
	s.wantDenied(t, removerKey, []attempt{by("DeleteObject", (*s3.Client).DeleteObject, &s3.DeleteObjectInput{Bucket: &bucket, Key: &version.key})})
	s.remove(t, removerKey, bucket, marker)
	s.remove(t, removerKey, bucket, version)
	done, refused := s.mixed(t, removerKey, bucket, "key", other)
	wantList(t, "done", done, "other "+other.id)
	wantList(t, "refused", refused, "key")
	if now := s.held(t, bucket); len(now) != 0 {
		t.Errorf("%d entries are left: %+v", len(now), now)
	}
}

func allButHiding(t *testing.T, s *usersServer) {
	bucket, version, marker := s.twoEntries(t)
	plain := s.bucket(t, "")
	s.put(t, plain, "key", s3.PutObjectInput{})
	for _, b := range []string{bucket, plain} {
		s.wantDenied(t, noHidingKey, []attempt{by("DeleteObject", (*s3.Client).DeleteObject, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String("key")}),
			deletesOf(b, false, target{key: "key"})})
	}
	done, refused := s.mixed(t, noHidingKey, bucket, "key", marker)
	wantList(t, "done", done, "key "+marker.id)
	wantList(t, "refused", refused, "key")
	s.remove(t, noHidingKey, bucket, version)
}

func allButRemoving(t *testing.T, s *usersServer) {
	bucket, version, marker := s.twoEntries(t)
	plain := s.bucket(t, "")
	s.put(t, plain, "key", s3.PutObjectInput{})
	before := s.held(t, bucket)
	s.wantDenied(t, noRemovingKey, slices.Concat(removalsOf(bucket, version), removalsOf(bucket, marker)))
	// An object without versions is gone when it is deleted by name.
	s.wantDenied(t, noRemovingKey, []attempt{by("DeleteObject", (*s3.Client).DeleteObject, &s3.DeleteObjectInput{Bucket: &plain, Key: aws.String("key")}),
		deletesOf(plain, false, target{key: "key"})})
	s.hide(t, s.user(t, noRemovingKey), bucket, "key")
	s.wantKept(t, bucket, before)
}

func allButLifecycle(t *testing.T, s *usersServer) {
	bucket, version, _ := s.twoEntries(t)
	s.wantDenied(t, noLifecycleKey, slices.DeleteFunc(bucketSettingsOf(bucket), func(a attempt) bool { return !strings.Contains(a.name, "Lifecycle") }))
	s.remove(t, noLifecycleKey, bucket, version)
}

// removesNull replaces null versions and deletes them by name, which the ledger tells of
// too.
func removesNull(t *testing.T, s *usersServer) {
	bucket, null := s.bucket(t, ""), entry{key: "key", id: "null"}
	s.put(t, bucket, "key", s3.PutObjectInput{})
	must(t, s.root.setVersioning(bucket, "Suspended"))
	user := s.user(t, noLifecycleKey).s3
	put, err := user.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &null.key, Body: strings.NewReader("over it")})
	must(t, err)
	request, _ := awsmiddleware.GetRequestIDMetadata(put.ResultMetadata)
	s.note(noLifecycleKey, bucket, null, request, "PutObject")
	removed, err := user.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &null.key})
	must(t, err)
	request, _ = awsmiddleware.GetRequestIDMetadata(removed.ResultMetadata)
	s.note(noLifecycleKey, bucket, null, request, "DeleteObject")
}
