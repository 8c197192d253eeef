package api

import "github.com/seed61737384/tombstone/store"

// authorizeSource asks whether the caller may read what is copied (spec AP1-13).
func (x *exchange) authorizeSource() error {
	depends, err := x.dependsOnObject(&x.source.found)
	if err != nil || depends {
		x.source.deferred = depends
		return err
	}
	return x.askSource(getObject, getVersion, nil)
}

// askSource asks for an action on the source of a copy, the second one if a version of it
// is named.
func (x *exchange) askSource(action, versioned string, facts *store.ObjectFacts) error {
	s := x.source
	q := question{x: x, action: action, bucket: &s.found, key: s.key, facts: facts, named: versionName{s.version, s.versioned}}
	if s.versioned {
		q.action = versioned
	}
	return x.ask(&q)
}

// guardSource is what the store asks before it copies an object: whether the caller may
// read it, if that depends on the object, and its tags, if it has some that are copied
// (spec AP1-13).
func (x *exchange) guardSource(facts store.ObjectFacts) error {
	if x.source.deferred {
		if err := x.askSource(getObject, getVersion, &facts); err != nil {
			return err
		}
	}
	if len(facts.Tags) == 0 || !x.source.tagged {
		return nil
	}
	if err := x.askSource("s3:GetObjectTagging", "s3:GetObjectVersionTagging", &facts); err != nil {
		return err
	}
	q := x.asks(putTags)
	return x.ask(&q)
}
