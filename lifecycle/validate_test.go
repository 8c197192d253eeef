package lifecycle_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/lifecycle"
)

// What most documents are made of.
const (
	enabled  = "<Status>Enabled</Status>"
	anything = "<Filter/>" + enabled
	legacy   = "<Prefix>a</Prefix>" + enabled
	inOneDay = "<Expiration><Days>1</Days></Expiration>"
)

// inRule returns a document with one rule.
func inRule(parts ...string) string { return inRules(strings.Join(parts, "")) }

// inRules returns a document with the given rules.
func inRules(rules ...string) string {
	return "<LifecycleConfiguration><Rule>" + strings.Join(rules, "</Rule><Rule>") + "</Rule></LifecycleConfiguration>"
}

func inAnd(parts ...string) string {
	return "<Filter><And>" + strings.Join(parts, "") + "</And></Filter>" + enabled
}

func aTag(key, value string) string {
	return "<Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag>"
}

func expiration(inside string) string {
	return anything + "<Expiration>" + inside + "</Expiration>"
}

func noncurrentExpiration(inside string) string {
	return "<NoncurrentVersionExpiration>" + inside + "</NoncurrentVersionExpiration>"
}

func abortAfter(days string) string {
	return "<AbortIncompleteMultipartUpload><DaysAfterInitiation>" + days + "</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
}

func transition(when, class string) string {
	return "<Transition>" + when + "<StorageClass>" + class + "</StorageClass></Transition>"
}

func noncurrentTransition(when, class string) string {
	return "<NoncurrentVersionTransition>" + when + "<StorageClass>" + class + "</StorageClass></NoncurrentVersionTransition>"
}

const (
	prefixElement = "<Prefix>a</Prefix>"
	greater1      = "<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan>"
	less9         = "<ObjectSizeLessThan>9</ObjectSizeLessThan>"
	markerElement = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
	dayOne        = "<NoncurrentDays>1</NoncurrentDays>"
	notV2         = "NewerNoncurrentVersions element can only be used in Lifecycle V2."
	noPrefixV2    = "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter."
)

func filterOf(inside string) string { return "<Filter>" + inside + "</Filter>" + enabled }

func newerOf(n string) string {
	return dayOne + "<NewerNoncurrentVersions>" + n + "</NewerNoncurrentVersions>"
}

// refusal is a document that is refused, "Code" or "Code: message".
type refusal struct{ document, want string }

var malformedDocuments = []string{
	inRule(enabled, inOneDay),                          // spec: LC3-1
	inRule("<Filter/>", legacy, inOneDay),              // spec: LC3-2
	inRule(filterOf(prefixElement+greater1), inOneDay), // spec: LC3-4
	inRule(filterOf("<And>"+prefixElement+greater1+"</And>"+prefixElement), inOneDay),
	inRule(filterOf(aTag("a", "1")+aTag("b", "2")), inOneDay),
	inRule(filterOf(greater1+less9), inOneDay),
	inRule(inAnd(prefixElement), inOneDay), // spec: LC3-5
	inRule(inAnd(), inOneDay),
	inRule(inAnd(aTag("a", "1")), inOneDay),
	inRule(inAnd(prefixElement, prefixElement), inOneDay),
	inRule(inAnd(greater1, greater1), inOneDay),
	inRule(filterOf("<Tag><Key>a</Key></Tag>"), inOneDay),
	inRule(filterOf("<Tag><Value>a</Value></Tag>"), inOneDay),
	inRule(filterOf("<Tag>a</Tag>"), inOneDay),
	inRule("<Filter/><Status>enabled</Status>", inOneDay),  // spec: LC3-8
	inRule("<Filter/><Status>disabled</Status>", inOneDay), // spec: LC3-8
	inRule("<Filter/><Status>invalid</Status>", inOneDay),  // spec: LC3-8
	inRule("<Filter/><Status> Enabled</Status>", inOneDay),
	inRule("<Filter/>", inOneDay),
	"<LifecycleConfiguration/>",                                                                              // spec: LC3-11
	inRules(slicesRepeat(anything+inOneDay, 1001)...),                                                        // spec: LC3-11
	inRule(expiration("")),                                                                                   // spec: LC3-13
	inRule(expiration("<Days>1</Days><Date>2030-01-01</Date>")),                                              // spec: LC3-13
	inRule(expiration("<Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>")),          // spec: LC3-13
	inRule(expiration("<Date>2030-01-01</Date><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>")), // spec: LC3-13
	inRule(expiration("<Days>1</Days><ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker>")),
	inRule(expiration("<ExpiredObjectDeleteMarker>1</ExpiredObjectDeleteMarker>")),
	inRule(expiration("<Days>1</Days><Days>1</Days>")),
	inRule(expiration("<Days>one</Days>")),
	inRule(expiration("<Days/>")),
	inRule(expiration("<Days>1.5</Days>")),
	inRule(expiration("<Days>2147483648</Days>")),
	inRule(expiration("<Days><Days>1</Days></Days>")),
	inRule(expiration("1<Days>1</Days>")),
	inRule(expiration("<Date>20200101</Date>")),                      // spec: LC3-15
	inRule(expiration("<Date>Fri, 01 Jan 2016 00:00:00 GMT</Date>")), // spec: LC3-15
	inRule(expiration("<Date/>")),
	inRule(expiration("<Date>2030-02-30</Date>")),
	inRule(expiration("<Date>0001-01-01</Date>")),
	inRule(expiration("<Date>9999-12-31T23:00:00-05:00</Date>")),
	inRule(anything, noncurrentExpiration("")),                                                     // spec: LC3-19
	inRule(anything, noncurrentExpiration("<NewerNoncurrentVersions>1</NewerNoncurrentVersions>")), // spec: LC3-21
	inRule(anything, noncurrentExpiration(dayOne+"<Days>1</Days>")),
	inRule(anything, "<AbortIncompleteMultipartUpload/>"),
	inRule(anything, transition("<Days>1</Days>", "COLD")),     // spec: LC3-35
	inRule(anything, transition("<Days>1</Days>", "STANDARD")), // spec: LC3-35
	inRule(anything, transition("", "GLACIER")),
	inRule(anything, transition("<Days>1</Days><Date>2030-01-01</Date>", "GLACIER")),
	inRule(anything, "<Transition><Days>1</Days></Transition>"),
	inRule(anything, noncurrentTransition("", "GLACIER")),
	inRule(anything, noncurrentTransition(dayOne, "COLD")), // spec: LC3-35
	inRule(anything, inOneDay, inOneDay),
	inRule(anything, inOneDay, "<Unknown/>"),
	inRule(anything, inOneDay, "<ID>a</ID><ID>b</ID>"),
	inRule(anything, inOneDay, "text"),
	inRule(filterOf("<Unknown/>"), inOneDay),
	strings.Replace(inRule(anything, inOneDay), "<Rule>", "<Rules/><Rule>", 1),
	strings.ReplaceAll(inRule(anything, inOneDay), "LifecycleConfiguration", "Configuration"),
	inRule(anything, inOneDay) + "<a/>",
	inRule(anything, inOneDay) + "text",
	"<!DOCTYPE x>" + inRule(anything, inOneDay),
	`<?xml version="1.0" encoding="UTF-16"?>` + inRule(anything, inOneDay),
	strings.Repeat("<LifecycleConfiguration>", 100) + strings.Repeat("</LifecycleConfiguration>", 100),
	inRule(anything, inOneDay)[1:],
	inRule(anything, inOneDay)[:100],
	inRule(anything, "<Expiration><Days>&one;</Days></Expiration>"),
	"",
}

func slicesRepeat(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func TestMalformedDocuments(t *testing.T) {
	for _, document := range malformedDocuments {
		wantRefusal(t, refusal{document, "MalformedXML"})
	}
}

var refusedDocuments = []refusal{
	{inRules(anything+inOneDay, legacy+inOneDay), "InvalidRequest: " + noPrefixV2},                                                                             // spec: LC3-3
	{inRules(legacy+inOneDay, anything+inOneDay), "InvalidRequest: Filter element can only be used in Lifecycle V2."},                                          // spec: LC3-3
	{inRule(inAnd(aTag("a", "1"), aTag("a", "2")), inOneDay), "InvalidRequest: Duplicate Tag Keys are not allowed."},                                           // spec: LC3-6
	{inRule(filterOf(aTag("", "1")), inOneDay), "InvalidRequest: The TagKey you have provided is invalid"},                                                     // spec: LC3-7
	{inRule(filterOf(aTag(strings.Repeat("é", 129), "1")), inOneDay), "InvalidRequest: The TagKey you have provided is invalid"},                               // spec: LC3-7
	{inRule(filterOf(aTag("a", strings.Repeat("é", 257))), inOneDay), "InvalidRequest: The TagValue you have provided is invalid"},                             // spec: LC3-7
	{inRule(anything, inOneDay, "<ID>"+strings.Repeat("é", 256)+"</ID>"), "InvalidArgument: ID length should not exceed allowed limit of 255"},                 // spec: LC3-9
	{inRules("<ID>a</ID>"+anything+inOneDay, "<ID>a</ID>"+anything+inOneDay), "InvalidArgument: Rule ID must be unique. Found same ID for more than one rule"}, // spec: LC3-10
	{inRule(anything), "InvalidRequest: At least one action needs to be specified in a rule"},                                                                  // spec: LC3-12
	{inRule(expiration("<Days>0</Days>")), "InvalidArgument: 'Days' for Expiration action must be a positive integer"},                                         // spec: LC3-14
	{inRule(expiration("<Days>-1</Days>")), "InvalidArgument: 'Days' for Expiration action must be a positive integer"},                                        // spec: LC3-14
	{inRule(expiration("<Date>2030-01-01T00:00:01Z</Date>")), "InvalidArgument: 'Date' must be at midnight GMT"},                                               // spec: LC3-16
	{inRule(expiration("<Date>2030-01-01T00:00:00.001Z</Date>")), "InvalidArgument: 'Date' must be at midnight GMT"},
	{inRule(expiration("<Date>2030-01-01T00:00:00+01:00</Date>")), "InvalidArgument: 'Date' must be at midnight GMT"}, // spec: LC3-16
	{inRule(anything, transition("<Date>2030-01-01T12:00:00Z</Date>", "GLACIER")), "InvalidArgument: 'Date' must be at midnight GMT"},
	{inRule(anything, noncurrentExpiration("<NoncurrentDays>0</NoncurrentDays>")),
		"InvalidArgument: 'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer"}, // spec: LC3-20
	{inRule(anything, noncurrentExpiration(newerOf("0"))),
		"InvalidArgument: 'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer"}, // spec: LC3-22
	{inRule(anything, noncurrentExpiration(newerOf("101"))),
		"InvalidArgument: 'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be between 1 and 100"}, // spec: LC3-22
	{inRule(legacy, noncurrentExpiration(newerOf("1"))), "InvalidRequest: " + notV2}, // spec: LC3-23
	{inRule(legacy, noncurrentTransition(newerOf("1"), "GLACIER")), "InvalidRequest: " + notV2},
	{inRule(filterOf(aTag("a", "1")), markerElement), "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Tags."}, // spec: LC3-24
	{inRule(inAnd(prefixElement, aTag("a", "1")), markerElement), "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Tags."},
	{inRule(filterOf(greater1), markerElement), "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Object Size."}, // spec: LC3-25
	{inRule(filterOf(less9), strings.Replace(markerElement, "true", "false", 1)),
		"InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Object Size."}, // spec: LC3-25
	{inRule(filterOf(aTag("a", "1")), abortAfter("1")), "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Tags."}, // spec: LC3-26
	{inRule(filterOf(greater1), abortAfter("1")), "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Object Size"}, // spec: LC3-27
	{inRule(filterOf(less9), inOneDay, abortAfter("1")), "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Object Size"},
	{inRule(anything, abortAfter("0")),
		"InvalidArgument: 'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer"}, // spec: LC3-28
	{inRule(inAnd(greater1, "<ObjectSizeLessThan>1</ObjectSizeLessThan>"), inOneDay),
		"InvalidRequest: 'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."}, // spec: LC3-29
	{inRule(filterOf("<ObjectSizeGreaterThan>5497558138881</ObjectSizeGreaterThan>"), inOneDay),
		"InvalidRequest: 'ObjectSizeGreaterThan' should be between 0 and 5497558138880."}, // spec: LC3-30
	{inRule(filterOf("<ObjectSizeGreaterThan>-1</ObjectSizeGreaterThan>"), inOneDay),
		"InvalidRequest: 'ObjectSizeGreaterThan' should be between 0 and 5497558138880."},
	{inRule(filterOf("<ObjectSizeLessThan>5497558138881</ObjectSizeLessThan>"), inOneDay),
		"InvalidRequest: 'ObjectSizeLessThan' should be between 1 and 5497558138880."}, // spec: LC3-30
	{inRule(filterOf("<ObjectSizeLessThan>0</ObjectSizeLessThan>"), inOneDay),
		"InvalidRequest: 'ObjectSizeLessThan' should be between 1 and 5497558138880."},
	{inRule(filterOf("<Prefix>"+strings.Repeat("é", 512)+"a</Prefix>"), inOneDay), "InvalidRequest: The maximum size of a prefix is 1024"}, // spec: LC3-31
	{inRule("<Prefix>"+strings.Repeat("a", 1025)+"</Prefix>", enabled, inOneDay), "InvalidRequest: The maximum size of a prefix is 1024"},  // spec: LC3-31
}

func TestRefusedDocuments(t *testing.T) {
	for _, r := range refusedDocuments {
		wantRefusal(t, r)
	}
}

var refusedTransitions = []refusal{
	{inRule(expiration("<Date>2030-01-01</Date>"), transition("<Days>30</Days>", "GLACIER")),
		"InvalidRequest: Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '(prefix=)'"}, // spec: LC3-32
	{inRule(legacy, inOneDay, transition("<Date>2030-01-01</Date>", "GLACIER")),
		"InvalidRequest: Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for prefix 'a'"}, // spec: LC3-32
	{inRule(anything, transition("<Days>30</Days>", "GLACIER"), transition("<Date>2030-01-01</Date>", "DEEP_ARCHIVE")),
		"InvalidRequest: Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for filter '(prefix=)'"},
	{inRule(inAnd(prefixElement, aTag("b", "c"), greater1, less9), transition("<Days>1</Days>", "GLACIER"), inOneDay),
		"InvalidArgument: 'Days' in the Expiration action for filter '(prefix=a and tag: key=b, value=c and objectsizegreaterthan=1 and " +
			"objectsizelessthan=9)' must be greater than 'Days' in the Transition action"}, // spec: LC3-33
	{inRule(filterOf(less9), transition("<Days>2</Days>", "GLACIER"), inOneDay),
		"InvalidArgument: 'Days' in the Expiration action for filter '(objectsizelessthan=9)' must be greater than 'Days' in the Transition action"},
	{inRule(expiration("<Date>2030-01-01</Date>"), transition("<Date>2030-01-01</Date>", "GLACIER")),
		"InvalidArgument: 'Date' in the Expiration action for filter '(prefix=)' must be later than 'Date' in the Transition action"},
	{inRule(anything, transition("<Days>29</Days>", "STANDARD_IA")),
		"InvalidArgument: 'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'"}, // spec: LC3-34
	{inRule(anything, transition("<Days>0</Days>", "ONEZONE_IA")),
		"InvalidArgument: 'Days' in Transition action must be greater than or equal to 30 for storageClass 'ONEZONE_IA'"}, // spec: LC3-34
	{inRule(anything, transition("<Days>-1</Days>", "GLACIER")), "InvalidArgument: 'Days' in Transition action must be nonnegative"},
	{inRule(anything, transition("<Days>1</Days>", "GLACIER"), transition("<Days>2</Days>", "GLACIER")),
		"InvalidRequest: 'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '(prefix=)'"},
	{inRule(anything, noncurrentTransition(dayOne, "STANDARD_IA")),
		"InvalidArgument: 'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'"},
	{inRule(anything, noncurrentTransition(dayOne, "GLACIER"), noncurrentTransition(dayOne, "GLACIER")),
		"InvalidRequest: 'StorageClass' must be different for 'NoncurrentVersionTransition' actions in same 'Rule' with filter '(prefix=)'"},
	{inRule(anything, noncurrentTransition(dayOne, "GLACIER"), noncurrentExpiration(dayOne)),
		"InvalidArgument: 'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '(prefix=)' must be greater than " +
			"'NoncurrentDays' in the NoncurrentVersionTransition action"},
	{inRule(anything, noncurrentTransition(newerOf("0"), "GLACIER")),
		"InvalidArgument: 'NewerNoncurrentVersions' for NoncurrentVersionTransition action must be a positive integer"},
}

func TestRefusedTransitions(t *testing.T) {
	for _, r := range refusedTransitions {
		wantRefusal(t, r)
	}
}

// The whole document is held against the schema before any rule is judged.
func TestSchemaIsJudgedFirst(t *testing.T) {
	wantRefusal(t, refusal{inRules(expiration("<Days>0</Days>"), anything+"<Unknown/>"), "MalformedXML"})
	wantRefusal(t, refusal{
		inRules(expiration("<Days>0</Days>"), expiration("<Date>2030-01-01T01:00:00Z</Date>")),
		"InvalidArgument: 'Days' for Expiration action must be a positive integer",
	})
}

func wantRefusal(t *testing.T, r refusal) {
	t.Helper()
	_, err := lifecycle.ParseXML([]byte(r.document), ids())
	var refused *lifecycle.ConfigError
	if !errors.As(err, &refused) || err.Error() != r.want {
		t.Errorf("%.300s\n got %v\nwant %s", r.document, err, r.want)
	}
}

// What an error shows besides its message.
func TestRefusalNamesArgument(t *testing.T) {
	tests := []struct{ document, argument, value string }{
		{inRule(expiration("<Date>2030-01-01T01:00:00Z</Date>")), "Date", "2030-01-01T01:00:00Z"}, // spec: LC3-16
		{inRule(expiration("<Days>-7</Days>")), "Days", "-7"},
		{inRules("<ID>a</ID>"+anything+inOneDay, "<ID>a</ID>"+anything+inOneDay), "ID", "a"},
		{inRule(expiration("<Date>2030-01-01</Date>"), transition("<Date>2031-01-01</Date>", "GLACIER")), "Date", "2030-01-01T00:00:00Z"},
		{inRule(anything), "", ""},
	}
	for _, test := range tests {
		_, err := lifecycle.ParseXML([]byte(test.document), ids())
		var e *lifecycle.ConfigError
		if !errors.As(err, &e) || e.Argument != test.argument || e.Value != test.value {
			t.Errorf("%s: %+v, want argument %q with value %q", test.document, e, test.argument, test.value)
		}
	}
}

// acceptedDocuments are at the limit of what is refused.
var acceptedDocuments = []string{
	inRule(inAnd(aTag("a", "1"), aTag("b", "1")), inOneDay),
	inRule(inAnd("<Prefix/>", greater1), inOneDay),
	inRule(filterOf(aTag(strings.Repeat("é", 128), strings.Repeat("é", 256))), inOneDay),
	inRule(filterOf(aTag("a", "")), inOneDay),
	inRule("<ID>"+strings.Repeat("é", 255)+"</ID>", anything, inOneDay),
	inRules(slicesRepeat(anything+inOneDay, 1000)...),
	inRule(expiration("<Days>2147483647</Days>")),
	inRule(expiration("<Days> 1\n</Days>")),
	inRule(expiration("<ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker>")),
	inRule(expiration("<Date>1999-01-01T00:00:00.000Z</Date>")), // spec: LC3-18
	inRule(anything, noncurrentExpiration(newerOf("100"))),
	inRule(filterOf("<Prefix/>"), noncurrentExpiration(newerOf("1"))),
	inRule(inAnd(greater1, "<ObjectSizeLessThan>2</ObjectSizeLessThan>"), inOneDay),
	inRule(filterOf("<ObjectSizeGreaterThan>5497558138880</ObjectSizeGreaterThan>"), inOneDay),
	inRule(filterOf("<ObjectSizeLessThan>5497558138880</ObjectSizeLessThan>"), inOneDay),
	inRule(filterOf("<ObjectSizeLessThan>1</ObjectSizeLessThan>"), inOneDay),
	inRule(filterOf("<ObjectSizeGreaterThan>0</ObjectSizeGreaterThan>"), inOneDay),
	inRule(filterOf("<Prefix>"+strings.Repeat("é", 512)+"</Prefix>"), inOneDay),
	inRule(anything, abortAfter("1"), markerElement),
	inRule(filterOf(greater1), inOneDay),
	inRule(filterOf(aTag("a", "1")), inOneDay),
	inRule(anything, transition("<Days>0</Days>", "GLACIER"), inOneDay),
	inRule(anything, transition("<Days>30</Days>", "STANDARD_IA"), transition("<Days>60</Days>", "ONEZONE_IA")),
	inRule(anything, transition("<Date>2030-01-01</Date>", "STANDARD_IA"), markerElement),
	inRule(expiration("<Date>2030-01-02</Date>"), transition("<Date>2030-01-01</Date>", "GLACIER")),
	inRule(anything, noncurrentTransition("<NoncurrentDays>0</NoncurrentDays>", "GLACIER"), noncurrentExpiration(dayOne)),
	inRules(anything+inOneDay, filterOf(prefixElement)+inOneDay, filterOf("<Prefix>ab</Prefix>")+inOneDay), // spec: LC3-36
	inRules(legacy+inOneDay, legacy+inOneDay),                                                              // spec: LC3-36
	inRule(legacy, noncurrentTransition(dayOne, "GLACIER")),
	`<?xml version="1.0" encoding="us-ascii"?><!-- --><s:LifecycleConfiguration xmlns:s="x"><s:Rule a="b">` +
		"<s:Filter /><s:Status>Enabled</s:Status>\n<s:Expiration><s:Days>1</s:Days></s:Expiration></s:Rule></s:LifecycleConfiguration>\n",
	"\ufeff" + inRule(anything, inOneDay),
}

func TestAcceptedDocuments(t *testing.T) {
	for _, document := range acceptedDocuments {
		if _, err := lifecycle.ParseXML([]byte(document), ids()); err != nil {
			t.Errorf("%.300s: %v", document, err)
		}
	}
}

// ids returns a maker of ids for rules without one.
func ids() func() string {
	n := 0
	return func() string { n++; return "generated-" + strconv.Itoa(n) }
}

func TestConfigErrorText(t *testing.T) {
	got := fmt.Sprint(&lifecycle.ConfigError{Code: "A"}, &lifecycle.ConfigError{Code: "A", Message: "b"})
	if got != "A A: b" {
		t.Error(got)
	}
}
