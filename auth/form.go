package auth

import (
	"strings"
	"time"
)

// FormField is one field of a POST form.
type FormField struct{ Name, Value string }

// Form is the fields of a POST form that came before its file, in the order sent. What comes after the file says
// nothing (spec WI1.4-1).
type Form []FormField

// Names of fields, in lower case.
const (
	fieldBucket      = "bucket"
	fieldPolicy      = "policy"
	fieldAlgorithm   = "x-amz-algorithm"
	fieldCredential  = "x-amz-credential"
	fieldDate        = "x-amz-date"
	fieldSignatureV4 = "x-amz-signature"
	fieldToken       = "x-amz-security-token"
	fieldAccessKeyV2 = "awsaccesskeyid"
	fieldSignatureV2 = "signature"
)

// messageFormDate has the spelling of Amazon (R-IS:michaeldyrynda/s3upload#1).
const messageFormDate = "X-Amz-Date must be formated via ISO8601 Long format"

// Lookup returns the value of a field, whatever the case of its name, and whether it was sent. The values of several
// fields of one name are joined by commas, as policies see them (A-API:sigv4-HTTPPOSTForms); whoever acts upon a
// field has to take it from here, so that it is what was checked.
func (f Form) Lookup(name string) (string, bool) {
	value, sent := "", false
	for _, field := range f {
		if !strings.EqualFold(field.Name, name) {
			continue
		}
		if sent {
			value += ","
		}
		value, sent = value+field.Value, true
	}
	return value, sent
}

// formRequirements are the fields that a signed form must have, spelled as errors name them, in the order in which
// they are missed (R-LS:test_post_request_missing_fields).
var formRequirements = map[mechanism][]string{
	mechanismV4: {argAlgorithm, argCredential, argDate, argSignature, fieldPolicy},
	mechanismV2: {argAccessKeyV2, argSignatureV2, fieldPolicy},
}

// VerifyForm checks who signed the policy of a POST form, at wall clock time now, reads the policy, and refuses it if
// it has expired. A form that carries no authentication gives an anonymous session, no policy and no error; a policy
// that nobody signed says nothing. Whether the form is what the policy allows is for [PostPolicy.Check] and
// [PostPolicy.CheckLength].
//
// Every error is an [*Error]: InvalidArgument for a missing key or authentication field (spec WI1.4-8) and for a
// scope that is not the server's, InvalidAccessKeyId, InvalidToken, SignatureDoesNotMatch, InvalidPolicyDocument,
// and AccessDenied once the policy has expired.
func (v *Verifier) VerifyForm(form Form, now time.Time) (Session, *PostPolicy, error) {
	if err := form.require("key"); err != nil {
		return Session{}, nil, err
	}
	m := form.mechanism()
	if m == mechanismNone {
		return Session{Identity: Identity{Anonymous: true}}, nil, nil
	}
	if err := form.require(formRequirements[m]...); err != nil {
		return Session{}, nil, err
	}
	verify := v.verifyFormV4
	if m == mechanismV2 {
		verify = v.verifyFormV2
	}
	identity, err := verify(form)
	if err != nil {
		return Session{}, nil, err
	}
	text, _ := form.Lookup(fieldPolicy)
	policy, err := ParsePostPolicy(text)
	if err != nil {
		return Session{}, nil, err
	}
	if err := policy.checkExpiration(now); err != nil {
		return Session{}, nil, err
	}
	return Session{Identity: identity}, policy, nil
}

// require returns InvalidArgument for the first of the fields that is not there.
func (f Form) require(names ...string) error {
	for _, name := range names {
		if _, sent := f.Lookup(name); !sent {
			return invalidArgument("Bucket POST must contain a field named '"+name+
				"'.  If it is specified, please check the order of the fields.", name, "")
		}
	}
	return nil
}

// mechanism says how the form is signed. The fields of Signature Version 4 go before those of Version 2.
func (f Form) mechanism() mechanism {
	for _, name := range []string{fieldSignatureV4, fieldAlgorithm, fieldCredential} {
		if _, sent := f.Lookup(name); sent {
			return mechanismV4
		}
	}
	for _, name := range []string{fieldSignatureV2, fieldAccessKeyV2} {
		if _, sent := f.Lookup(name); sent {
			return mechanismV2
		}
	}
	return mechanismNone
}

// verifyFormV4 checks the signature over the policy as it was sent (spec WI1.1-3). The clock is the policy's matter.
func (v *Verifier) verifyFormV4(form Form) (Identity, error) {
	algorithm, _ := form.Lookup(fieldAlgorithm)
	switch algorithm {
	case algorithmV4:
	case algorithmV4A:
		return Identity{}, notImplemented(argAlgorithm, algorithmV4A)
	default:
		return Identity{}, invalidArgument(messageAlgorithms, argAlgorithm, algorithm)
	}
	date, _ := form.Lookup(fieldDate)
	if _, ok := parseBasicISO(date); !ok {
		return Identity{}, invalidArgument(messageFormDate, argDate, date)
	}
	text, _ := form.Lookup(fieldCredential)
	scope, fault := parseCredential(text)
	if fault == nil {
		fault = v.checkScope(scope, date[:len(scopeDate)])
	}
	if fault != nil {
		return Identity{}, fault.inForm(text)
	}
	credential, err := v.formCredential(form, scope.accessKey)
	if err != nil {
		return Identity{}, err
	}
	policy, _ := form.Lookup(fieldPolicy)
	provided, _ := form.Lookup(fieldSignatureV4)
	id := signingKeyID{secret: credential.Secret, date: scope.date, region: scope.region}
	key := v.cache.key(id)
	if !key.sign([]byte(policy)).equalHex(provided) {
		return Identity{}, mismatchText(credential.AccessKey, policy, provided)
	}
	v.cache.remember(id, key)
	return Identity{AccessKey: credential.AccessKey, Region: scope.region, Placement: InForm, Algorithm: algorithmV4}, nil
}

// verifyFormV2 checks the signature over the policy as it was sent (spec WI1.1-6).
func (v *Verifier) verifyFormV2(form Form) (Identity, error) {
	accessKey, _ := form.Lookup(fieldAccessKeyV2)
	credential, err := v.formCredential(form, accessKey)
	if err != nil {
		return Identity{}, err
	}
	policy, _ := form.Lookup(fieldPolicy)
	provided, _ := form.Lookup(fieldSignatureV2)
	if !equalBase64(signV2(credential.Secret, policy), provided) {
		return Identity{}, mismatchText(credential.AccessKey, policy, provided)
	}
	return Identity{AccessKey: credential.AccessKey, Placement: InForm, Algorithm: algorithmV2}, nil
}

func (v *Verifier) formCredential(form Form, accessKey string) (Credential, error) {
	var tokens []string
	if token, sent := form.Lookup(fieldToken); sent {
		tokens = []string{token}
	}
	return v.credential(accessKey, tokens)
}
