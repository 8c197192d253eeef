package api

import (
	"errors"
	"net/http"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// maxLifecycleDocument bounds a lifecycle configuration, bytes: 1,000 rules fit whose
// ids and prefixes are as long as they may be.
const maxLifecycleDocument = 4 << 20

// minimumSizeName is the header that says from which size on objects change their
// storage class, as S3 spells it (spec LC1-4).
const minimumSizeName = "x-amz-transition-default-minimum-object-size"

// preparePutBucketLifecycle replaces the rules of a bucket (spec LC1-1).
func preparePutBucketLifecycle(x *exchange) (task, error) {
	document, err := x.readVerified(maxLifecycleDocument)
	if err != nil {
		return task{}, err
	}
	c, err := lifecycle.ParseXML(document, x.h.ids.next)
	if err == nil {
		err = c.SetMinimumSize(x.header(http.CanonicalHeaderKey(minimumSizeName)))
	}
	if err != nil {
		return task{}, misruled(err)
	}
	if c.Transitions() && !x.h.acceptTransitions { // spec LC7-1
		return task{}, refuseWith("NotImplemented", x.op.name+" with Transition or NoncurrentVersionTransition is not implemented.")
	}
	return task{run: func() error {
		if err := x.setRules(c.Encode()); err != nil {
			return err
		}
		x.set(minimumSizeName, c.MinimumSize)
		x.WriteHeader(http.StatusOK)
		return nil
	}}, nil
}

// misruled answers why a document is no lifecycle configuration (spec LC3).
func misruled(err error) error {
	var wrong *lifecycle.ConfigError
	if !errors.As(err, &wrong) {
		return err
	}
	f := refuseWith(Code(wrong.Code), wrong.Message)
	if wrong.Argument != "" {
		f.elements = append(f.elements, pair{"ArgumentName", wrong.Argument}, pair{"ArgumentValue", wrong.Value})
	}
	return f
}

// setRules keeps a lifecycle configuration, nil for none.
func (x *exchange) setRules(document []byte) error {
	err := x.h.store.SetConfig(x.Context(), x.bucket, store.ConfigLifecycle, document, x.maker())
	if errors.Is(err, store.ErrConfigTooLarge) {
		return refuse("MaxMessageLengthExceeded")
	}
	if err == nil && x.h.expirer != nil {
		x.h.expirer.Changed(x.bucket)
	}
	return err
}

// rules returns the lifecycle configuration of the bucket, nil if it has none.
func (x *exchange) rules() (*lifecycle.Config, error) {
	return store.Parsed(x.Context(), x.h.store, x.bucket, store.ConfigLifecycle, lifecycle.Decode)
}

// prepareGetBucketLifecycle shows the rules of a bucket in the form in which they were
// put (spec LC1-2, LC2-1).
func prepareGetBucketLifecycle(x *exchange) (task, error) {
	return task{run: func() error {
		c, err := x.rules()
		switch {
		case err != nil:
			return err
		case c == nil:
			return refuse("NoSuchLifecycleConfiguration")
		}
		x.set(minimumSizeName, c.MinimumSize)
		x.beginBody(http.StatusOK)
		_, err = x.Write(c.XML())
		return err
	}}, nil
}

// prepareDeleteBucketLifecycle removes the rules of a bucket; that there are none is no
// error (spec LC1-3).
func prepareDeleteBucketLifecycle(x *exchange) (task, error) {
	return task{run: func() error {
		x.ignoreBody()
		if err := x.setRules(nil); err != nil {
			return err
		}
		x.WriteHeader(http.StatusNoContent)
		return nil
	}}, nil
}
