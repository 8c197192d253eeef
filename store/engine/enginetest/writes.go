package enginetest

import (
	"context"
	"errors"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

func commitOrder(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "old"), set("b", "old"), set("c", "old"))
	commit(t, e,
		set("a", "new"), del("a"),
		del("b"), set("b", "new"),
		set("c", "1"), set("c", "2"),
		del("d"), del("d"), engine.DeleteSized([]byte("e"), 7),
		add("n", 1, 1), add("n", 2),
	)
	expect(t, e, map[string]string{
		"a": "absent", "b": "new", "c": "2", "d": "absent", "e": "absent",
	})
	if got := counters(t, e, "n"); got != "[3 1]" {
		t.Errorf("n holds %s", got)
	}
	commit(t, e, engine.DeleteSized([]byte("b"), 3), engine.DeleteSized([]byte("c"), 999))
	expect(t, e, map[string]string{"b": "absent", "c": "absent"})
}

func commitGuards(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"), set("empty", ""))
	for _, c := range []struct {
		name   string
		guards []engine.Guard
		ok     bool
	}{
		{"value as it is", []engine.Guard{holds("a", "1")}, true},
		{"other value", []engine.Guard{holds("a", "2")}, false},
		{"longer value", []engine.Guard{holds("a", "11")}, false},
		{"value of an absent key", []engine.Guard{holds("x", "1")}, false},
		{"empty value of an absent key", []engine.Guard{holds("x", "")}, false},
		{"absent key", []engine.Guard{absent("x")}, true},
		{"key that appeared", []engine.Guard{absent("a")}, false},
		{"empty key that appeared", []engine.Guard{absent("empty")}, false},
		{"empty value", []engine.Guard{holds("empty", "")}, true},
		{"other than the empty value", []engine.Guard{holds("empty", "1")}, false},
		{"all hold", []engine.Guard{holds("a", "1"), absent("x"), holds("empty", "")}, true},
		{"last fails", []engine.Guard{holds("a", "1"), absent("x"), holds("empty", "1")}, false},
		{"first fails", []engine.Guard{absent("a"), absent("x")}, false},
		{"same guard twice", []engine.Guard{holds("a", "1"), holds("a", "1")}, true},
	} {
		err := e.Commit(context.Background(), c.guards, []engine.Mutation{set("result", c.name)})
		want := map[string]string{"result": c.name}
		if !c.ok {
			want = map[string]string{"result": "before"}
			if !errors.Is(err, engine.ErrConflict) {
				t.Errorf("%s: error %v, want ErrConflict", c.name, err)
			}
		} else if err != nil {
			t.Errorf("%s: error %v", c.name, err)
		}
		if c.ok {
			expect(t, e, want)
		}
		commit(t, e, set("result", "before"))
	}
}

// commitSeen has guards with the mark of the snapshot they come from: they hold as
// long as the value is the one that was seen, whatever happened meanwhile.
func commitSeen(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"))
	for _, c := range []struct {
		name string
		then []engine.Mutation // what is committed after the snapshot
		ok   bool
	}{
		{"nothing", nil, true},
		{"another key", []engine.Mutation{set("b", "1")}, true},
		{"other value", []engine.Mutation{set("a", "2")}, false},
		{"gone", []engine.Mutation{del("a")}, false},
		{"appeared", []engine.Mutation{set("x", "1")}, false},
		{"appeared and gone", []engine.Mutation{set("x", "1"), del("x")}, true},
		{"same value", []engine.Mutation{set("a", "1")}, true},
	} {
		for _, within := range []bool{false, true} { // the change is committed within the view
			var mark engine.Mark
			view(t, e, func(r engine.Reader) {
				mark = r.Mark()
				if within {
					commit(t, e, c.then...)
				}
				if a, x := get(t, r, "a"), get(t, r, "x"); a != "1" || x != "absent" {
					t.Fatalf("%s: the view has %s and %s", c.name, a, x)
				}
			})
			if !within {
				commit(t, e, c.then...)
			}
			guards := []engine.Guard{holds("a", "1"), absent("x")}
			for i := range guards {
				guards[i].Seen = mark
			}
			err := e.Commit(context.Background(), guards, []engine.Mutation{set("result", c.name)})
			if c.ok && err != nil || !c.ok && !errors.Is(err, engine.ErrConflict) {
				t.Errorf("%s, within the view %t: %v", c.name, within, err)
			}
			commit(t, e, set("a", "1"), del("x"))
		}
	}
}

func commitGuardsOnly(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"))
	if err := e.Commit(context.Background(), []engine.Guard{holds("a", "1")}, nil); err != nil {
		t.Errorf("a guard that holds: %v", err)
	}
	if err := e.Commit(context.Background(), []engine.Guard{holds("a", "2")}, nil); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a guard that fails: %v", err)
	}
	if err := e.Commit(context.Background(), nil, nil); err != nil {
		t.Errorf("nothing at all: %v", err)
	}
}

func commitAtomic(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"), set("b", "1"))
	err := e.Commit(context.Background(), []engine.Guard{holds("b", "other")},
		[]engine.Mutation{set("a", "2"), del("b"), set("c", "2"), add("n", 1)})
	if !errors.Is(err, engine.ErrConflict) {
		t.Fatalf("error %v, want ErrConflict", err)
	}
	expect(t, e, map[string]string{"a": "1", "b": "1", "c": "absent", "n": "absent"})
}

func commitBlind(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"))
	commit(t, e, set("a", "2"), set("b", "2"))
	err := e.Commit(context.Background(), []engine.Guard{holds("b", "2")}, []engine.Mutation{set("a", "3"), del("zz")})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, e, map[string]string{"a": "3", "b": "2"})
}

// update runs fn as an Update whose function calls between after its reads.
func update(e engine.Engine, between func(), fn func(tx engine.Txn)) error {
	return e.Update(context.Background(), func(tx engine.Txn) error {
		if _, _, err := tx.Get([]byte("anything")); err != nil {
			return err
		}
		fn(tx)
		between()
		return nil
	})
}

func updateWrites(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"), set("b", "1"))
	err := e.Update(context.Background(), func(tx engine.Txn) error {
		tx.Write(set("a", get(t, tx, "a")+"2"), del("b"))
		tx.Write(set("c", "1"))
		tx.Write()
		tx.Write(add("n", 5))
		if a, c := get(t, tx, "a"), get(t, tx, "c"); a != "1" || c != "absent" {
			t.Errorf("the transaction reads its own writes: a %q, c %q", a, c)
		}
		if keys, _ := scan2(tx); keys != "ab" {
			t.Errorf("a scan in the transaction gave %q", keys)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, e, map[string]string{"a": "12", "b": "absent", "c": "1"})
	if got := counters(t, e, "n"); got != "[5]" {
		t.Errorf("n holds %s", got)
	}
}

// scan2 returns the keys of everything r sees.
func scan2(r engine.Reader) (keys string, err error) {
	_, err = r.Scan(engine.Range{}, func(key, _ []byte) bool {
		keys += string(key)
		return true
	})
	return keys, err
}

func updateError(t *testing.T, e engine.Engine) {
	mine := errors.New("mine")
	err := e.Update(context.Background(), func(tx engine.Txn) error {
		tx.Write(set("a", "1"))
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("Update returned %v", err)
	}
	expect(t, e, map[string]string{"a": "absent"})
}

func updateConflicts(t *testing.T, e engine.Engine) {
	for _, c := range []struct {
		name   string
		fn     func(tx engine.Txn)
		change engine.Mutation
	}{
		{"written key changed", func(tx engine.Txn) { tx.Write(set("a", "mine")) }, set("a", "theirs")},
		{"written key deleted", func(tx engine.Txn) { tx.Write(set("a", "mine")) }, del("a")},
		{"written key appeared", func(tx engine.Txn) { tx.Write(set("x", "mine")) }, set("x", "theirs")},
		{"written key appeared empty", func(tx engine.Txn) { tx.Write(set("x", "mine")) }, set("x", "")},
		{"deleted key changed", func(tx engine.Txn) { tx.Write(del("a")) }, set("a", "theirs")},
		{"deleted key appeared", func(tx engine.Txn) { tx.Write(del("x")) }, set("x", "theirs")},
		{"guarded key changed", func(tx engine.Txn) { tx.Guard([]byte("a")) }, set("a", "theirs")},
		{"guarded key deleted", func(tx engine.Txn) { tx.Guard([]byte("a")) }, del("a")},
		{"guarded key appeared", func(tx engine.Txn) { tx.Guard([]byte("x")) }, set("x", "theirs")},
	} {
		commit(t, e, set("a", "1"), del("x"), set("result", "before"))
		err := update(e, func() { commit(t, e, c.change) }, func(tx engine.Txn) {
			c.fn(tx)
			tx.Write(set("result", "after"))
		})
		if !errors.Is(err, engine.ErrConflict) {
			t.Errorf("%s: error %v, want ErrConflict", c.name, err)
		}
		expect(t, e, map[string]string{"result": "before"})
	}
}

func updateReadsFree(t *testing.T, e engine.Engine) {
	letters(t, e)
	change := func() { commit(t, e, set("a", "new"), del("b"), set("bb", "new")) }
	err := update(e, change, func(tx engine.Txn) {
		if keys, err := scan2(tx); keys != "abcde" || err != nil {
			t.Errorf("scan gave %q, %v", keys, err)
		}
		get(t, tx, "a")
		get(t, tx, "b")
		tx.Guard([]byte("c"))
		tx.Write(set("result", "after"))
	})
	if err != nil {
		t.Errorf("an update conflicted on what it only read: %v", err)
	}
	expect(t, e, map[string]string{"result": "after", "a": "new", "b": "absent", "bb": "new"})
}

// syncReturns can only look that Sync does nothing else: what a crash leaves is
// tested with each engine.
func syncReturns(t *testing.T, e engine.Engine) {
	for range 2 {
		if err := e.Sync(context.Background()); err != nil {
			t.Fatal(err)
		}
		commit(t, e, set("a", "1"))
	}
	expect(t, e, map[string]string{"a": "1"})
}
