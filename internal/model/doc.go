// Package model is the oracle of the random tests: what a versioned store
// promises, in the plainest form there is. Histories are slices, listings are
// loops over sorted keys, and nothing is stored.
//
// It is written from docs/spec alone and shares no decision with package
// versioning, so that a rule misread in one of them shows as a difference.
//
// # Names
//
// The store's version ids are opaque. The model names an entry with the word
// that the request which made it carries ([Put.Name], [Delete.Name]); the null
// entry is called null. A name that never got an entry is a well-formed id that
// names nothing. Names of removed entries keep their place in listings.
//
// [Lifecycle] is the oracle of rules: it does one deed after the other to a history
// and looks at the whole of it anew each time.
//
// The model is used by one goroutine at a time.
package model
