package identity

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pageTables reads the tables of docs/format.md: the first cells under each heading.
func pageTables(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tables, heading := make(map[string][]string), ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		}
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && len(cells) > 1 {
			tables[heading] = append(tables[heading], strings.Trim(cells[0], "| "))
		}
	}
	return tables
}

// Each record has the fields that the page lists, and each is written.
func TestFormatPageFields(t *testing.T) {
	page := pageTables(t)
	at := time.Unix(1, 0)
	a := newAccount(Account{CanonicalID: "c", DisplayName: "d", Created: at, FromFile: true})
	for record, written := range map[string][]byte{
		"account":    encodeAccount(a),
		"user":       encodeUser(newUser(User{Path: "/", ID: "i", Created: at, FromFile: true})),
		"access key": encodeKey(&key{Key: Key{Account: "a", User: "u", Created: at, FromFile: true}}, []byte("s")),
		"policy":     encodePolicy(&document{Policy: Policy{JSON: []byte("{}"), FromFile: true}}),
		"attachment": encodeAttached(&attachment{created: at, fromFile: true}),
		"device":     encodeDevice(&device{Device: Device{Account: "a", Created: at, FromFile: true}}, []byte("s")),
		"use":        encodeUsed(1),
		"secrets":    encodeSecrets([]byte("s")),
	} {
		var got []string
		if _, err := readFields(written, func(tag uint64, _ []byte) bool {
			got = append(got, strconv.FormatUint(tag, 10))
			return true
		}); err != nil {
			t.Fatal(err)
		}
		if want := page[record]; len(want) == 0 || !slices.Equal(got, want[1:]) { // without the heading of the table
			t.Errorf("record %s: the page has fields %v, the code writes %v", record, want, got)
		}
	}
}

// The page names each kind of row.
func TestFormatPageNames(t *testing.T) {
	names := pageTables(t)["Identities"]
	if len(names) != len(kinds)+1 {
		t.Errorf("the page has rows %v, the code has %d kinds", names, len(kinds))
	}
	for _, k := range kinds {
		begin := "`" + k.kind
		if k.parts > 0 {
			begin += "/` "
		}
		if !slices.ContainsFunc(names, func(name string) bool {
			return strings.HasPrefix(name, begin) && (k.parts == 0 || strings.Count(name, "`/`") == k.parts-1)
		}) {
			t.Errorf("the page does not name rows of kind %s with %d parts", k.kind, k.parts)
		}
	}
}
