package api

import (
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/store"
)

// bucketTagging are the tags of a bucket.
type bucketTagging []store.Tag

// readBucketTagging reads a Tagging (spec WI3-8). One without tags says nothing: the
// bucket has no tag set then, as on Amazon.
func readBucketTagging(r *xmlReader) (configuration, error) {
	tags, err := readTagging(r)
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	return bucketTagging(tags), bucketTags.check(tags)
}

func (t bucketTagging) write(d *document) {
	d.open("TagSet")
	for _, tag := range t {
		d.open("Tag")
		d.text("Key", tag.Key)
		d.text("Value", tag.Value)
		d.close("Tag")
	}
	d.close("TagSet")
}

// encryption is how a bucket encrypts unless a request says otherwise: always AES256.
type encryption struct {
	bucketKey bool     // kept and shown; it means something for aws:kms only
	blocked   []string // NONE, or SSE-C, which every bucket here refuses anyway
}

// readEncryption reads a ServerSideEncryptionConfiguration. Keys of a key service
// would have to be asked for theirs: 501.
func readEncryption(r *xmlReader) (configuration, error) {
	var e encryption
	rules := 0
	err := r.each(func(name string) error {
		if rules++; name != "Rule" || rules > 1 {
			return errXML
		}
		return e.readRule(r)
	})
	if err == nil && rules == 0 {
		err = errXML
	}
	return e, err
}

func (e *encryption) readRule(r *xmlReader) error {
	seen := map[string]bool{}
	err := r.each(func(name string) (err error) {
		if seen[name] {
			return errXML
		}
		seen[name] = true
		switch name {
		case "ApplyServerSideEncryptionByDefault":
			return readEncryptionDefault(r)
		case "BucketKeyEnabled":
			e.bucketKey, err = readFlag(r)
			return err
		case "BlockedEncryptionTypes":
			return r.each(e.readBlocked(r))
		}
		return errXML
	})
	if err == nil && len(seen) == 0 {
		err = errXML
	}
	return err
}

func readFlag(r *xmlReader) (bool, error) {
	text, err := r.text()
	if err != nil {
		return false, err
	}
	return parseFlag(text)
}

func readEncryptionDefault(r *xmlReader) error {
	values, err := r.leaves("SSEAlgorithm", "KMSMasterKeyID")
	_, key := values["KMSMasterKeyID"]
	switch algorithm := values["SSEAlgorithm"]; {
	case err != nil:
		return err
	case algorithm == "aws:kms", algorithm == "aws:kms:dsse":
		return refuseWith("NotImplemented", "Encryption with "+algorithm+" is not implemented.")
	case algorithm != "AES256":
		return errXML
	case key:
		return refuseWith("InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
			"ArgumentName", "ApplyServerSideEncryptionByDefault")
	}
	return nil
}

func (e *encryption) readBlocked(r *xmlReader) func(string) error {
	return func(name string) error {
		text, err := r.text()
		if err != nil || name != "EncryptionType" || text != "NONE" && text != "SSE-C" || isOneOf(text, e.blocked) {
			return errXML
		}
		e.blocked = append(e.blocked, text)
		return nil
	}
}

func (e encryption) write(d *document) {
	d.open("Rule")
	d.open("ApplyServerSideEncryptionByDefault")
	d.text("SSEAlgorithm", "AES256")
	d.close("ApplyServerSideEncryptionByDefault")
	d.flag("BucketKeyEnabled", e.bucketKey)
	if len(e.blocked) > 0 {
		d.open("BlockedEncryptionTypes")
		for _, kind := range e.blocked {
			d.text("EncryptionType", kind)
		}
		d.close("BlockedEncryptionTypes")
	}
	d.close("Rule")
}

// acceleration is whether transfers are accelerated: never, which a bucket says if it
// was told to suspend it.
type acceleration struct{ suspended bool }

// readAcceleration reads an AccelerateConfiguration. There is nothing that could
// accelerate: 501.
func readAcceleration(r *xmlReader) (configuration, error) {
	values, err := r.leaves("Status")
	switch status := values["Status"]; {
	case err != nil:
		return nil, err
	case status == "Enabled":
		return nil, refuseWith("NotImplemented", "PutBucketAccelerateConfiguration with Status Enabled is not implemented.")
	case status != "Suspended":
		return nil, errXML
	}
	return acceleration{suspended: true}, nil
}

func (a acceleration) write(d *document) {
	if a.suspended {
		d.text("Status", "Suspended")
	}
}

// ownership says who owns the objects of a bucket, and whether ACLs count.
type ownership string

// The settings, as S3 calls them.
const (
	bucketOwnerEnforced  ownership = "BucketOwnerEnforced" // the bucket's owner; ACLs are disabled (spec AP3-8)
	bucketOwnerPreferred ownership = "BucketOwnerPreferred"
	objectWriter         ownership = "ObjectWriter"
)

// known reports whether o is a setting.
func (o ownership) known() bool {
	return o == bucketOwnerEnforced || o == bucketOwnerPreferred || o == objectWriter
}

// readOwnership reads an OwnershipControls.
func readOwnership(r *xmlReader) (configuration, error) {
	var o ownership
	err := r.each(func(name string) error {
		if name != "Rule" || o != "" {
			return errXML
		}
		values, err := r.leaves("ObjectOwnership")
		if o = ownership(values["ObjectOwnership"]); err == nil && !o.known() {
			err = errXML
		}
		return err
	})
	if err == nil && o == "" {
		err = errXML
	}
	return o, err
}

func (o ownership) write(d *document) {
	d.open("Rule")
	d.text("ObjectOwnership", string(o))
	d.close("Rule")
}

// checkOwnershipChange refuses to disable ACLs while that of the bucket grants
// something to others than its owner.
func checkOwnershipChange(x *exchange, c configuration) error {
	if c != bucketOwnerEnforced {
		return nil
	}
	acl, err := x.bucketACL(x.bucket)
	if err == nil && acl != nil && !grantsOwnerOnly(acl) {
		err = refuse("InvalidBucketAclWithObjectOwnership")
	}
	return err
}

// publicAccessBlock says what of public access is blocked.
type publicAccessBlock struct {
	blockACLs, ignoreACLs, blockPolicy, restrict bool
}

// blockAll is what a bucket has until it is given another block, or none.
var blockAll = publicAccessBlock{true, true, true, true}

// settings returns b as policies are evaluated with it.
func (b publicAccessBlock) settings() policy.PublicAccessBlock {
	return policy.PublicAccessBlock{
		BlockACLs: b.blockACLs, IgnoreACLs: b.ignoreACLs, BlockPolicy: b.blockPolicy, RestrictBuckets: b.restrict,
	}
}

// readPublicAccessBlock reads a PublicAccessBlockConfiguration. What is left out is
// false.
func readPublicAccessBlock(r *xmlReader) (configuration, error) {
	var b publicAccessBlock
	into := map[string]*bool{
		"BlockPublicAcls": &b.blockACLs, "IgnorePublicAcls": &b.ignoreACLs,
		"BlockPublicPolicy": &b.blockPolicy, "RestrictPublicBuckets": &b.restrict,
	}
	values, err := r.leaves("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
	if err != nil {
		return nil, err
	}
	for name, text := range values {
		if *into[name], err = parseFlag(text); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b publicAccessBlock) write(d *document) {
	d.flag("BlockPublicAcls", b.blockACLs)
	d.flag("IgnorePublicAcls", b.ignoreACLs)
	d.flag("BlockPublicPolicy", b.blockPolicy)
	d.flag("RestrictPublicBuckets", b.restrict)
}
