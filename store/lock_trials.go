package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/store/blob"
	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// trial is a way of destroying a version by a change of its key.
type trial struct {
	path   string
	bypass bool // bypassing governance is asked for and allowed
	// suspended tries what no bucket with Object Lock lets happen: that versioning
	// was suspended, where null entries are replaced.
	suspended bool
	edits     func(s *Store, b *bucketState, key string, id versioning.ID, bypass bool) []*edit
}

// trials are the ways of destroying a version by a change of its key.
var trials = []trial{
	{path: "DELETE versionId", edits: tryDelete},
	{path: "DELETE versionId with bypass", bypass: true, edits: tryDelete},
	{path: "DeleteObjects", edits: tryDeleteObjects},
	{path: "DeleteObjects with bypass", bypass: true, edits: tryDeleteObjects},
	// Rules and jobs do the same under more conditions, see Removal.
	{path: "lifecycle expiration", edits: tryDelete},
	{path: "job that empties the bucket", edits: tryDelete},
	{path: "job that empties the bucket with bypass", bypass: true, edits: tryDelete},
	{path: "DELETE", edits: tryMarker},
	{path: "DELETE, if suspended", suspended: true, edits: tryMarker},
	{path: "PutObject", edits: tryPut},
	{path: "PutObject, if suspended", suspended: true, edits: tryPut},
	{path: "CopyObject", edits: tryCopy},
	{path: "CopyObject, if suspended", suspended: true, edits: tryCopy},
	{path: "CompleteMultipartUpload", edits: tryComplete},
	{path: "CompleteMultipartUpload, if suspended", suspended: true, edits: tryComplete},
	{path: "PutObjectRetention removing it", edits: tryRemoval},
	{path: "PutObjectRetention removing it with bypass", bypass: true, edits: tryRemoval},
	{path: "PutObjectRetention until now", edits: tryShortening},
}

func tryDelete(s *Store, b *bucketState, key string, id versioning.ID, bypass bool) []*edit {
	r := &DeleteRequest{Key: key, ID: id, BypassGovernance: bypass}
	return []*edit{new(deletion).prepare(s, b, r, s.lockNow())}
}

// tryDeleteObjects hides the key and destroys the version in one batch.
func tryDeleteObjects(s *Store, b *bucketState, key string, id versioning.ID, bypass bool) []*edit {
	return append(tryMarker(s, b, key, id, bypass), tryDelete(s, b, key, id, bypass)...)
}

func tryMarker(s *Store, b *bucketState, key string, _ versioning.ID, bypass bool) []*edit {
	return tryDelete(s, b, key, versioning.ID{}, bypass)
}

func tryPut(s *Store, b *bucketState, key string, _ versioning.ID, _ bool) []*edit {
	return []*edit{s.trialPut(b, &PutRequest{Key: key})}
}

func tryCopy(s *Store, b *bucketState, key string, _ versioning.ID, _ bool) []*edit {
	return []*edit{s.trialPut(b, &PutRequest{Key: key, copied: true})}
}

func (s *Store) trialPut(b *bucketState, r *PutRequest) *edit {
	return s.putEdit(b, r, func(v *versioning.Version) (*record, []engine.Mutation) {
		return s.putRecord(b, r, &blob.Stored{}, v)
	})
}

func tryComplete(s *Store, b *bucketState, key string, _ versioning.ID, _ bool) []*edit {
	c := &completion{
		store: s, request: &CompleteRequest{}, bucket: b, set: partSet{bucket: b.id, key: key},
		upload: &uploadRow{description: &record{}},
	}
	e := c.edit()
	e.build = s.trialPut(b, &PutRequest{Key: key}).build // it has no parts
	return []*edit{e}
}

func tryRemoval(s *Store, b *bucketState, key string, id versioning.ID, bypass bool) []*edit {
	r := &RetentionRequest{Key: key, ID: id, Bypass: bypass}
	return []*edit{s.retentionAmendment(r).edit(b)}
}

func tryShortening(s *Store, b *bucketState, key string, id versioning.ID, bypass bool) []*edit {
	r := &RetentionRequest{Key: key, ID: id, Bypass: bypass, Mode: versioning.Governance, Until: s.lockNow()}
	return []*edit{s.retentionAmendment(r).edit(b)}
}

// try makes all trials on a version.
func (v *lockVerifier) try(r engine.Reader, p *LockProof, rec *record) error {
	for i := range trials {
		t := &trials[i]
		held, why, err := v.plan(r, t, p, rec)
		if err != nil {
			return err
		}
		p.add(t.path, t.bypass, held, why)
	}
	err := v.store.bucketEmpty(v.ctx, v.bucket)
	if err != nil && !errors.Is(err, ErrBucketNotEmpty) {
		return err
	}
	p.add("DeleteBucket", false, err != nil, reason(err, "bucket would go"))
	if err := v.tryReclaim(r, p, rec); err != nil {
		return err
	}
	return v.tryRepair(r, p, rec)
}

// add adds the outcome of a trial.
func (p *LockProof) add(path string, bypass, held bool, why string) {
	p.Trials = append(p.Trials, LockTrial{Path: path, Held: held, Want: p.Lock.Protects(p.At, bypass), Why: why})
}

// reason is err in words, or otherwise if there is none.
func reason(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// plan plans the edits of a trial as a request would, and looks at what they come
// to. Nothing of it is committed, no order is issued.
func (v *lockVerifier) plan(r engine.Reader, t *trial, p *LockProof, rec *record) (held bool, why string, err error) {
	row := *v.bucket.row.Load()
	if t.suspended {
		row.Versioning = versioning.Suspended
	}
	b := newBucketState(&row)
	edits := t.edits(v.store, b, p.Key, rec.version().ID(), t.bypass)
	for n, e := range edits {
		plan := e.plan
		e.inserts = false
		order := ^versioning.Order(0) - versioning.Order(n)
		e.plan = func(s versioning.State, f versioning.Facts, _ versioning.Order) (versioning.Plan, error) {
			return plan(s, f, order)
		}
	}
	batch := newBatch(b, len(edits))
	if err := v.store.planAll(r, batch, edits); err != nil {
		return false, "", err
	}
	refused := edits[len(edits)-1].err
	after, err := v.after(batch, versionKey(b.id, p.Key, rec.order), rec)
	switch {
	case err != nil:
		return false, "", err
	case after == nil:
		return false, freed(p.Lock, p.At, t.bypass), nil
	case p.Lock.Protects(p.At, false) && !after.lock.Protects(p.At, false):
		return false, "lock would be weaker: " + freed(p.Lock, p.At, t.bypass), nil
	}
	return true, reason(refused, "version stays"), nil
}

// after is what a batch makes of the record at key, nil if it removes it.
func (v *lockVerifier) after(b *batch, key []byte, rec *record) (*record, error) {
	for _, m := range b.mutations {
		switch {
		case !bytes.Equal(m.Key, key):
		case m.Kind != engine.KindSet:
			rec = nil
		default:
			var err error
			if rec, err = decodeRecord(m.Value); err != nil {
				return nil, err
			}
		}
	}
	return rec, nil
}

// freed says why l does not protect.
func freed(l versioning.Lock, now time.Time, bypass bool) string {
	switch {
	case l.Protects(now, bypass):
		return "although its lock protects it"
	case l.Protects(now, false):
		return "governance was bypassed"
	case l.Mode != versioning.NoRetention:
		return "retention ended " + l.Until.UTC().Format(time.RFC3339)
	}
	return "legal hold was lifted"
}

// tryReclaim looks for a row that makes the reclaimer remove the bytes.
func (v *lockVerifier) tryReclaim(r engine.Reader, p *LockProof, rec *record) error {
	ref := rec.ref
	if rec.place != placeFile {
		ref = blob.Ref{}
	}
	_, waits, err := r.Get(reclaimKey(rec.order, ref))
	if err == nil {
		p.add("reclaim", false, !waits, choose(waits, "bytes wait for reclaim", "bytes do not wait for reclaim"))
	}
	return err
}

// tryRepair asks about the bytes what a start asks about files that may be left over
// from a crash.
func (v *lockVerifier) tryRepair(r engine.Reader, p *LockProof, rec *record) error {
	switch rec.place {
	case placeFile:
		left, err := leftOver(r, rec.ref)
		if err == nil {
			p.add("repair at start", false, !left, choose(left, "file has no row", "file has its row"))
		}
		return err
	case placeParts:
		return v.repairParts(r, p, rec)
	case placeData:
		_, found, err := r.Get(dataKey(v.bucket.id, rec.ref))
		if err == nil && !found {
			p.Damage = append(p.Damage, "data row is missing")
		}
		if err != nil {
			return err
		}
	}
	p.add("repair at start", false, true, "no file")
	return nil
}

// repairParts asks the same about all files of the parts of a version.
func (v *lockVerifier) repairParts(r engine.Reader, p *LockProof, rec *record) error {
	set, bad := rec.partsOf(v.bucket.id, p.Key), ""
	for cursor := rec.parts.from(0); ; {
		at, ok := cursor.next()
		if !ok {
			break
		}
		part, err := set.readPart(r, at.number, at.size)
		if errors.Is(err, ErrDamaged) {
			bad = fmt.Sprintf("part %d: %v", at.number, err)
			continue
		}
		if err != nil {
			return err
		}
		for i := range part.pieces {
			if part.pieces[i].place != placeFile {
				continue
			}
			left, err := leftOver(r, part.pieces[i].ref)
			if err != nil {
				return err
			}
			if left {
				bad = fmt.Sprintf("a file of part %d has no row", at.number)
			}
		}
	}
	p.add("repair at start", false, bad == "", choose(bad != "", bad, "files of all parts have their rows"))
	return nil
}

// choose is yes or no.
func choose(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
