// Package metamorphic plays operations, written as lines of text, against the store
// and the model (package model) and compares every answer.
//
//	create b
//	enable b
//	put b k size=10 seed=3 as=v1
//	put b k size=20 seed=4 as=v2 if-match=10/3
//	lock b k version=v1 mode=GOVERNANCE until=48
//	hold b k set=ON
//	default b mode=COMPLIANCE days=1
//	delete b k as=v3
//	delete b k version=v1
//	delete-objects b k k@v2 other@null as=v4
//	get b k version=v3 range=5-9
//	open b k version=v2 as=r1
//	versions b prefix=k delimiter=/ key-marker=k version-marker=v2 limit=5
//	crash keep=50 seed=7
//	advance 24h
//	check
//
// The list of verbs in op.go says what each takes. Words are escaped as in a URL.
//
// # Names
//
// The option as names the version or delete marker that an operation makes, for
// later ones to name it; entry number i of a delete-objects is as.i. A name that
// never got an entry stands for an id that no entry has, so a script means the
// same when operations are left out of it. The bytes and the metadata of an object
// follow from its size and seed.
//
// # Who plays
//
// A [Client] plays what concerns buckets; several can share a store, each with
// buckets or keys of its own ([Scope]). A [Host] has one client and plays what
// concerns the store as a whole: it restarts it, crashes it on a file system that
// loses what was not synced (package crashfs), sets its clock, and looks for files
// that belong to nothing. An operation of unknown outcome is cleared up by
// comparing the store with what it would be in each case.
//
// [Generate] makes scripts that [Run] plays, [Shrink] makes a script that fails
// short. The test of this package writes such a script to a file and says how to
// play it again:
//
//	go test ./internal/metamorphic -seeds 3 -ops 100000
//	go test ./internal/metamorphic -run TestReplay -config small -replay FILE
//
// # Rules and jobs
//
// What lifecycle rules do is compared with the model in two ways. A [Trial] is a random
// configuration and histories of keys, which the fold of package lifecycle and the
// model judge at many instants; one in which they differ shrinks. A scene of the tests
// is a bucket of the store that requests made, in which the expirer runs, is cut, and
// goes on, while its clock steps. Jobs are cut in scenes too.
//
//	go test ./internal/metamorphic -run Model -decisions 10000000 -scenes 1000 -seed 7
package metamorphic
