package metamorphic_test

import (
	"testing"

	"github.com/seed61737384/tombstone/internal/metamorphic"
)

// TestLines reads lines and writes them back.
func TestLines(t *testing.T) {
	for _, line := range []string{
		"create b lock=yes",
		"put b a/b size=10 seed=3 as=v1 if-match=10/3",
		"put b %20%25%40%3D%23%0A☃ size=0",
		"delete b k version=null bypass=yes",
		"put b k size=1 mode=COMPLIANCE until=-3 hold=OFF",
		"lock b k version=v1 mode=GOVERNANCE until=48 bypass=yes",
		"hold b k version=null set=ON",
		"default b mode=COMPLIANCE days=1",
		"delete-objects b k1 k2@v3 k%402@null as=v9",
		"versions b prefix= delimiter=/ key-marker=k version-marker=v3 limit=5",
		"get b %FF range=1-2",
		"crash keep=50 seed=7",
		"advance -1h",
	} {
		op, err := metamorphic.ParseOp(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		} else if op.String() != line {
			t.Errorf("%s is written as %v", line, op)
		}
	}
}

// TestBadLines reads lines that mean nothing.
func TestBadLines(t *testing.T) {
	for _, line := range []string{
		"", "swallow b", "create", "create a b", "create b size=1", "put b k size=%4", "put b %zz", "get b k@v1", "put b k size=1@2",
	} {
		if op, err := metamorphic.ParseOp(line); err == nil {
			t.Errorf("%q is read as %v", line, op)
		}
	}
}

func FuzzParseOp(f *testing.F) {
	for _, op := range metamorphic.Generate(1, 200, metamorphic.Everywhere()) {
		f.Add(op.String())
	}
	f.Add("delete-objects 0 @")
	f.Fuzz(func(t *testing.T, line string) {
		op, err := metamorphic.ParseOp(line)
		if err != nil {
			return
		}
		again, err := metamorphic.ParseOp(op.String())
		if err != nil || again.String() != op.String() {
			t.Errorf("%q is written as %v and read as %v: %v", line, op, again, err)
		}
	})
}
