package attack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// facts are a state as names and values, which can be compared and told apart.
type facts map[string]string

// facts returns what there is.
func (s *State) facts() facts {
	f := facts{}
	for _, b := range s.Buckets {
		b.addTo(f)
	}
	for id, a := range s.Accounts {
		f["account "+id] = a.CanonicalID
		for name, text := range a.Policies {
			f[fmt.Sprintf("policy %s %s", id, name)] = text
		}
		for _, serial := range a.Devices {
			f["device "+serial] = id
		}
		for name, u := range a.Users {
			u.addTo(f, id+" "+name)
		}
	}
	for id, k := range s.Keys {
		f["key "+id] = keyFact(k.Account, k.User, k.Active)
	}
	for serial, step := range s.Steps {
		f["step "+serial] = fmt.Sprint(step)
	}
	return f
}

func keyFact(account, user string, active bool) string {
	return fmt.Sprintf("%s/%s active=%v", account, user, active)
}

func (u *User) addTo(f facts, name string) {
	f["user "+name] = u.Path
	for policyName, text := range u.Inline {
		f[fmt.Sprintf("inline %s %s", name, policyName)] = text
	}
	for _, policyName := range u.Attached {
		f[fmt.Sprintf("attached %s %s", name, policyName)] = ""
	}
}

func (b *Bucket) addTo(f facts) {
	f["bucket "+b.Name] = bucketFact(&b.Bucket)
	for kind, text := range b.Config {
		f[configName(b.Name, kind)] = configFact(kind, text)
	}
	for key, versions := range b.Keys {
		for _, v := range versions {
			f[entryName("version", b.Name, key, v.VersionID)] = v.fact()
			if !v.DeleteMarker {
				f[entryName("lock", b.Name, key, v.VersionID)] = lockFact(v.Lock)
			}
		}
	}
	for id, u := range b.Uploads {
		f[entryName("upload", b.Name, u.Key, id)] = ""
		for number, etag := range u.Parts {
			f[fmt.Sprintf("%s %d", entryName("part", b.Name, u.Key, id), number)] = etag
		}
	}
}

func entryName(kind, bucket, key, id string) string {
	return fmt.Sprintf("%s %s %s %s", kind, bucket, key, id)
}

func configName(bucket string, kind store.ConfigKind) string {
	return fmt.Sprintf("config %s %d", bucket, kind)
}

func bucketFact(b *store.Bucket) string {
	return fmt.Sprintf("owner=%s versioning=%q mfa=%d lock=%v default=%s/%d/%d",
		b.Owner.Account, b.Versioning, b.MFADelete, b.ObjectLock, b.Retention.Mode, b.Retention.Days, b.Retention.Years)
}

var documentNoise = regexp.MustCompile(`<\?xml[^>]*\?>| xmlns="[^"]*"|\s+`)

func configFact(kind store.ConfigKind, text string) string {
	switch kind {
	case store.ConfigPolicy:
		return text
	case store.ConfigBucketACL:
		return aclFact([]byte(text))
	case store.ConfigLifecycle:
		text = rulesDocument(text)
	}
	return documentNoise.ReplaceAllString(text, "")
}

// rulesDocument returns lifecycle rules, as they were sent or as they are stored, in one
// form.
func rulesDocument(text string) string {
	rules, err := lifecycle.Decode([]byte(text))
	if err != nil {
		rules, err = lifecycle.ParseXML([]byte(text), func() string { return "" })
	}
	if err != nil {
		return err.Error()
	}
	return string(rules.XML())
}

// fact tells a version apart from any other, but for its lock.
func (v *Version) fact() string {
	if v.DeleteMarker {
		return markerFact(v.Owner)
	}
	return objectFact(v.Digest, v.Owner, v.Tags, aclFact(v.ACL))
}

func markerFact(owner store.Owner) string { return "marker of " + owner.CanonicalID }

func objectFact(digest string, owner store.Owner, tags []store.Tag, acl string) string {
	return fmt.Sprintf("%s of %s tags=%v acl=%s", digest, owner.CanonicalID, tags, acl)
}

func lockFact(l versioning.Lock) string {
	if l.Mode == versioning.NoRetention {
		return "- " + l.Hold.String()
	}
	return fmt.Sprintf("%s %s %s", l.Mode, l.Until.UTC().Format(time.RFC3339Nano), l.Hold)
}

// aclFact shows a list of grants, whatever their order; nothing for the private one.
func aclFact(stored []byte) string {
	if len(stored) == 0 {
		return ""
	}
	acl, err := policy.DecodeACL(stored)
	if err != nil {
		return err.Error()
	}
	return grantsFact(acl.Grants)
}

func grantsFact(grants []policy.Grant) string {
	var list []string
	for _, g := range grants {
		list = append(list, g.Grantee.CanonicalID+g.Grantee.Group+":"+g.Permission.String())
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// effect is one thing that a request does.
type effect struct {
	name, value string
	removed     bool
	// made says that name is the beginning of a fact that was not there before.
	made bool
	// check judges the value in the place of value, nil for none.
	check    func(string) bool
	optional bool // it may be done or not
}

// fits reports whether value is what the effect makes.
func (e *effect) fits(value string) bool {
	if e.check != nil {
		return e.check(value)
	}
	return value == e.value
}

// differences holds what is against what was and what a request was to do. Empty is well.
func differences(was, is facts, effects []effect) []string {
	want := facts{}
	for name, value := range was {
		want[name] = value
	}
	var wrong []string
	for i := range effects {
		if problem := effects[i].apply(was, is, want); problem != "" {
			wrong = append(wrong, problem)
		}
	}
	for name, value := range want {
		switch now, there := is[name]; {
		case !there:
			wrong = append(wrong, fmt.Sprintf("gone: %s = %s", name, value))
		case now != value:
			wrong = append(wrong, fmt.Sprintf("changed: %s = %s, was to be %s", name, now, value))
		}
	}
	for name, value := range is {
		if _, there := want[name]; !there {
			wrong = append(wrong, fmt.Sprintf("there: %s = %s", name, value))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// apply does the effect to what is wanted, and returns what is wrong with what is.
func (e *effect) apply(was, is, want facts) string {
	name := e.name
	if e.made {
		if name = e.find(was, is, want); name == "" {
			if e.optional {
				return ""
			}
			return "missing: " + e.name + "… = " + e.value
		}
	}
	now, there := is[name]
	switch {
	case e.removed:
		if !e.optional || !there {
			delete(want, name)
		}
	case there && e.fits(now):
		want[name] = now
	case !e.optional:
		want[name] = e.value
	}
	return ""
}

// find returns the fact that was made.
func (e *effect) find(was, is, want facts) string {
	for name, value := range is {
		_, before := was[name]
		_, taken := want[name]
		if strings.HasPrefix(name, e.name) && !before && !taken && e.fits(value) {
			return name
		}
	}
	return ""
}
