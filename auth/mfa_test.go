package auth

import (
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"time"
)

// rfcSecret is that of RFC 6238, appendix B.
var rfcSecret = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte("12345678901234567890"))

// The values of RFC 6238, appendix B, for SHA-1: of its eight digits the last six.
//
// spec: OL2-22
func TestMFACodesOfRFC6238(t *testing.T) {
	for seconds, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step := uint64(seconds / 30)
		if got, err := MFACode(rfcSecret, step); err != nil || got != want {
			t.Errorf("at %d s: %q, %v, want %q", seconds, got, err, want)
		}
		if got, ok := MatchMFA(rfcSecret, want, time.Unix(seconds, 0)); !ok || got != step {
			t.Errorf("at %d s: step %d, %v", seconds, got, ok)
		}
	}
}

// A code counts in its own step of 30 s, the one before and the one after.
//
// spec: OL2-16, OL2-22
func TestMatchMFATolerance(t *testing.T) {
	const step = 1000
	code, err := MFACode(rfcSecret, step)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Unix(step*30, 0)
	for after, want := range map[time.Duration]bool{
		-31 * time.Second: false, -30 * time.Second: true, 0: true, 29999 * time.Millisecond: true,
		30 * time.Second: true, 59 * time.Second: true, 60 * time.Second: false, time.Hour: false,
	} {
		if got, ok := MatchMFA(rfcSecret, code, begin.Add(after)); ok != want || ok && got != step {
			t.Errorf("%v after its step began: step %d, %v", after, got, ok)
		}
	}
}

func TestMatchMFARefuses(t *testing.T) {
	now := time.Unix(1000*30, 0)
	code, err := MFACode(rfcSecret, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", code[:5], code + "0", " " + code[1:], "+" + code[1:], "abcdef", "٠١٢٣٤٥"} {
		if _, ok := MatchMFA(rfcSecret, wrong, now); ok {
			t.Errorf("%q is a code", wrong)
		}
	}
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(-1e6, 0), {}} {
		if _, ok := MatchMFA(rfcSecret, code, at); ok {
			t.Errorf("a code counts at %v", at)
		}
	}
	if _, ok := MatchMFA("not base32!", code, now); ok {
		t.Error("a secret that is none has a code")
	}
	if _, err := MFACode("not base32!", 1); err == nil {
		t.Error("a secret that is none has a code")
	}
}

// A code that two steps in reach share is taken for the later one, so that it does not count again.
func TestMatchMFASharedCode(t *testing.T) {
	const first = 910737 // whose code is also that of the next step
	code, _ := MFACode(rfcSecret, first)
	if next, _ := MFACode(rfcSecret, first+1); next != code {
		t.Fatalf("codes %s and %s", code, next)
	}
	for _, now := range []int64{first, first + 1} {
		if got, ok := MatchMFA(rfcSecret, code, time.Unix(now*30, 0)); !ok || got != first+1 {
			t.Errorf("at step %d: %d, %v", now, got, ok)
		}
	}
}

// spec: OL2-2, OL2-15
func TestParseMFA(t *testing.T) {
	for header, want := range map[string]string{
		"GAHT12345678 123456":                       "GAHT12345678",
		"arn:aws:iam::000000000000:mfa/root 000000": "arn:aws:iam::000000000000:mfa/root",
		"": "", "123456": "", " 123456": "", "serial": "", "serial ": "", "serial 12345": "", "serial 1234567": "",
		"serial 12345a": "", "serial  123456": "", "serial 123456 ": "", "serial\t123456": "", "a b 123456": "",
	} {
		serial, code, ok := ParseMFA(header)
		if ok != (want != "") || ok && (serial != want || serial+" "+code != header) {
			t.Errorf("%q: %q, %q, %v", header, serial, code, ok)
		}
	}
}

func TestMFAURL(t *testing.T) {
	text, err := MFAURL("phone@000000000000", rfcSecret)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Tombstone:phone@000000000000" || q.Get("secret") != rfcSecret ||
		q.Get("issuer") != "Tombstone" || q.Get("algorithm") != "SHA1" || q.Get("digits") != "6" || q.Get("period") != "30" {
		t.Errorf("url %s", strings.ReplaceAll(text, rfcSecret, "SECRET"))
	}
	if _, err := MFAURL("phone", "not base32!"); err == nil {
		t.Error("a secret that is none has a URL")
	}
}

func FuzzParseMFA(f *testing.F) {
	f.Add("GAHT12345678 123456")
	f.Add("a  000000")
	f.Fuzz(func(t *testing.T, header string) {
		serial, code, ok := ParseMFA(header)
		if ok && (serial == "" || len(code) != MFADigits || serial+" "+code != header) {
			t.Errorf("%q: %q, %q", header, serial, code)
		}
	})
}
