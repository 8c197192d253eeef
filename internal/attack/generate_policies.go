package attack

import (
	"encoding/json"
	"fmt"
	"strings"
)

// object is JSON.
type object map[string]any

// objectActions are those that policies about objects name, and patterns of them.
var objectActions = []string{
	"s3:DeleteObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectVersion", "s3:DeleteObject*",
	"s3:BypassGovernanceRetention", "s3:BypassGovernanceRetention", "s3:Bypass*", "s3:PutObject", "s3:PutObject", "s3:PutObject*",
	"s3:GetObject", "s3:GetObject*", "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:PutObjectAcl",
	"s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:*Tagging", "s3:?utObject", "s3:Put*", "S3:deleteobject",
}

// bucketActions are those that policies about buckets name.
var bucketActions = []string{
	"s3:PutBucketVersioning", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketAcl", "s3:DeleteBucket",
	"s3:PutBucketObjectLockConfiguration", "s3:PutBucket*", "s3:PutLifecycleConfiguration", "s3:ListBucket*",
}

// serverActions are those of the server's own endpoints.
var serverActions = []string{
	"tombstone:*", "tombstone:Put*", "tombstone:AttachUserPolicy", "tombstone:CreateAccessKey", "tombstone:*AccessKey",
	"tombstone:AcceptClockStep", "tombstone:Delete*", "tombstone:EnrollMFADevice", "tombstone:List*",
}

// identityPolicy draws a policy of a user: often all but a little, which tells most, else a
// little or anything.
func (g *generator) identityPolicy() string {
	var list []object
	if g.chance(65) {
		actions := one(g, []string{"s3:*"}, []string{"s3:*"}, []string{"*"}, []string{"s3:*Object*", "tombstone:*"})
		list = append(list, object{"Effect": "Allow", "Action": actions, "Resource": "*"})
	}
	if len(list) > 0 && g.chance(70) {
		denied := []string{one(g, objectActions...)}
		if g.chance(30) {
			denied = []string{one(g, bucketActions...), one(g, serverActions...)}
		}
		return text(append(list, object{"Effect": "Deny", "Action": denied, "Resource": "*"}))
	}
	for range 1 + g.IntN(3) {
		s := object{"Effect": one(g, "Allow", "Allow", "Deny"), "Resource": g.resources()}
		if g.chance(8) {
			s["NotResource"] = s["Resource"]
			delete(s, "Resource")
		}
		actions := g.some(objectActions)
		switch g.IntN(10) {
		case 0, 1:
			actions = append(actions, g.some(bucketActions)...)
		case 2:
			actions, s["Resource"] = g.some(serverActions), "*"
			delete(s, "NotResource")
		case 3:
			actions = []string{"*"}
		}
		name := "Action"
		if g.chance(8) {
			name = "NotAction"
		}
		s[name] = actions
		if g.chance(35) {
			s["Condition"] = g.condition(identityConditions)
		}
		list = append(list, s)
	}
	return text(list)
}

func text(statements []object) string {
	data, _ := json.Marshal(object{"Version": "2012-10-17", "Statement": statements}) // strings and lists only
	return string(data)
}

// some draws one to three of a list.
func (g *generator) some(list []string) []string {
	var drawn []string
	for range 1 + g.IntN(3) {
		drawn = append(drawn, one(g, list...))
	}
	return drawn
}

func (g *generator) resources() any {
	const s3 = "arn:aws:s3:::"
	b := one(g, buckets...)
	return one[any](g, "*", "*", "*", s3+"*", s3+b+"/*", []string{s3 + b, s3 + b + "/*"}, s3+b, s3+"bucket-?/k*", s3+"*/k1",
		s3+b+"/${aws:username}/*", []string{s3 + "bucket-a/*", s3 + "bucket-b*"})
}

// written is a condition: operator, key and value. The actions are those that a bucket policy
// may name with it.
type written struct {
	operator, key string
	values        []string
	actions       string
}

// identityConditions are those of users, to be drawn from.
var identityConditions = append([]written{
	{"StringEquals", "aws:username", []string{"u1", "u4"}, ""},
	{"StringLike", "aws:username", []string{"u?"}, ""},
	{"StringNotLike", "s3:VersionId", []string{"*"}, ""},
	{"Null", "s3:VersionId", []string{"true"}, ""},
	{"StringNotEquals", "tombstone:versioning", []string{"Enabled"}, ""},
}, bucketConditions...)

// bucketConditions are those of bucket policies.
var bucketConditions = []written{
	{"IpAddress", "aws:SourceIp", []string{"10.0.0.0/8"}, ""},
	{"NotIpAddress", "aws:SourceIp", []string{"10.0.0.0/8", "192.0.2.7"}, ""},
	{"IpAddress", "aws:SourceIp", []string{"0.0.0.0/0"}, ""},
	{"Bool", "aws:SecureTransport", []string{"false"}, ""},
	{"Bool", "aws:SecureTransport", []string{"true"}, ""},
	{"StringEquals", "aws:PrincipalAccount", []string{"200000000002", "100000000001"}, ""},
	{"ArnLike", "aws:PrincipalArn", []string{"arn:aws:iam::*:user/u?"}, ""},
	{"StringNotEquals", "s3:authType", []string{"REST-HEADER"}, ""},
	{"DateLessThan", "aws:CurrentTime", []string{"2026-01-10T00:00:00Z"}, ""},
	{"StringEquals", "s3:ExistingObjectTag/team", []string{"a"}, "s3:GetObject s3:PutObjectTagging s3:DeleteObjectTagging s3:PutObjectAcl"},
	{"StringNotEqualsIfExists", "s3:ExistingObjectTag/keep", []string{"yes"}, "s3:GetObject s3:GetObjectVersion s3:PutObjectTagging"},
	{"StringEquals", "s3:RequestObjectTag/team", []string{"b"}, "s3:PutObject s3:PutObjectTagging"},
	{"ForAllValues:StringEquals", "s3:RequestObjectTagKeys", []string{"team"}, "s3:PutObject s3:PutObjectTagging"},
	{"ForAnyValue:StringEquals", "s3:RequestObjectTagKeys", []string{"keep"}, "s3:PutObject"},
	{"StringEquals", "s3:x-amz-acl", []string{"bucket-owner-full-control"}, "s3:PutObject s3:PutObjectAcl"},
	{"StringEquals", "s3:object-lock-mode", []string{"COMPLIANCE"}, "s3:PutObject s3:PutObjectRetention"},
	{"NumericGreaterThan", "s3:object-lock-remaining-retention-days", []string{"5"}, "s3:PutObject s3:PutObjectRetention"},
	{"StringEquals", "s3:object-lock-legal-hold", []string{"OFF"}, "s3:PutObjectLegalHold"},
	{"Null", "s3:if-match", []string{"true"}, "s3:DeleteObject"},
}

func (g *generator) condition(list []written) object {
	c := one(g, list...)
	return object{c.operator: object{c.key: c.values}}
}

// bucketPolicy draws the policy of a bucket.
func (g *generator) bucketPolicy(bucket string) string {
	arn := "arn:aws:s3:::" + bucket
	var list []object
	if g.chance(40) {
		list = append(list, object{"Effect": "Allow", "Action": "s3:*", "Resource": []string{arn, arn + "/*"}, "Principal": g.principal()})
	}
	for range 1 + g.IntN(3) {
		s := object{"Effect": one(g, "Allow", "Allow", "Deny"), "Resource": []string{arn, arn + "/*"}, "Principal": g.principal()}
		actions := g.some(objectActions)
		switch n := g.IntN(100); {
		case n < 15:
			s["Resource"], actions = arn, g.some(bucketActions)
		case n < 30:
			s["Resource"] = one(g, arn+"/k1", arn+"/k*", arn+"/${aws:username}/*")
		}
		if g.chance(35) {
			c := one(g, bucketConditions...)
			s["Condition"] = object{c.operator: object{c.key: c.values}}
			if c.actions != "" {
				s["Resource"], actions = arn+"/*", strings.Fields(c.actions)
			}
		}
		s["Action"] = actions
		if s["Effect"] == "Deny" && g.chance(15) {
			account := one(g, accounts...)
			s["NotPrincipal"] = object{"AWS": []string{"arn:aws:iam::" + account + ":root", g.userARN(account)}}
			delete(s, "Principal")
		}
		list = append(list, s)
	}
	return text(list)
}

func (g *generator) principal() any {
	account := one(g, accounts...)
	return one[any](g, "*", object{"AWS": "*"}, object{"AWS": account}, object{"AWS": "arn:aws:iam::" + account + ":root"},
		object{"AWS": g.userARN(account)}, object{"AWS": []string{g.userARN(account), g.userARN(one(g, accounts...))}},
		object{"CanonicalUser": canonicalOf(account)})
}

func (g *generator) userARN(account string) string {
	return fmt.Sprintf("arn:aws:iam::%s:user/u%d", account, g.IntN(6))
}
