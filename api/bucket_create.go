package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/store"
)

// cannedACLs are the canned ACLs that S3 knows. With ACLs disabled, as on every
// bucket here, only those that say what holds anyway are accepted (spec AP3-8).
var cannedACLs = map[string]bool{
	"private":                   true,
	"bucket-owner-full-control": true,
	"public-read":               false,
	"public-read-write":         false,
	"authenticated-read":        false,
	"aws-exec-read":             false,
	"bucket-owner-read":         false,
	"log-delivery-write":        false,
}

// checkACL refuses the ACL headers that ask for what disabled ACLs cannot give.
func (x *exchange) checkACL() error {
	for name := range x.r.Header {
		if strings.HasPrefix(name, "X-Amz-Grant-") {
			return refuse("AccessControlListNotSupported")
		}
	}
	if !x.sent("X-Amz-Acl") {
		return nil
	}
	acl := x.header("X-Amz-Acl")
	allowed, known := cannedACLs[acl]
	if !known {
		return invalidArgument("", "x-amz-acl", acl)
	}
	if !allowed {
		return refuse("AccessControlListNotSupported")
	}
	return nil
}

func prepareCreateBucket(x *exchange) (task, error) {
	if !validBucketName(x.bucket) {
		return task{}, refuse("InvalidBucketName")
	}
	if err := x.checkACL(); err != nil {
		return task{}, err
	}
	if err := x.checkOwnership(); err != nil {
		return task{}, err
	}
	spec := store.BucketSpec{Name: x.bucket, Owner: x.h.owner}
	var err error
	if spec.ObjectLock, err = x.lockWanted(); err != nil {
		return task{}, err
	}
	wanted, err := x.readBucketWanted()
	if err != nil {
		return task{}, err
	}
	if spec.Region, err = bucketRegion(wanted.constraint, x.h.region); err != nil {
		return task{}, err
	}
	return task{run: func() error { return x.createBucket(spec, wanted.tags) }}, nil
}

// checkOwnership accepts the one setting that buckets here have.
func (x *exchange) checkOwnership() error {
	if namespace := x.header("X-Amz-Bucket-Namespace"); namespace != "" && namespace != "global" {
		return notImplemented("x-amz-bucket-namespace", "")
	}
	switch ownership := x.header("X-Amz-Object-Ownership"); ownership {
	case "", "BucketOwnerEnforced":
		return nil
	case "BucketOwnerPreferred", "ObjectWriter":
		return notImplemented("x-amz-object-ownership", "")
	default:
		return invalidArgument("Invalid x-amz-object-ownership header: "+ownership, "x-amz-object-ownership", ownership)
	}
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
	r, err := openXML(data, "CreateBucketConfiguration")
	if err == nil {
		err = r.each(w.take(r))
	}
	if err == nil {
		err = r.finish()
	}
	if errors.Is(err, errXML) {
		return w, refuse("MalformedXML")
	}
	if err != nil {
		return w, err
	}
	return w, bucketTags.check(w.tags)
}

// take reads the children of a CreateBucketConfiguration, each of which stands there
// once at most.
func (w *bucketWanted) take(r *xmlReader) func(string) error {
	seen := map[string]bool{}
	return func(name string) (err error) {
		if seen[name] {
			return errXML
		}
		seen[name] = true
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
}

// bucketRegion says where a bucket is made that a server in region is asked to
// make with a constraint. The server of us-east-1 makes buckets everywhere, as the
// global endpoint does; others only at home (spec WI2.2-13).
func bucketRegion(constraint, region string) (string, error) {
	switch {
	case region != defaultRegion && constraint == "":
		return "", refuse("IllegalLocationConstraintException")
	case region != defaultRegion && constraint != region:
		return "", refuseWith("IllegalLocationConstraintException",
			"The "+constraint+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	case constraint == "":
		return "", nil
	case constraint == defaultRegion, !isRegion(constraint) && constraint != region:
		return "", refuse("InvalidLocationConstraint", "LocationConstraint", constraint)
	}
	return constraint, nil
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
// in us-east-1 (spec WI2.2-8), and there too if it would have other tags then.
func (x *exchange) createBucket(spec store.BucketSpec, tags bucketTagging) error {
	b, err := x.h.store.CreateBucket(x.Context(), spec)
	again := errors.Is(err, store.ErrBucketExists) && x.h.region == defaultRegion && x.regionOf(&b) == defaultRegion
	if err != nil && !again {
		return err
	}
	if len(tags) > 0 {
		if err := x.tagBucket(tags, err); err != nil {
			return err
		}
	}
	x.set("Location", "/"+x.bucket)
	x.WriteHeader(http.StatusOK)
	return nil
}

// tagBucket gives a bucket that was just made its tags, without which there is none: if
// that fails it is removed again. Of one that was there already, which exists says, the
// tags are compared, so that nobody is told of a bucket with tags that has none.
func (x *exchange) tagBucket(tags bucketTagging, exists error) error {
	kept := keptConfigs["tagging"]
	wanted := kept.render(tags)
	if exists != nil {
		has, err := x.h.store.Config(x.Context(), x.bucket, kept.kind)
		if err == nil && !bytes.Equal(has, wanted) {
			err = exists
		}
		return err
	}
	// A client that goes away between the two does not keep them apart.
	ctx := context.WithoutCancel(x.Context())
	err := x.h.store.SetConfig(ctx, x.bucket, kept.kind, wanted)
	if err == nil {
		return nil
	}
	return errors.Join(err, x.h.store.DeleteBucket(ctx, x.bucket))
}
