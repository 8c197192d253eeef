// Mutate inverts every branch of a package, one at a time, and runs the
// package's tests against each inversion. A branch whose inversion no test
// notices is a rule without a test.
//
//	go run ./internal/mutate ./versioning
//	go run ./internal/mutate -run '^TestRules$' ./lifecycle evaluate.go due.go
//
// A mutant is one of:
//
//   - the condition of an if, of a for, of a case without a tag, negated;
//   - a case of a switch with a tag, which then never matches;
//   - && in place of ||, and the reverse;
//   - an operand of && or ||, negated;
//   - any other comparison, negated.
//
// All mutants of a package are compiled into one test binary, in which an
// environment variable selects the one that is awake; the source comes from an
// overlay, so the tree stays as it is. A mutant is killed when the tests fail,
// crash or do not end in time.
//
// Survivors are listed with a reason in survivors.txt. Mutate exits with 1 if
// another one survives, or if a listed one does not: the list only shrinks.
package main
