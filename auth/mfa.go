package auth

import (
	"crypto/subtle"
	"encoding/base32"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// An MFA device shows time-based one-time passwords: RFC 6238 with HMAC-SHA-1, steps of 30 s and 6 digits (spec OL2-22).
const (
	MFAStep   = 30 * time.Second
	MFADigits = 6
	// mfaTolerance is by how many steps the clock of a device may be ahead or behind.
	mfaTolerance = 1
)

// mfaIssuer is what apps show over the codes of a device.
const mfaIssuer = "Tombstone"

// ParseMFA takes the value of an x-amz-mfa header apart: the serial of a device, one space, six digits (spec OL2-2). Where
// it is not formed so, the answer is that of spec OL2-15.
func ParseMFA(header string) (serial, code string, ok bool) {
	serial, code, ok = strings.Cut(header, " ")
	return serial, code, ok && serial != "" && isMFACode(code)
}

func isMFACode(code string) bool {
	return len(code) == MFADigits && strings.Trim(code, "0123456789") == ""
}

// MFACode returns the code that a device shows in a step: the number of [MFAStep]s since 1970. secret is base32. It fails
// if secret is not.
func MFACode(secret string, step uint64) (string, error) {
	return hotp.GenerateCodeCustom(secret, step, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

// MatchMFA returns the step in which the device of a secret shows code, among the step of now and its neighbours. Of several
// it is the last, so that a code does not count again for a later step. Time does not depend on which digits are wrong.
func MatchMFA(secret, code string, now time.Time) (step uint64, ok bool) {
	current := now.Unix() / int64(MFAStep/time.Second)
	if !isMFACode(code) || current < mfaTolerance {
		return 0, false
	}
	for s := uint64(current) - mfaTolerance; s <= uint64(current)+mfaTolerance; s++ {
		shown, err := MFACode(secret, s)
		if err == nil && subtle.ConstantTimeCompare([]byte(shown), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// MFAURL returns what QR codes carry to apps that show codes: otpauth://totp/…, which holds the secret. name is shown with
// the codes. It fails if secret is not base32.
func MFAURL(name, secret string) (string, error) {
	bytes, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return "", otp.ErrValidateSecretInvalidBase32
	}
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: mfaIssuer, AccountName: name, Secret: bytes,
		Period: uint(MFAStep / time.Second), Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return "", err
	}
	return key.URL(), nil
}
