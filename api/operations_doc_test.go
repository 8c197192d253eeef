package api

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var updateDoc = flag.Bool("update", false, "write the table of operations into docs/s3-behaviour.md")

const (
	behaviourPage = "../docs/s3-behaviour.md"
	tableBegin    = "<!-- operations: written by go test ./api -run TestOperationsPage -update -->\n"
	tableEnd      = "<!-- end of operations -->\n"
)

// fixedAnswers are the functions of operations that show and accept only what every
// bucket has.
var fixedAnswers = []string{
	"prepareGetUnset", "prepareDeleteUnset", "prepareListUnset", "prepareGetUnchanging", "preparePutUnchanging",
	"prepareGetEmptied", "preparePutEmptied",
}

// remarks say what is not plain from the state.
var remarks = map[string]string{
	"PutBucketAccelerateConfiguration":   "`Suspended`; `Enabled` is 501",
	"PutBucketAbac":                      "`Disabled`; `Enabled` is 501",
	"PutBucketLogging":                   "an empty document; any other is 501",
	"PutBucketNotificationConfiguration": "an empty document; any other is 501",
	"PutBucketEncryption":                "`AES256`; `aws:kms` is 501",
	"RestoreObject":                      "nothing is archived: there is nothing to restore",
}

// state says how far an operation is built.
func (op *operation) state() string {
	if op.prepare == nil {
		return "not implemented"
	}
	name := runtime.FuncForPC(reflect.ValueOf(op.prepare).Pointer()).Name()
	if slices.Contains(fixedAnswers, name[strings.LastIndexByte(name, '.')+1:]) {
		return "default only"
	}
	return "built"
}

// operationsPage is the table of operations in Markdown, by name.
func operationsPage() string {
	lines := map[string]string{}
	counts := map[string]int{}
	for i := range operations {
		op := &operations[i]
		if lines[op.name] == "" {
			counts[op.state()]++
		}
		lines[op.name] = fmt.Sprintf("| %s | %s | %s |\n", op.name, op.state(), remarks[op.name])
	}
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "%d operations: %d built, %d with the default only, %d not implemented (501).\n\n| Operation | State | Remark |\n|---|---|---|\n",
		len(names), counts["built"], counts["default only"], counts["not implemented"])
	for _, name := range names {
		b.WriteString(lines[name])
	}
	return b.String()
}

// TestOperationsPage holds that the page shows the table of operations as it is.
func TestOperationsPage(t *testing.T) {
	data, err := os.ReadFile(behaviourPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), tableBegin)
	shown, after, okEnd := strings.Cut(rest, tableEnd)
	if !ok || !okEnd {
		t.Fatalf("%s has not both of\n%s%s", behaviourPage, tableBegin, tableEnd)
	}
	want := operationsPage()
	if *updateDoc {
		if err := os.WriteFile(behaviourPage, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if shown != want {
		t.Errorf("%s does not show the table of operations; write it with -update", behaviourPage)
	}
}

// TestOperationRemarks holds that every remark is about an operation that is there,
// and that every function called fixed is one.
func TestOperationRemarks(t *testing.T) {
	known := map[string]bool{}
	fixed := 0
	for i := range operations {
		known[operations[i].name] = true
		if operations[i].state() == "default only" {
			fixed++
		}
	}
	for name := range remarks {
		if !known[name] {
			t.Errorf("there is a remark on %s, which is no operation", name)
		}
	}
	if fixed < len(fixedAnswers) {
		t.Errorf("%d operations have fixed answers, by %d functions", fixed, len(fixedAnswers))
	}
}
