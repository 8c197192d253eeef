package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// The limits of what one account or user may have. Amazon's are 2 keys for each user, 10 attached policies, 1,500 policies
// and 8 devices for each account; the ones here leave room for rotation by tools and for many teams in one account.
const (
	maxKeys      = 16 // of a user, or of a root
	maxInline    = 16 // inline policies of a user
	maxAttached  = 16 // policies attached to a user
	maxPolicies  = 1500
	maxDevices   = 8
	maxDocument  = 20 << 10 // bytes of a policy, as Amazon has it for bucket policies
	maxName      = 64       // characters of the name of a user
	maxLongName  = 128      // of a policy, a device, an access key
	maxDisplay   = 128      // bytes of a display name
	maxPath      = 512
	maxSecret    = 128
	minSecret    = 8
	minAccessKey = 3
	maxSerial    = 256
	minSerial    = 9
	// minDeviceSecret is what old devices of hardware have, bytes; new ones get deviceSecret.
	minDeviceSecret = 10
	deviceSecret    = 20
)

func checkAccountID(id string) error {
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return &InvalidError{"account id", "an account id has 12 digits"}
	}
	return nil
}

func checkCanonicalID(id string) error {
	if len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return &InvalidError{"canonical id", "a canonical id has 64 hex digits in lower case"}
	}
	return nil
}

// canonicalID makes the canonical id of an account that was given none.
func canonicalID(account string) string {
	sum := sha256.Sum256([]byte("tombstone account " + account))
	return hex.EncodeToString(sum[:])
}

func checkDisplayName(name string) error {
	if name == "" || len(name) > maxDisplay || !printable(name) {
		return &InvalidError{"display name", "a display name has 1 to 128 printable ASCII characters"}
	}
	return nil
}

// checkName holds the name of a user, policy or device to what IAM takes: no slash, so that names can be joined.
func checkName(field, name string, limit int) error {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_+=,.@-", r)
	}
	if name == "" || len(name) > limit || strings.ContainsFunc(name, odd) {
		return &InvalidError{field, "it has letters, digits and _+=,.@- and a limited length"}
	}
	return nil
}

func checkPath(path string) error {
	if path == "" || len(path) > maxPath || path[0] != '/' || path[len(path)-1] != '/' || !printable(path) || strings.Contains(path, " ") {
		return &InvalidError{"path", "a path begins and ends with a slash and has printable ASCII without spaces"}
	}
	return nil
}

// checkPair holds an access key to what a signed request can name, and its secret to a sane length.
func checkPair(accessKey, secret string) error {
	if len(accessKey) < minAccessKey || len(accessKey) > maxLongName || !printable(accessKey) || strings.ContainsAny(accessKey, " /,=") {
		return &InvalidError{"access key", "an access key has 3 to 128 ASCII characters and no spaces, slashes, commas or equals signs"}
	}
	if len(secret) < minSecret || len(secret) > maxSecret {
		return &InvalidError{"secret key", "a secret key has 8 to 128 characters"}
	}
	return nil
}

// checkSerial takes the ARN of a virtual device of the account, and what is printed on a device of hardware (spec OL2-2).
func checkSerial(account, serial string) error {
	switch {
	case len(serial) < minSerial, len(serial) > maxSerial, !printable(serial), strings.Contains(serial, " "):
		return &InvalidError{"serial", "a serial has 9 to 256 printable ASCII characters and no space"}
	case strings.HasPrefix(serial, "arn:") && !strings.HasPrefix(serial, deviceARN(account, "")):
		return &InvalidError{"serial", "the ARN is not one of an MFA device of the account"}
	}
	return nil
}

// deviceARN is the serial of a virtual device.
func deviceARN(account, name string) string { return "arn:aws:iam::" + account + ":mfa/" + name }

// plainSecret brings the secret of a device into the form it is kept in: base32 without spaces and padding.
func plainSecret(text string) (string, error) {
	text = strings.ToUpper(strings.TrimRight(strings.ReplaceAll(text, " ", ""), "="))
	bytes, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(bytes) < minDeviceSecret || len(bytes) > maxSecret {
		return "", &InvalidError{"device secret", "it is base32 of 10 to 128 bytes"}
	}
	return text, nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
