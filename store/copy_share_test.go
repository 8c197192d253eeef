package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/seed61737384/tombstone/internal/checksum"
	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/versioning"
)

// A file is shared when nothing has to be computed of its bytes: then none of them
// is read, so damage goes unnoticed until the copy is. Where they are read, damage
// refuses the copy, and nothing of it is left.
func TestCopySharesFiles(t *testing.T) {
	s := openTest(t, nil, nil)
	mustBucket(t, s, "b", versioning.Unversioned)
	mustPut(t, s, "b", "k", string(pattern(200)))
	path := blobPath(recordOf(t, s, "b", "k", versioning.ID{}))
	damaged := readFile(t, s.fs, path)
	damaged[len(damaged)-1] ^= 1 // the sum of the last block
	writeFile(t, s.fs, path, damaged)

	mustCopy(t, s, copyOf("k", versioning.ID{}, "shared"))
	if _, err := read(t, s, "b", "shared", versioning.ID{}); !isDamage(err) {
		t.Errorf("reading what is shared: %v", err)
	}
	r := copyOf("shared", versioning.ID{}, "read")
	r.Algorithm = checksum.SHA256
	if _, err := s.Copy(t.Context(), r); !errors.Is(err, ErrDamaged) {
		t.Errorf("copying what has to be read: %v", err)
	}
	if files := blobFiles(t, s.fs); len(files) != 2 {
		t.Errorf("files %v", files)
	}
	if got := historyText(t, s, "b"); got != "k[v0] shared[v0]" {
		t.Errorf("history %q", got)
	}
}

// A shared file stays for those who share it, whichever of them goes first, and
// the last one takes it along; a copy of a copy is as good.
func TestCopiesGoOneByOne(t *testing.T) {
	body := string(pattern(500))
	for _, order := range [][]string{{"k", "one", "two"}, {"two", "k", "one"}, {"one", "two", "k"}} {
		fs := blob.MemFS()
		s := openTest(t, fs, nil)
		mustBucket(t, s, "b", versioning.Unversioned)
		mustPut(t, s, "b", "k", body)
		mustCopy(t, s, copyOf("k", versioning.ID{}, "one"))
		mustCopy(t, s, copyOf("one", versioning.ID{}, "two"))
		for n, key := range order {
			mustDelete(t, s, "b", key, versioning.ID{})
			mustReclaimed(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openTest(t, fs, nil)
			for _, left := range order[n+1:] {
				mustRead(t, s, "b", left, versioning.ID{}, body)
			}
			if files := blobFiles(t, fs); len(files) != len(order)-n-1 {
				t.Errorf("%v without %s: files %v", order, key, files)
			}
			mustClean(t, s)
		}
	}
}

// unlinked is a file system that cannot link files.
type unlinked struct{ vfs.FS }

func (unlinked) Link(_, _ string) error { return errors.New("links are not known here") }

// Where files cannot be linked they are copied.
func TestCopyWithoutLinks(t *testing.T) {
	s := openTest(t, unlinked{blob.MemFS()}, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	body := string(pattern(500))
	mustPut(t, s, "b", "k", body)
	mustCopy(t, s, copyOf("k", versioning.ID{}, "to"))
	mustRead(t, s, "b", "to", versioning.ID{}, body)
	if rec := recordOf(t, s, "b", "to", versioning.ID{}); !rec.origin.IsZero() {
		t.Errorf("the copy names %v", rec.origin)
	}
	mustClean(t, s)
}

// failing fails one operation on files of blobs: that with number at, none below 0.
type failing struct{ at, seen int }

func (*failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	if f.at < 0 || !strings.Contains(op.Path, blobsName) || op.Kind == errorfs.OpFileClose {
		return nil
	}
	if f.seen++; f.seen-1 == f.at {
		return errorfs.ErrInjected
	}
	return nil
}

// Each operation on files fails in turn while an object is copied: the copy is
// there whole or not at all, as was answered, and no file is left after a start.
func TestCopyFaults(t *testing.T) {
	body := string(pattern(500))
	for _, algorithm := range []checksum.Algorithm{checksum.CRC64NVME, checksum.SHA1} {
		at := 0
		for faults := (&failing{}); faults.seen >= at; at++ {
			faults = &failing{at: -1}
			memory := blob.MemFS()
			s := openTest(t, errorfs.Wrap(memory, faults), nil)
			mustBucket(t, s, "b", versioning.Unversioned)
			mustPut(t, s, "b", "k", body)
			r := copyOf("k", versioning.ID{}, "to")
			r.Algorithm = algorithm
			faults.at = at
			_, err := s.Copy(t.Context(), r)
			faults.at = -1
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openTest(t, memory, nil)
			want := "k[v0]"
			if err == nil {
				want = "k[v0] to[v0]"
				mustRead(t, s, "b", "to", versioning.ID{}, body)
			}
			if got := historyText(t, s, "b"); got != want {
				t.Errorf("operation %d failed, %v: history %q", at, err, got)
			}
			if files := blobFiles(t, memory); int64(len(files)) != mustClean(t, s).Files {
				t.Errorf("operation %d failed, %v: files %v", at, err, files)
			}
		}
		t.Logf("%v: %d operations", algorithm, at-1)
		if at < 3 {
			t.Errorf("%v: only %d operations", algorithm, at-1)
		}
	}
}

// A copy whose commit conflicts, or ends without anybody knowing how, is made once
// or not at all.
func TestCopySpoiled(t *testing.T) {
	for _, state := range []versioning.State{versioning.Unversioned, versioning.Enabled} {
		s, p := openProbed(t, nil)
		mustBucket(t, s, "b", state)
		mustPut(t, s, "b", "k", string(pattern(300)))
		p.spoil(45)
		made := 0
		for n := range 60 {
			r := copyOf("k", versioning.ID{}, "to")
			r.Algorithm = checksum.All()[n%len(checksum.All())] // shared or read
			_, err := s.Copy(t.Context(), r)
			switch {
			case err == nil:
				made++
			case !errors.Is(err, ErrBusy):
				t.Fatal(err)
			}
		}
		p.onCommit.Store(nil)
		if got, want := settled(t, s, "b"), recount(t, s, "b"); got != want {
			t.Errorf("%v: %+v, want %+v", state, got, want)
		}
		if got := strings.Count(historyText(t, s, "b"), "to"); state == versioning.Enabled && got != made {
			t.Errorf("%d copies were made, %d are there", made, got)
		}
		if files := blobFiles(t, s.fs); int64(len(files)) != mustClean(t, s).Files {
			t.Errorf("%v: files %v", state, files)
		}
	}
}
