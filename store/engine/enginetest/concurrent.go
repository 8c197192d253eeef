package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/seed61737384/tombstone/store/engine"
)

const (
	workers = 8
	rounds  = 150
)

// together runs fn in several goroutines, numbered from 0, and waits for them.
func together(t *testing.T, fn func(worker int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			if err := fn(worker); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// retry calls try until it returns something else than ErrConflict.
func retry(try func() error) error {
	for {
		if err := try(); !errors.Is(err, engine.ErrConflict) {
			return err
		}
	}
}

// number returns the number that key holds, 0 if it is absent, and the guard
// that it still does.
func number(r engine.Reader, key string) (int, engine.Guard, error) {
	value, found, err := r.Get([]byte(key))
	if err != nil || !found {
		return 0, absent(key), err
	}
	n, err := strconv.Atoi(string(value))
	return n, engine.Guard{Key: []byte(key), Value: value}, err
}

// increment adds one to key: even workers by Commit, half of them with the mark of
// what they saw, odd ones by Update.
func increment(e engine.Engine, key string, worker int) error {
	ctx := context.Background()
	if worker%2 == 1 {
		return e.Update(ctx, func(tx engine.Txn) error {
			n, _, err := number(tx, key)
			tx.Write(set(key, strconv.Itoa(n+1)))
			return err
		})
	}
	var n int
	var guard engine.Guard
	err := e.View(ctx, func(r engine.Reader) (err error) {
		n, guard, err = number(r, key)
		if worker%4 == 0 {
			guard.Seen = r.Mark()
		}
		return err
	})
	if err != nil {
		return err
	}
	return e.Commit(ctx, []engine.Guard{guard}, []engine.Mutation{set(key, strconv.Itoa(n+1))})
}

func guardedIncrements(t *testing.T, e engine.Engine) {
	together(t, func(worker int) error {
		for range rounds {
			if err := retry(func() error { return increment(e, "n", worker) }); err != nil {
				return err
			}
		}
		return nil
	})
	expect(t, e, map[string]string{"n": strconv.Itoa(workers * rounds)})
}

// transfers moves amounts between accounts with transactions of two keys, which
// take each other's keys in any order, and looks that nothing was lost.
func transfers(t *testing.T, e engine.Engine) {
	const accounts, each = 6, 100
	for i := range accounts {
		commit(t, e, set(account(i), strconv.Itoa(each)))
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	together(t, func(worker int) error {
		rng := rand.New(rand.NewPCG(seed, uint64(worker)))
		for range rounds {
			from := rng.IntN(accounts)
			to := (from + 1 + rng.IntN(accounts-1)) % accounts
			amount := rng.IntN(20) - 10
			err := retry(func() error { return transfer(e, account(from), account(to), amount, worker) })
			if err != nil {
				return err
			}
		}
		return nil
	})
	sum := 0
	view(t, e, func(r engine.Reader) {
		for i := range accounts {
			n, _, err := number(r, account(i))
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	})
	if sum != accounts*each {
		t.Errorf("the accounts hold %d, want %d", sum, accounts*each)
	}
}

func account(i int) string { return fmt.Sprintf("account%d", i) }

func transfer(e engine.Engine, from, to string, amount, worker int) error {
	var guards []engine.Guard
	var mutations []engine.Mutation
	read := func(r engine.Reader) error {
		a, ga, err := number(r, from)
		if err != nil {
			return err
		}
		b, gb, err := number(r, to)
		guards = []engine.Guard{ga, gb}
		mutations = []engine.Mutation{set(from, strconv.Itoa(a-amount)), set(to, strconv.Itoa(b+amount))}
		return err
	}
	ctx := context.Background()
	if worker%2 == 1 {
		return e.Update(ctx, func(tx engine.Txn) error {
			err := read(tx)
			tx.Write(mutations...)
			return err
		})
	}
	if err := e.View(ctx, read); err != nil {
		return err
	}
	return e.Commit(ctx, guards, mutations)
}

// wholeCommits writes pairs of keys that always hold the same, while views look
// whether they ever see a pair that differs.
func wholeCommits(t *testing.T, e engine.Engine) {
	commit(t, e, set("left", "0"), set("right", "0"))
	together(t, func(worker int) error {
		for round := range rounds {
			if worker%2 == 0 {
				value := fmt.Sprintf("%d/%d", worker, round)
				err := e.Commit(context.Background(), nil, []engine.Mutation{set("left", value), set("right", value)})
				if err != nil {
					return err
				}
				continue
			}
			err := e.View(context.Background(), func(r engine.Reader) error {
				values, err := r.GetMulti([][]byte{[]byte("left"), []byte("right")})
				if err == nil && string(values[0]) != string(values[1]) {
					err = fmt.Errorf("a view saw %q and %q", values[0], values[1])
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func concurrentAdds(t *testing.T, e engine.Engine) {
	together(t, func(worker int) error {
		for range rounds {
			m := []engine.Mutation{add("n", 1, int64(worker)), set(fmt.Sprintf("k%d", worker), "x")}
			if err := e.Commit(context.Background(), nil, m); err != nil {
				return err
			}
		}
		return nil
	})
	want := fmt.Sprintf("[%d %d]", workers*rounds, rounds*workers*(workers-1)/2)
	if got := counters(t, e, "n"); got != want {
		t.Errorf("n holds %s, want %s", got, want)
	}
}
