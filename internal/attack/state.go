package attack

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// State is everything there is, as it was read past the API.
type State struct {
	Buckets  map[string]*Bucket
	Accounts map[string]*Account
	Keys     map[string]identity.Key
	Steps    map[string]uint64
}

// Bucket is a bucket with all it holds.
type Bucket struct {
	store.Bucket
	Config  map[store.ConfigKind]string // there, if empty
	Keys    map[string][]*Version       // the newest first
	Uploads map[string]*Upload
}

// Version is an object version or a delete marker.
type Version struct {
	store.Object
	Digest string
}

// Upload is a multipart upload.
type Upload struct {
	Key   string
	Parts map[int]string // ETags
}

// Account is an account with its users and policies.
type Account struct {
	identity.Account
	Users    map[string]*User
	Policies map[string]string
	Devices  []string
}

// User is a user with policies.
type User struct {
	identity.User
	Inline   map[string]string
	Attached []string
}

// version returns the entry of a key that id names, the current one if none is named.
func (b *Bucket) version(key, id string, named bool) *Version {
	for _, v := range b.Keys[key] {
		if !named || v.VersionID == id {
			return v
		}
	}
	return nil
}

// kinds are the configurations that are looked at.
var kinds = []store.ConfigKind{
	store.ConfigTagging, store.ConfigRequestPayment, store.ConfigOwnershipControls, store.ConfigPublicAccessBlock,
	store.ConfigPolicy, store.ConfigBucketACL, store.ConfigLifecycle, store.ConfigCORS, store.ConfigEncryption,
}

// read reads the state of a world.
func (w *World) read(ctx context.Context) (*State, error) {
	s := &State{
		Buckets: map[string]*Bucket{}, Accounts: map[string]*Account{}, Keys: map[string]identity.Key{}, Steps: maps.Clone(w.steps),
	}
	buckets, _, err := w.store.Buckets(ctx, store.BucketQuery{})
	if err != nil {
		return nil, err
	}
	for _, row := range buckets {
		b, err := w.readBucket(ctx, row)
		if err != nil {
			return nil, err
		}
		s.Buckets[row.Name] = b
	}
	for _, a := range w.registry.Accounts() {
		if err := w.readAccount(s, a); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (w *World) readBucket(ctx context.Context, row store.Bucket) (*Bucket, error) {
	b := &Bucket{
		Bucket: row, Config: map[store.ConfigKind]string{}, Keys: map[string][]*Version{}, Uploads: map[string]*Upload{},
	}
	for _, kind := range kinds {
		text, err := w.store.Config(ctx, row.Name, kind)
		if err != nil {
			return nil, err
		}
		if text != nil {
			b.Config[kind] = string(text)
		}
	}
	page, err := w.store.ListObjectVersions(ctx, store.VersionsRequest{Bucket: row.Name, Limit: 1000})
	if err != nil {
		return nil, err
	}
	if page.Truncated {
		return nil, fmt.Errorf("%s has too many versions to be looked at", row.Name)
	}
	for i := range page.Entries {
		v, err := w.readVersion(ctx, row.Name, &page.Entries[i])
		if err != nil {
			return nil, err
		}
		b.Keys[v.Key] = append(b.Keys[v.Key], v)
	}
	return b, w.readUploads(ctx, b)
}

func (w *World) readVersion(ctx context.Context, bucket string, o *store.Object) (*Version, error) {
	if o.DeleteMarker {
		return &Version{Object: *o}, nil
	}
	id, err := w.store.ParseVersionID(o.VersionID)
	if err != nil {
		return nil, err
	}
	opened, err := w.store.Get(ctx, store.ReadRequest{Bucket: bucket, Key: o.Key, ID: id, Operation: versioning.GetObject})
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	r, err := opened.Reader(ctx, 0, opened.Object.Size)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	v := &Version{Object: opened.Object, Digest: digestOf(string(content))}
	v.VersionID = o.VersionID
	return v, err
}

func (w *World) readUploads(ctx context.Context, b *Bucket) error {
	page, err := w.store.ListUploads(ctx, store.UploadsRequest{Bucket: b.Name, Limit: 1000})
	if err != nil {
		return err
	}
	for _, u := range page.Uploads {
		parts, err := w.store.ListParts(ctx, store.PartsRequest{
			Upload: store.UploadName{Bucket: b.Name, Key: u.Key, ID: u.ID}, Limit: 1000,
		})
		if err != nil {
			return err
		}
		read := &Upload{Key: u.Key, Parts: map[int]string{}}
		for _, p := range parts.Parts {
			read.Parts[p.Number] = p.ETag
		}
		b.Uploads[u.ID] = read
	}
	return nil
}

func (w *World) readAccount(s *State, of identity.Account) error {
	a := &Account{Account: of, Users: map[string]*User{}, Policies: map[string]string{}}
	s.Accounts[of.ID] = a
	kept, err := w.registry.Policies(of.ID)
	if err != nil {
		return err
	}
	for _, p := range kept {
		a.Policies[p.Name] = string(p.JSON)
	}
	devices, err := w.registry.Devices(of.ID)
	if err != nil {
		return err
	}
	for _, d := range devices {
		a.Devices = append(a.Devices, d.Serial)
	}
	users, err := w.registry.Users(of.ID)
	if err != nil {
		return err
	}
	for _, u := range append(users, identity.User{Account: of.ID}) {
		if err := w.readUser(s, a, u); err != nil {
			return err
		}
	}
	return nil
}

// readUser reads a user, or the keys of the root if it has no name.
func (w *World) readUser(s *State, a *Account, of identity.User) error {
	keys, err := w.registry.Keys(of.Account, of.Name)
	if err != nil {
		return err
	}
	for _, k := range keys {
		s.Keys[k.AccessKey] = k
	}
	if of.Name == "" {
		return nil
	}
	inline, attached, err := w.registry.UserPolicies(of.Account, of.Name)
	if err != nil {
		return err
	}
	u := &User{User: of, Inline: map[string]string{}, Attached: slices.Clone(attached)}
	for _, p := range inline {
		u.Inline[p.Name] = string(p.JSON)
	}
	a.Users[of.Name] = u
	return nil
}
