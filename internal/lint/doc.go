// Package lint holds, as tests, the rules of this repository that a compiler
// does not: who may import whom (imports.txt), how large code may grow
// (budgets.txt lists the exceptions), that every rule of docs/spec has a test
// (untested.txt lists the exceptions), that one file alone destroys versions,
// and that what is exported is documented.
//
// A failing test says which rule was broken and why the rule is there. The
// policy is text: a change of a rule is a change of a text file, to be reviewed
// as such. Exceptions carry a reason and can only become fewer, because one
// that is no longer needed fails as well.
package lint
