package enginetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

// limits tries one more than each limit, and a key of exactly the length that
// every engine has to take.
func limits(t *testing.T, e engine.Engine) {
	long := bytes.Repeat([]byte("k"), 1500)
	commit(t, e, engine.Set(long, []byte("1")))
	expect(t, e, map[string]string{string(long): "1"})

	l := e.Limits()
	over := map[string][]engine.Mutation{}
	if l.KeySize > 0 {
		over["KeySize"] = []engine.Mutation{engine.Set(make([]byte, l.KeySize+1), nil)}
	}
	if l.ValueSize > 0 {
		over["ValueSize"] = []engine.Mutation{engine.Set([]byte("a"), make([]byte, l.ValueSize+1))}
	}
	if l.Mutations > 0 {
		over["Mutations"] = many(l.Mutations+1, nil)
	}
	if l.Bytes > 0 {
		size := min(l.Bytes, 1<<16)
		if l.ValueSize > 0 {
			size = min(size, l.ValueSize)
		}
		over["Bytes"] = many(l.Bytes/size+1, make([]byte, size))
	}
	for name, mutations := range over {
		mutations = append([]engine.Mutation{set("result", name)}, mutations...)
		if err := e.Commit(context.Background(), nil, mutations); !errors.Is(err, engine.ErrTooLarge) {
			t.Errorf("Commit over %s: %v, want ErrTooLarge", name, err)
		}
		err := e.Update(context.Background(), func(tx engine.Txn) error {
			tx.Write(mutations...)
			return nil
		})
		if !errors.Is(err, engine.ErrTooLarge) {
			t.Errorf("Update over %s: %v, want ErrTooLarge", name, err)
		}
	}
	expect(t, e, map[string]string{"result": "absent"})
}

// many returns n mutations that set different keys to value.
func many(n int, value []byte) []engine.Mutation {
	mutations := make([]engine.Mutation, n)
	for i := range mutations {
		mutations[i] = engine.Set([]byte{byte(i >> 16), byte(i >> 8), byte(i), 'x'}, value)
	}
	return mutations
}

func cancelled(t *testing.T, e engine.Engine) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Commit(ctx, nil, []engine.Mutation{set("a", "1")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	err := e.Update(ctx, func(tx engine.Txn) error {
		tx.Write(set("a", "1"))
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v", err)
	}
	err = e.View(ctx, func(engine.Reader) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v", err)
	}
	expect(t, e, map[string]string{"a": "absent"})
}

func closed(t *testing.T, e engine.Engine) {
	commit(t, e, set("a", "1"))
	inside, finish := make(chan struct{}), make(chan struct{})
	viewed, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		viewed <- e.View(context.Background(), func(r engine.Reader) error {
			close(inside)
			<-finish
			_, _, err := r.Get([]byte("a"))
			return err
		})
	}()
	<-inside
	go func() { ended <- e.Close() }()
	select {
	case <-ended:
		t.Error("Close did not wait for a view under way")
	default:
	}
	close(finish)
	if err := <-viewed; err != nil {
		t.Errorf("a view under way: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Close: %v", err)
	}
	afterClose(t, e)
}

func afterClose(t *testing.T, e engine.Engine) {
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"View":   func() error { return e.View(ctx, func(engine.Reader) error { return nil }) },
		"Update": func() error { return e.Update(ctx, func(engine.Txn) error { return nil }) },
		"Commit": func() error { return e.Commit(ctx, nil, []engine.Mutation{set("a", "2")}) },
		"Sync":   func() error { return e.Sync(ctx) },
		"Close":  e.Close,
	} {
		if err := call(); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
}
