package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/store"
)

func prepareCreateBucket(x *exchange) (task, error) {
	if !validBucketName(x.bucket) {
		return task{}, refuse("InvalidBucketName")
	}
	documents, err := x.readBucketHeaders()
	if err != nil {
		return task{}, err
	}
	spec := store.BucketSpec{Name: x.bucket, Owner: x.owner(), Made: x.maker()}
	if spec.ObjectLock, err = x.lockWanted(); err != nil {
		return task{}, err
	}
	wanted, err := x.readBucketWanted()
	if err != nil {
		return task{}, err
	}
	if spec.Region, err = x.h.bucketRegion(wanted.constraint); err != nil {
		return task{}, err
	}
	if len(wanted.tags) > 0 {
		kept := keptConfigs["tagging"]
		documents = append(documents, bucketDocument{kind: kept.kind, data: kept.render(wanted.tags)})
	}
	return task{run: func() error { return x.createBucket(spec, documents) }}, nil
}

// bucketDocument is a configuration that a bucket is made with.
type bucketDocument struct {
	kind store.ConfigKind
	data []byte // nil: none is kept
	// without is what holds in a bucket that has none.
	without []byte
	// action is what has to be allowed besides making the bucket, empty for nothing.
	action string
}

// readBucketHeaders reads the headers that say who owns the objects of the bucket, and
// who may what in it: nothing is kept of what was not sent. Of a new bucket public
// ACLs are blocked, so none can come with it.
func (x *exchange) readBucketHeaders() (documents []bucketDocument, err error) {
	if namespace := x.header("X-Amz-Bucket-Namespace"); namespace != "" && namespace != "global" {
		return nil, notImplemented("x-amz-bucket-namespace", "")
	}
	owned := bucketOwnerEnforced
	if value := x.header("X-Amz-Object-Ownership"); value != "" {
		if owned = ownership(value); !owned.known() {
			return nil, invalidArgument("Invalid x-amz-object-ownership header: "+value, "x-amz-object-ownership", value)
		}
		kept := keptConfigs["ownershipControls"]
		documents = append(documents, bucketDocument{
			kept.kind, kept.render(owned), kept.render(kept.initial), "s3:PutBucketOwnershipControls",
		})
	}
	wanted, err := x.headerACL()
	switch {
	case err != nil, wanted == nil:
		return documents, err
	case owned == bucketOwnerEnforced && !wanted.holds(x.owner()):
		return nil, refuse("InvalidBucketAclWithObjectOwnership")
	case owned == bucketOwnerEnforced:
		return documents, nil
	}
	if err := x.resolveGrants(wanted); err != nil {
		return nil, err
	}
	acl, err := wanted.acl(x.owner(), x.owner())
	switch {
	case err != nil:
		return nil, err
	case acl.Public():
		return nil, refuse("InvalidBucketAclWithBlockPublicAccessError")
	}
	d := bucketDocument{kind: store.ConfigBucketACL, data: encodeACL(&acl)}
	if d.data != nil {
		d.action = "s3:PutBucketAcl"
	}
	return append(documents, d), nil
}

// lockWanted reads x-amz-bucket-object-lock-enabled (spec OL1.1-1).
func (x *exchange) lockWanted() (bool, error) {
	switch value := x.header("X-Amz-Bucket-Object-Lock-Enabled"); strings.ToLower(value) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, invalidArgument("", "x-amz-bucket-object-lock-enabled", value)
	}
}

// bucketWanted is what the body of a CreateBucket asks for.
type bucketWanted struct {
	constraint string        // of the location, empty for none
	tags       bucketTagging // none if there are none
}

// readBucketWanted reads the body. What else it may ask for is not implemented.
func (x *exchange) readBucketWanted() (w bucketWanted, err error) {
	data, err := x.readDocument(maxSmallDocument)
	if err != nil || len(data) == 0 {
		return w, err
	}
	if err := readChildren(data, "CreateBucketConfiguration", w.take); err != nil {
		return w, err
	}
	return w, bucketTags.check(w.tags)
}

// take reads a child of a CreateBucketConfiguration.
func (w *bucketWanted) take(r *xmlReader, name string) (err error) {
	switch name {
	case "LocationConstraint":
		w.constraint, err = r.text()
		return err
	case "Tags":
		w.tags, err = readTags(r)
		return err
	case "Location", "Bucket":
		return refuseWith("NotImplemented", "The element "+name+" of CreateBucketConfiguration is not implemented.")
	}
	return errXML
}

// bucketRegion says where a bucket is made that is asked for with a constraint. A server
// of every region makes buckets everywhere, as the global endpoint does; one that was given
// its region, only at home, for it would send away whatever is asked of others (spec
// WI2.2-13).
func (h *Handler) bucketRegion(constraint string) (string, error) {
	switch {
	case h.region != defaultRegion && constraint == "":
		return "", refuse("IllegalLocationConstraintException")
	case h.region != defaultRegion && !h.isHome(constraint):
		return "", incompatible(constraint)
	case constraint == "":
		return "", nil
	case constraint == defaultRegion, !isRegion(constraint) && constraint != h.region:
		return "", refuse("InvalidLocationConstraint", "LocationConstraint", constraint)
	case h.isPinned() && !h.isHome(constraint):
		return "", incompatible(constraint)
	}
	return constraint, nil
}

// incompatible refuses a constraint that is not the region of the server.
func incompatible(constraint string) error {
	f := refuse("IllegalLocationConstraintException", "LocationConstraint", constraint)
	f.message = "The " + constraint + " location constraint is incompatible for the region specific endpoint this request was sent to."
	return f
}

// isRegion reports whether s has the form of a region's name, such as eu-west-1.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if s == "EU" {
		return true
	}
	if len(parts) < 3 || len(s) > 32 {
		return false
	}
	for i, part := range parts {
		allowed := "abcdefghijklmnopqrstuvwxyz"
		if i == len(parts)-1 {
			allowed = "0123456789"
		}
		if part == "" || strings.Trim(part, allowed) != "" {
			return false
		}
	}
	return true
}

// createBucket makes the bucket. Making one's own again is an error everywhere but
// in us-east-1 (spec WI2.2-8), and there too if it would be configured otherwise then.
// What belongs to another account is not available (spec WI2.2-7).
func (x *exchange) createBucket(spec store.BucketSpec, documents []bucketDocument) error {
	if err := x.authorizeBucket(&spec, documents); err != nil {
		return err
	}
	b, err := x.h.store.CreateBucket(x.Context(), spec)
	exists := errors.Is(err, store.ErrBucketExists)
	again := exists && x.h.region == defaultRegion && x.regionOf(&b) == defaultRegion
	switch {
	case exists && b.Owner.Account != spec.Owner.Account:
		return refuse("BucketAlreadyExists")
	case err != nil && !again:
		return err
	case again && spec.ObjectLock && !b.ObjectLock:
		// err is the answer: nobody is told of a bucket that locks which does not.
	case again:
		err = x.compareBucket(documents, err)
	default:
		err = x.configureBucket(documents)
	}
	if err != nil {
		return err
	}
	x.set("Location", "/"+x.bucket)
	x.WriteHeader(http.StatusOK)
	return nil
}

// authorizeBucket asks for what a bucket is to be made with, as Amazon does.
func (x *exchange) authorizeBucket(spec *store.BucketSpec, documents []bucketDocument) error {
	var actions []string
	if spec.ObjectLock {
		actions = append(actions, "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning")
	}
	for _, d := range documents {
		if d.action != "" {
			actions = append(actions, d.action)
		}
	}
	for _, action := range actions {
		q := x.asks(action)
		if err := x.ask(&q); err != nil {
			return err
		}
	}
	return nil
}

// compareBucket holds what a request asks of a bucket that was there already against
// what it has, so that nobody is told of a bucket with tags that has none. If they
// differ, exists is the answer.
func (x *exchange) compareBucket(documents []bucketDocument, exists error) error {
	for _, d := range documents {
		has, err := x.h.store.Config(x.Context(), x.bucket, d.kind)
		if err != nil {
			return err
		}
		if has == nil {
			has = d.without
		}
		if !bytes.Equal(has, d.data) {
			return exists
		}
	}
	return nil
}

// configureBucket gives a bucket that was just made its configurations, without which
// there is none: if that fails it is removed again.
func (x *exchange) configureBucket(documents []bucketDocument) error {
	// A client that goes away in between does not keep them apart.
	ctx := context.WithoutCancel(x.Context())
	for _, d := range documents {
		if d.data == nil {
			continue
		}
		if err := x.h.store.SetConfig(ctx, x.bucket, d.kind, d.data, x.maker()); err != nil {
			return errors.Join(err, x.h.store.DeleteBucket(ctx, x.bucket, x.maker()))
		}
	}
	return nil
}
