package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/seed61737384/tombstone/store/engine"
)

// MaxJobBytes is the length of the longest document that KeepJob keeps, bytes.
const MaxJobBytes = 1 << 20

// What KeepJob refuses.
var (
	// ErrJobTooLarge says that a document has more than [MaxJobBytes] bytes.
	ErrJobTooLarge = errors.New("document of a job is too large")
	// ErrJobName says that a name is empty, not UTF-8, holds U+0000 or has more than
	// [MaxKeyBytes] bytes.
	ErrJobName = errors.New("name of a job cannot be stored")
)

// JobRow is what is kept of long work, so that it goes on after a restart: whatever
// document who does the work wants.
type JobRow struct {
	Name     string
	Document []byte
}

// KeepJob keeps a document under a name, in place of the one that is there. It is
// durable when KeepJob returns.
func (s *Store) KeepJob(ctx context.Context, name string, document []byte) error {
	if document == nil {
		document = []byte{}
	}
	if err := s.setJob(ctx, name, document); err != nil {
		return &Error{Op: "keep job", Key: name, Err: err}
	}
	return nil
}

// DropJob removes the document under a name, if there is one.
func (s *Store) DropJob(ctx context.Context, name string) error {
	if err := s.setJob(ctx, name, nil); err != nil {
		return &Error{Op: "drop job", Key: name, Err: err}
	}
	return nil
}

// noBucket is the bucket of no key, under which the names of jobs are locked.
const noBucket bucketID = 0

// setJob replaces the document under a name; nil removes it.
func (s *Store) setJob(ctx context.Context, name string, document []byte) error {
	switch {
	case s.closed.Load():
		return ErrClosed
	case checkKey(name) != nil:
		return ErrJobName
	case len(document) > MaxJobBytes:
		return ErrJobTooLarge
	}
	defer s.keyLocks.lock(noBucket, []string{name})()
	place := documentPlace{
		key:    func(chunk int) []byte { return jobKey(name, chunk) },
		remove: func(chunk int) engine.Mutation { return engine.Delete(jobKey(name, chunk)) },
	}
	var was [][]byte
	err := s.view(ctx, func(r engine.Reader) (err error) {
		was, err = place.read(r)
		return err
	})
	if err != nil {
		return err
	}
	guards, mutations := place.replace(was, cutDocument(document))
	if len(mutations) == 0 {
		return nil // it is durable already
	}
	return s.commit(ctx, guards, mutations)
}

// Jobs returns the documents whose names begin with prefix, by name.
func (s *Store) Jobs(ctx context.Context, prefix string) ([]JobRow, error) {
	var jobs jobRows
	err := s.view(ctx, func(r engine.Reader) error {
		start, bad := append([]byte{byte(jobTable)}, prefix...), error(nil)
		_, err := r.Scan(engine.Range{Start: start, End: prefixEnd(start)}, func(k, v []byte) bool {
			bad = jobs.take(k, v)
			return bad == nil
		})
		return errors.Join(err, bad)
	})
	if err != nil {
		return nil, &Error{Op: "read jobs", Key: prefix, Err: err}
	}
	return jobs.rows, nil
}

// jobRows puts documents together from their rows, which come in order.
type jobRows struct {
	rows   []JobRow
	chunks int // of the last one
}

// take adds a row.
func (j *jobRows) take(k, v []byte) error {
	name, chunk, ok := splitJobKey(k)
	if !ok || bytes.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("job row with a malformed key %x: %w", k, errRecord)
	}
	if chunk == 0 {
		j.rows = append(j.rows, JobRow{Name: string(name)})
		j.chunks = 0
	}
	n := len(j.rows)
	if n == 0 || j.rows[n-1].Name != string(name) || chunk != j.chunks || len(j.rows[n-1].Document) != chunk*documentChunk {
		return fmt.Errorf("row %d of job %q does not follow the one before: %w", chunk, name, errRecord)
	}
	last := &j.rows[n-1]
	last.Document = append(last.Document, v...)
	j.chunks++
	if len(v) > documentChunk || len(last.Document) > MaxJobBytes {
		return fmt.Errorf("document of job %q is too long: %w", name, errRecord)
	}
	return nil
}
