package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"strings"
)

// passUploads aborts the uploads that are due of the keys with a prefix (spec LC4-4).
func (p *pass) passUploads(ctx context.Context, prefix string) error {
	r := UploadsRequest{Bucket: p.bucket.Name, Prefix: prefix}
	switch last := p.upload.AfterKey; {
	case strings.HasPrefix(last, prefix):
		r.AfterKey, r.AfterID = last, p.upload.AfterID
	case last > prefix:
		return nil // it ends before that
	}
	for more := true; more; {
		if err := p.still(ctx); err != nil {
			return err
		}
		started, done := p.x.o.Clock.Elapsed(), 0
		page, rest, err := p.x.o.Store.Uploads(ctx, r)
		if err != nil {
			return err
		}
		more = rest && len(page) > 0
		if len(page) > 0 {
			r.AfterKey, r.AfterID = page[len(page)-1].Key, page[len(page)-1].ID
		}
		for i := range page {
			if err := p.judgeUpload(ctx, &page[i], &done); err != nil {
				return err
			}
		}
		if err := p.abort(ctx); err != nil {
			return err
		}
		if err := p.rest(ctx, started, done); err != nil {
			return err
		}
		if p.upload = r; more && p.over() {
			return errCut
		}
	}
	return nil
}

// judgeUpload puts an upload into the batch if it is to be aborted.
func (p *pass) judgeUpload(ctx context.Context, u *Upload, due *int) error {
	p.tally.Scanned++
	rule, at, ok := p.config.ForUpload(u.Key, u.Initiated)
	switch {
	case !ok:
		return nil
	case at.After(p.at.Now):
		p.tally.next(at)
		p.agenda.laterUpload(at)
		return nil
	}
	size, err := p.x.o.Store.UploadSize(ctx, p.bucket.Name, u)
	if err != nil {
		return err
	}
	*due++
	p.tally.meet(at)
	p.batch.actions = append(p.batch.actions, Action{
		Bucket: p.bucket.Name, Key: u.Key, Upload: u.ID, Kind: AbortUpload, Rule: rule.ID, Due: at, Size: size,
	})
	return nil
}

// abort aborts the uploads of the batch, those of one rule at a time.
func (p *pass) abort(ctx context.Context) error {
	all := p.batch.actions
	defer func() { p.batch.actions = all[:0] }()
	for begin := 0; begin < len(all); {
		end, most := begin+1, p.size()
		for end < len(all) && end-begin < most && all[end].Rule == all[begin].Rule {
			end++
		}
		if err := p.allow(ctx, end-begin); err != nil {
			return err
		}
		if err := p.abortAll(ctx, all[begin:end]); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// abortAll aborts uploads by one rule.
func (p *pass) abortAll(ctx context.Context, actions []Action) error {
	var results []error
	if !p.dry {
		us := make([]Upload, len(actions))
		for i := range actions {
			us[i] = Upload{Key: actions[i].Key, ID: actions[i].Upload}
		}
		var err error
		if results, err = p.x.o.Store.Abort(ctx, p.bucket.Name, p.config, actions[0].Rule, us); err != nil {
			return err
		}
	}
	var told []*Action
	for i := range actions {
		a := &actions[i]
		if !p.dry {
			a.Err = results[i]
		}
		tell, err := p.aborted(a)
		if err != nil {
			return cmp.Or(p.report(ctx, told), err)
		}
		if tell {
			told = append(told, a)
		}
	}
	return p.report(ctx, told)
}

// aborted counts what became of an upload, and says whether that is told. One that ended
// meanwhile is nobody's business any more.
func (p *pass) aborted(a *Action) (tell bool, err error) {
	switch {
	case a.Err == nil:
		p.tally.count(a)
	case errors.Is(a.Err, ErrChanged):
		return false, nil
	case errors.Is(a.Err, ErrNoBucket):
		return false, a.Err
	default:
		p.tally.fail(a.Due)
		p.x.log.Error("an upload could not be aborted", "bucket", a.Bucket, "key", a.Key, "rule", a.Rule, "error", a.Err)
	}
	return true, nil
}
