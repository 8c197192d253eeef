package versioning_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed61737384/tombstone/versioning"
)

func FuzzParseVersionID(f *testing.F) {
	codec := newCodec(f, 0, 1, 200)
	for _, id := range []versioning.ID{versioning.Null, versioning.IDOf(1), versioning.IDOf(versioning.OrderAt(noon)), versioning.IDOf(1<<64 - 1)} {
		f.Add(codec.Format(id))
		f.Add(newCodec(f, 0).Format(id))
		f.Add(newCodec(f, 5).Format(id))
	}
	for _, text := range []string{"", "null", "Null", "\n", strings.Repeat("0", 32), strings.Repeat("\r\n", 16), strings.Repeat("_", 33)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := codec.Parse(text)
		if err != nil {
			if id != (versioning.ID{}) || !errors.Is(err, versioning.MalformedVersionID) && !errors.Is(err, versioning.EmptyVersionID) {
				t.Fatalf("%q is read as %+v, %v", text, id, err)
			}
			return
		}
		again, err := codec.Parse(codec.Format(id))
		if again != id || err != nil {
			t.Fatalf("%q is read as %+v, and what that is written as, as %+v, %v", text, id, again, err)
		}
		if !id.IsNull() && newCodec(t, idKey(text)).Format(id) != text {
			t.Fatalf("%q is accepted, and %+v is written otherwise", text, id)
		}
	})
}

// idKey returns the number of the key that an id of 32 characters was made with.
func idKey(text string) byte {
	first, second := strings.IndexByte(idAlphabet, text[0]), strings.IndexByte(idAlphabet, text[1])
	return byte(first<<2 | second>>4)
}

func FuzzFormatVersionID(f *testing.F) {
	codec := newCodec(f, 0, 1, 200)
	for _, order := range []uint64{1, 2, 1 << 16, uint64(versioning.OrderAt(noon)), 1<<64 - 1} {
		f.Add(order)
	}
	f.Fuzz(func(t *testing.T, order uint64) {
		if order == 0 {
			return // no order
		}
		id := versioning.IDOf(versioning.Order(order))
		if got, err := codec.Parse(codec.Format(id)); got != id || err != nil {
			t.Fatalf("order %d is read as %+v, %v", order, got, err)
		}
	})
}
