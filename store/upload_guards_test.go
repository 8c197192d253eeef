package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// before runs fn before the next commit that writes a row of a table, once.
func (p *probe) before(which table, fn func()) {
	hook := func(mutations []engine.Mutation, apply func() error) error {
		if inTable(which, mutations) {
			p.onCommit.Store(nil)
			fn()
		}
		return apply()
	}
	p.onCommit.Store(&hook)
}

// What happens between the look of a Complete at its parts and its commit is not
// lost: a part that takes the place of a listed one makes it fail, one that is not
// listed goes with the others.
func TestPartBesideComplete(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	one := mustPart(t, s, name, 1, string(pattern(200)))
	var other CompletedPart
	p.before(doneTable, func() { other = mustPart(t, s, name, 1, string(pattern(300))) })
	_, err := complete(t, s, name, one)
	if bad := (*PartError)(nil); !errors.As(err, &bad) || bad.Reason != PartInvalid {
		t.Errorf("a part that was replaced: %v", err)
	}
	p.before(doneTable, func() { mustPart(t, s, name, 9, string(pattern(400))) })
	mustComplete(t, s, name, other)
	mustRead(t, s, "b", "k", versioning.ID{}, string(pattern(300)))
	mustReclaimed(t, s)
	if rows, files := countTable(t, s, partTable), blobFiles(t, s.fs); rows != 1 || len(files) != 1 {
		t.Errorf("%d parts, files %v", rows, files)
	}
	if got := mustStatistics(t, s, "b"); got != (Statistics{Objects: 1, ObjectBytes: 300}) {
		t.Errorf("%+v", got)
	}
	mustClean(t, s)
}

// An end of an upload makes the parts fail that are on their way, and leaves
// nothing of them.
func TestPartBesideEnd(t *testing.T) {
	for _, abort := range []bool{false, true} {
		s, p := openProbed(t, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
		one := mustPart(t, s, name, 1, "one")
		p.before(partTable, func() {
			if abort {
				mustAbort(t, s, name)
			} else {
				mustComplete(t, s, name, one)
			}
		})
		body := string(pattern(300))
		_, err := s.PutPart(t.Context(), PartRequest{Upload: name, Number: 2, Body: strings.NewReader(body), Size: 300})
		if !errors.Is(err, ErrNoSuchUpload) {
			t.Errorf("abort %v: %v", abort, err)
		}
		mustReclaimed(t, s)
		if files := blobFiles(t, s.fs); len(files) != 0 {
			t.Errorf("abort %v: files %v", abort, files)
		}
		mustClean(t, s)
	}
}

// An object of parts that is destroyed while it is opened is not there, and its
// parts are not kept.
func TestOpenPartsBesideDestroy(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	id := mustID(t, s, mustUpload(t, s, "b", "k", string(pattern(300)), "tail").VersionHeader)
	hook := func() {
		mustDelete(t, s, "b", "k", id)
		mustReclaimed(t, s) // passes over what is pinned
	}
	p.afterView.Store(&hook)
	if _, err := s.Get(t.Context(), ReadRequest{Bucket: "b", Key: "k", ID: id}); !errors.Is(err, versioning.NoSuchVersion) {
		t.Error(err)
	}
	mustReclaimed(t, s)
	if rows, files := countTable(t, s, partTable), blobFiles(t, s.fs); rows != 0 || len(files) != 0 {
		t.Errorf("%d parts, files %v", rows, files)
	}
	mustClean(t, s)
}

// A reclaim of parts that fails midway, or whose outcome is unknown, is done again
// and counted once.
func TestSpoiledReclaimOfParts(t *testing.T) {
	t.Parallel() // it waits for the reclaimer's second try
	for _, applied := range []bool{false, true} {
		s, p := openProbed(t, nil)
		mustBucket(t, s, "b", versioning.Enabled)
		name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
		mustPart(t, s, name, 1, string(pattern(300)))
		mustPart(t, s, name, 2, "inline")
		hook := func(mutations []engine.Mutation, apply func() error) error {
			if !inTable(partTable, mutations) {
				return apply()
			}
			p.onCommit.Store(nil)
			if applied {
				if err := apply(); err != nil {
					return err
				}
			}
			return engine.ErrCommitUnknown
		}
		p.onCommit.Store(&hook)
		mustAbort(t, s, name)
		if got := settled(t, s, "b"); got != (Statistics{}) || p.onCommit.Load() != nil {
			t.Errorf("applied %v: %+v", applied, got)
		}
		if files := blobFiles(t, s.fs); len(files) != 0 {
			t.Error("left:", files)
		}
		mustClean(t, s)
	}
}

// A part is refused because of an end of its upload once that is durable.
func TestRefusedPartWaits(t *testing.T) {
	var syncs int
	s := openTest(t, nil, func(o *Options) {
		o.WrapEngine = func(e engine.Engine) engine.Engine { return countingSyncs{e, &syncs} }
	})
	mustBucket(t, s, "b", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	if err := s.AbortUpload(t.Context(), name, Maker{}); err != nil {
		t.Fatal(err)
	}
	mustReclaimed(t, s)
	before := syncs
	if _, err := s.Upload(t.Context(), name); !errors.Is(err, ErrNoSuchUpload) || syncs != before+1 {
		t.Errorf("%v after %d syncs", err, syncs-before)
	}
}

// countingSyncs counts what waits for others' changes.
type countingSyncs struct {
	engine.Engine
	n *int
}

func (e countingSyncs) Sync(ctx context.Context) error {
	*e.n++
	return e.Engine.Sync(ctx)
}

// Parts that were not listed go though somebody reads the object.
func TestUnlistedPartsGoBesideReaders(t *testing.T) {
	s, p := openProbed(t, nil)
	mustBucket(t, s, "b", versioning.Enabled)
	name := mustCreate(t, s, UploadRequest{Bucket: "b", Key: "k"})
	one := mustPart(t, s, name, 1, string(pattern(200)))
	mustPart(t, s, name, 2, string(pattern(300)))
	var o *Opened
	hook := func(mutations []engine.Mutation, apply func() error) error {
		if !inTable(doneTable, mutations) {
			return apply()
		}
		p.onCommit.Store(nil)
		err := apply()
		o = mustGet(t, s, "k") // before the reclaimer is told
		return err
	}
	p.onCommit.Store(&hook)
	mustComplete(t, s, name, one)
	mustReclaimed(t, s)
	if rows, files := countTable(t, s, partTable), blobFiles(t, s.fs); rows != 1 || len(files) != 1 {
		t.Errorf("%d parts, files %v", rows, files)
	}
	if got := readOpened(t, o); got != string(pattern(200)) {
		t.Errorf("read %d bytes", len(got))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	mustClean(t, s)
}
