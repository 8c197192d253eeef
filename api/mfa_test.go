package api

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
)

// mfaStep is how long a code lasts (spec OL2-22).
const mfaStep = 30 * time.Second

var mfaName = regexp.MustCompile(`\{mfa([+-][0-9]+)?\}`)

// expandMFA puts in what x-amz-mfa has to be: {mfa} is the serial number of a device of
// the root and its code of now, {mfa+1} that of the step after, {mfa-1} of the one before.
func (c *conversation) expandMFA(s string) string {
	return mfaName.ReplaceAllStringFunc(s, func(m string) string {
		steps, _ := strconv.Atoi(mfaName.FindStringSubmatch(m)[1])
		if c.device == nil {
			c.device = c.principals.enroll("phone")
		}
		return c.device.Serial + " " + c.code(steps)
	})
}

// code returns the code of the device some steps from now.
func (c *conversation) code(steps int) string {
	code, err := totp.GenerateCode(c.device.Secret.Reveal(), c.server.clock.Now().Add(time.Duration(steps)*mfaStep))
	if err != nil {
		c.server.t.Fatal(err)
	}
	return code
}

// enroll makes an MFA device of the root of the server's account.
func (p *principals) enroll(name string) *identity.Enrollment {
	p.t.Helper()
	made, err := p.registry.EnrollMFA(p.t.Context(), identity.By{}, testOwner.Account, name)
	if err != nil {
		p.t.Fatal(err)
	}
	return &made
}

// Temporary credentials are refused before the code is looked at.
//
// spec: OL2-6
func TestMFAOfTemporaryCredentials(t *testing.T) {
	s := newTestServer(t, nil)
	root := s.handler.root
	root.Temporary = true
	x := &exchange{h: s.handler, r: s.request("DELETE", "/bucket/key?versionId=null", nil), caller: &root}
	x.found.Owner, x.found.MFADelete, x.origin.secure = testOwner, store.MFADeleteEnabled, true
	x.r.Header.Set(mfaHeader, "20899872 301749")
	f := translate(x.checkMFA(true), place{})
	if f.code != "InvalidRequest" || f.text() != "DevPay and Mfa are mutually exclusive authorization methods." || x.token {
		t.Errorf("%v", f)
	}
}

// What the store refuses because MFA Delete or Object Lock changed meanwhile is
// answered as if it had been seen at first.
//
// spec: OL2-14, OL1.2-13
func TestProtectionChangedMeanwhile(t *testing.T) {
	tests := []struct {
		err  error
		code Code
		text string
	}{
		{store.ErrMFARequired, "AccessDenied", "Mfa Authentication must be used for this request"},
		{store.ErrNoObjectLock, "InvalidRequest", "Bucket is missing ObjectLockConfiguration"},
	}
	for _, test := range tests {
		f := translate(&store.Error{Op: "delete", Err: test.err}, place{})
		if f.code != test.code || f.text() != test.text {
			t.Errorf("%v: %v", test.err, f)
		}
	}
}

// What looks like a serial number and a code.
//
// spec: OL2-2, OL2-15
func TestParseMFA(t *testing.T) {
	tests := []struct {
		value, serial, code string
		ok                  bool
	}{
		{"20899872 301749", "20899872", "301749", true},
		{"arn:aws:iam::123456789012:mfa/root-account-mfa-device 000000", "arn:aws:iam::123456789012:mfa/root-account-mfa-device", "000000", true},
		{"20899872  301749", "", "", false},
		{"20899872 30174", "", "", false},
		{"20899872 3017490", "", "", false},
		{"20899872 30174x", "", "", false},
		{"20899872 301749 ", "", "", false},
		{" 301749", "", "", false},
		{"20899872", "", "", false},
		{"", "", "", false},
	}
	for _, test := range tests {
		serial, code, ok := parseMFA(test.value)
		if ok != test.ok || ok && (serial != test.serial || code != test.code) {
			t.Errorf("%q: %q, %q, %v", test.value, serial, code, ok)
		}
	}
}
