package pebbledb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/seed61737384/tombstone/store/engine"
)

// fault injects one error, at the n-th write to a log after it was set.
type fault struct {
	left atomic.Int64 // 0: off
	hit  atomic.Bool
}

func (f *fault) String() string { return "fault" }

// MaybeError implements errorfs.Injector.
func (f *fault) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !isLog(op.Path) || f.left.Load() == 0 {
		return nil
	}
	if f.left.Add(-1) != 0 {
		return nil
	}
	f.hit.Store(true)
	return errorfs.ErrInjected
}

// TestFault makes each write and sync of the log fail in turn. Whatever Commit
// says has to be what a crash right after it leaves.
func TestFault(t *testing.T) {
	for n := int64(1); ; n++ {
		hit := false
		t.Run(fmt.Sprint(n), func(t *testing.T) { hit = faultAt(t, n) })
		if !hit {
			if n < 3 {
				t.Errorf("only %d operations were tried", n-1)
			}
			return
		}
	}
}

func faultAt(t *testing.T, n int64) (hit bool) {
	mem, inject := vfs.NewCrashableMem(), new(fault)
	var fatal atomic.Int64
	db := openMem(t, Options{
		FS:      errorfs.Wrap(mem, inject),
		OnFatal: func(string) { fatal.Add(1) },
	})
	commitAll(t, db, crashPair(0, 0))
	inject.left.Store(n)
	// Large, so that the log is written in more than one piece, but not so
	// large that it needs a new one: see TestFaultRotation.
	large := engine.Set([]byte("large"), make([]byte, 150<<10))
	err := db.Commit(context.Background(), nil, append(crashPair(0, 1), large))
	survived := survivors(t, mem.CrashClone(vfs.CrashCloneCfg{}), 1)[0]
	hit = inject.hit.Load()
	inject.left.Store(0)
	if err == nil && survived != 2 {
		t.Errorf("Commit returned nil and its change is lost")
	}
	if !hit {
		if err != nil || fatal.Load() != 0 {
			t.Errorf("without a fault: %v, %d fatal", err, fatal.Load())
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		return false
	}
	if survived < 1 {
		t.Error("an earlier change is lost")
	}
	if err != nil && !errors.Is(err, engine.ErrCommitUnknown) {
		t.Errorf("Commit: %v, want ErrCommitUnknown", err)
	}
	if fatal.Load() != 1 {
		t.Errorf("OnFatal was called %d times", fatal.Load())
	}
	afterFailure(t, db)
	return true
}

// afterFailure looks that a failed engine refuses everything.
func afterFailure(t *testing.T, db *DB) {
	t.Helper()
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"View":   func() error { return db.View(ctx, func(engine.Reader) error { return nil }) },
		"Update": func() error { return db.Update(ctx, func(engine.Txn) error { return nil }) },
		"Commit": func() error { return db.Commit(ctx, nil, crashPair(0, 9)) },
		"Sync":   func() error { return db.Sync(ctx) },
	} {
		if failure := (*Failure)(nil); !errors.As(call(), &failure) {
			t.Errorf("%s after a failure did not return it", name)
		}
	}
	if db.Metrics() != (Metrics{}) {
		t.Error("Metrics of a failed engine")
	}
	if failure := (*Failure)(nil); !errors.As(db.Close(), &failure) {
		t.Error("Close after a failure did not return it")
	}
}

// TestFaultRelaxed lets the sync fail that NoSync put off.
func TestFaultRelaxed(t *testing.T) {
	inject, fatal := new(fault), 0
	o := Options{
		FS:      errorfs.Wrap(vfs.NewMem(), inject),
		NoSync:  true,
		OnFatal: func(string) { fatal++ },
	}.withDefaults()
	db := newDB(o)
	if err := db.open("db", db.pebbleOptions(o)); err != nil {
		t.Fatal(err)
	}
	commitAll(t, db, crashPair(0, 0))
	inject.left.Store(1)
	if err := db.syncLog(); err == nil {
		t.Error("a sync that failed returned nil")
	}
	if fatal != 1 {
		t.Errorf("OnFatal was called %d times", fatal)
	}
	afterFailure(t, db)
}

// faultExit is the exit code of the child process of TestFaultRotation.
const faultExit = 3

// TestFaultRotation lets a log fail while Pebble changes to a new one. Pebble
// ends the process then, so it is another process, and what counts is that
// OnFatal speaks first.
func TestFaultRotation(t *testing.T) {
	const variable = "PEBBLEDB_FAULT"
	if operation := os.Getenv(variable); operation != "" {
		faultRotation(operation)
		return
	}
	for _, operation := range []string{"create", "sync"} {
		child := exec.Command(os.Args[0], "-test.run=^TestFaultRotation$")
		child.Env = append(os.Environ(), variable+"="+operation)
		out, err := child.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != faultExit {
			t.Errorf("%s: %v\n%.2000s", operation, err, out)
		}
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); len(lines) != 1 || !strings.Contains(lines[0], ".log: injected") {
			t.Errorf("%s: the process said %.2000s", operation, out)
		}
	}
}

func faultRotation(operation string) {
	kinds := map[string]errorfs.OpKind{
		"create": errorfs.OpCreate, "sync": errorfs.OpFileSyncData,
	}
	var on atomic.Bool
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if on.Load() && isLog(op.Path) && op.Kind == kinds[operation] {
			return errorfs.ErrInjected
		}
		return nil
	})
	db, err := Open("db", Options{
		FS: errorfs.Wrap(vfs.NewMem(), inject),
		OnFatal: func(message string) {
			fmt.Println(message)
			os.Exit(faultExit)
		},
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	on.Store(true)
	_, err = db.pebble.AsyncFlush()
	fmt.Println("no fault:", err)
	os.Exit(1)
}
