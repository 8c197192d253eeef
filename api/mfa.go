package api

import (
	"errors"
	"strings"

	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/store"
)

// mfaHeader carries the serial number of a device and a code of it, in canonical form.
const mfaHeader = "X-Amz-Mfa"

// textTokenNeeded is what S3 says where a token is needed (spec OL2-14).
const textTokenNeeded = "Mfa Authentication must be used for this request"

// checkMFA judges x-amz-mfa (spec OL2). Where a token is needed it has to be there;
// one that was sent has to be good wherever MFA Delete is enabled, and says nothing
// elsewhere (spec OL2-9, OL2-21). A good one is used up by this, for ever and whatever
// becomes of the request.
func (x *exchange) checkMFA(needed bool) error {
	switch {
	case !x.sent(mfaHeader) && needed:
		return refuseWith("AccessDenied", textTokenNeeded)
	case !x.sent(mfaHeader):
		return nil
	}
	serial, code, err := x.sentMFA()
	if err != nil || !needed && x.found.MFADelete != store.MFADeleteEnabled {
		return err
	}
	return x.verifyMFA(serial, code)
}

// sentMFA reads x-amz-mfa of a request that has it, which has to be encrypted (spec
// OL2-3, OL2-15).
func (x *exchange) sentMFA() (serial, code string, err error) {
	if !x.origin.secure {
		return "", "", refuseWith("InvalidRequest", "Requests with the header x-amz-mfa must use HTTPS.")
	}
	value := x.header(mfaHeader)
	serial, code, ok := parseMFA(value)
	if !ok {
		return "", "", invalidArgument("Mfa header is invalid -- the header should be formatted as {serialNumber}(space){tokenCode}",
			"x-amz-mfa", value)
	}
	return serial, code, nil
}

// parseMFA splits the value of x-amz-mfa: a serial number, one space and six digits
// (spec OL2-2).
func parseMFA(value string) (serial, code string, ok bool) {
	serial, code, ok = strings.Cut(value, " ")
	ok = ok && serial != "" && len(code) == 6 && strings.Trim(code, "0123456789") == ""
	return serial, code, ok
}

// mfaRefusals say why a code was not taken. All are AccessDenied (spec OL2-16).
var mfaRefusals = []struct {
	err     error
	message string
}{
	{err: identity.ErrNoDevice, message: "The MFA device or code is not valid"},
	{err: identity.ErrWrongCode, message: "The MFA device or code is not valid"},
	{err: identity.ErrUsedCode, message: "The MFA code was used before; wait for the next one"},
	{err: identity.ErrTooManyCodes, message: "Too many MFA codes were wrong; wait a minute"},
}

// mfaRefusal returns what is said to a code that was not taken, and whether err is that.
func mfaRefusal(err error) (message string, refused bool) {
	for _, refusal := range mfaRefusals {
		if errors.Is(err, refusal.err) {
			return refusal.message, true
		}
	}
	return "", false
}

// verifyMFA takes a code of a device of the bucket owner's root. That nobody else may
// (spec OL2-4, OL2-5) is said without a look at the code: others must neither use codes
// up nor try them.
func (x *exchange) verifyMFA(serial, code string) error {
	p := &x.caller.Principal
	switch {
	case x.caller.Temporary: // spec OL2-6
		return refuseWith("InvalidRequest", "DevPay and Mfa are mutually exclusive authorization methods.")
	case !p.Root() || p.Account != x.found.Owner.Account:
		return refuseWith("AccessDenied", "This operation may only be performed by the bucket owner")
	case x.h.identities == nil: // where nobody has a device
		return refuseWith("AccessDenied", mfaRefusals[0].message)
	}
	err := x.h.identities.VerifyMFA(x.Context(), x.caller, serial, code)
	if message, refused := mfaRefusal(err); refused {
		return &failure{code: "AccessDenied", message: message, cause: err}
	}
	x.token = err == nil
	return err
}

// confirmDevices demands a code of a device that an account has, before its devices
// change: else whoever stole the key of its root could make themselves the second factor
// that is to protect from that. The first device takes no code; where all are lost, the
// declarative file of the server adds one.
func (x *exchange) confirmDevices(reg *identity.Registry, account string) error {
	all, err := reg.Devices(account)
	if err != nil || len(all) == 0 {
		return err
	}
	if !x.sent(mfaHeader) {
		return refuseWith("AccessDenied", textTokenNeeded)
	}
	serial, code, err := x.sentMFA()
	if err != nil {
		return err
	}
	root, err := reg.CallerOf(account, "")
	if err != nil {
		return err
	}
	err = reg.VerifyMFA(x.Context(), root, serial, code)
	if message, refused := mfaRefusal(err); refused {
		return refuseWith("AccessDenied", message) // what caused it would be answered as what is not there
	}
	return err
}
