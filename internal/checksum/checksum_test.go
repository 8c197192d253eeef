package checksum

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// vectors are the check values of "123456789" published for each algorithm.
var vectors = []struct {
	algorithm Algorithm
	name      string
	header    string
	digest    string
}{
	{CRC32, "CRC32", "x-amz-checksum-crc32", "cbf43926"},
	{CRC32C, "CRC32C", "x-amz-checksum-crc32c", "e3069283"},
	{CRC64NVME, "CRC64NVME", "x-amz-checksum-crc64nvme", "ae8b14860a799888"},
	{SHA1, "SHA1", "x-amz-checksum-sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"},
	{SHA256, "SHA256", "x-amz-checksum-sha256",
		"15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
}

// spec: WI4-1, WI4-2, WI4-3, WI4-5
func TestVectors(t *testing.T) {
	if len(vectors) != len(All()) {
		t.Fatalf("%d vectors for %d algorithms", len(vectors), len(All()))
	}
	for i, v := range vectors {
		a := v.algorithm
		if All()[i] != a || !a.Valid() {
			t.Errorf("%v: not at its place in All", a)
		}
		if a.String() != v.name || a.Header() != v.header || a.Size() != len(v.digest)/2 {
			t.Errorf("%v: name %q header %q size %d", a, a.String(), a.Header(), a.Size())
		}
		value := Of(a, []byte("123456789"))
		if got := hex.EncodeToString(value.Sum); got != v.digest {
			t.Errorf("%v: digest %s, want %s", a, got, v.digest)
		}
		back, err := ParseValue(a, value.String())
		if err != nil || !back.Equal(value) {
			t.Errorf("%v: %q parsed as %v, %v", a, value, back, err)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, a := range All() {
		for _, name := range []string{a.String(), strings.ToLower(a.String())} {
			if got, ok := Parse(name); !ok || got != a {
				t.Errorf("Parse(%q) = %v, %v", name, got, ok)
			}
		}
		for _, name := range []string{a.Header(), strings.ToUpper(a.Header())} {
			if got, ok := FromHeader(name); !ok || got != a {
				t.Errorf("FromHeader(%q) = %v, %v", name, got, ok)
			}
		}
	}
	for _, name := range []string{"", "CRC", "MD5", "x-amz-checksum-", "x-amz-checksum-type"} {
		if got, ok := Parse(name); ok || got != None {
			t.Errorf("Parse(%q) = %v", name, got)
		}
		if got, ok := FromHeader(name); ok || got != None {
			t.Errorf("FromHeader(%q) = %v", name, got)
		}
	}
}

func TestNone(t *testing.T) {
	for _, a := range []Algorithm{None, SHA256 + 1, 255} {
		if a.Valid() || a.String() != "" || a.Header() != "" || a.Size() != 0 || a.New() != nil {
			t.Errorf("%d: not empty", a)
		}
		if v := Of(a, []byte("x")); !v.Equal(Value{}) {
			t.Errorf("%d: Of = %v", a, v)
		}
		if _, err := ParseValue(a, ""); !errors.Is(err, ErrValue) {
			t.Errorf("%d: ParseValue: %v", a, err)
		}
	}
}

// spec: WI4-7
func TestParseValueRefuses(t *testing.T) {
	for _, text := range []string{
		"",
		"AAAA",         // three bytes
		"AAAAAAA=",     // five bytes
		"AAAAAAAA",     // six bytes
		"AAAAAB==",     // set padding bits
		"AAAAA===",     // bad padding
		"AAAA\nA==",    // line end, padding short
		"AAAAAA=\n",    // line end for padding
		"!!!!!!==",     // not base64
		"_____w==",     // URL alphabet
		"AAAAAA==\r\n", // line end behind
	} {
		if v, err := ParseValue(CRC32, text); !errors.Is(err, ErrValue) {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
}

func FuzzParseValue(f *testing.F) {
	for _, v := range vectors {
		f.Add(uint8(v.algorithm), Of(v.algorithm, []byte("seed")).String())
	}
	f.Add(uint8(CRC32), "AAAA\nA==")
	f.Fuzz(func(t *testing.T, number uint8, text string) {
		a := Algorithm(number)
		v, err := ParseValue(a, text)
		if err != nil {
			if !errors.Is(err, ErrValue) {
				t.Fatalf("error %v is not ErrValue", err)
			}
			return
		}
		if len(v.Sum) != a.Size() || v.String() != text {
			t.Fatalf("%v %q decoded to %x and back to %q", a, text, v.Sum, v)
		}
	})
}
