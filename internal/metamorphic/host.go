package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/internal/crashfs"
	"github.com/seed61737384/tombstone/internal/model"
	"github.com/seed61737384/tombstone/store"
)

// Config is one way to run the store.
type Config struct {
	Name    string
	Options func() store.Options // FS and Clock are set by the host
	// Volatile stores lose by design what a crash interrupts, or all of it: a
	// crash is a clean restart to them, or nothing.
	Volatile bool
}

// folder is the data folder on the file system of a host.
const folder = "data"

// start is what the clock of every run shows first.
var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// Host runs a store, and can stop, crash and start it again.
type Host struct {
	Client *Client

	config  Config
	options store.Options
	fs      *crashfs.FS
	clock   *clock.Manual
	unsure  int // Client.Unknowns at the last start
}

// NewHost starts a store on an empty file system.
func NewHost(c Config, scope Scope) (*Host, error) {
	h := &Host{config: c, fs: crashfs.New(crashfs.Watch{}), clock: clock.NewManual(start)}
	s, err := h.open()
	if err != nil {
		return nil, err
	}
	h.Client = NewClient(s, model.New())
	h.Client.Scope = scope
	return h, nil
}

func (h *Host) open() (*store.Store, error) {
	o := h.config.Options()
	o.FS, o.Clock = h.fs, h.clock
	h.options = o
	return store.Open(folder, o)
}

// Play plays one operation.
func (h *Host) Play(ctx context.Context, op Op) error {
	switch op.Verb {
	case "restart":
		return h.restart(ctx)
	case "crash":
		return h.crash(ctx, op)
	case "check":
		return h.check(ctx)
	case "reclaim":
		return h.reclaim(ctx)
	case "advance":
		d, err := time.ParseDuration(op.Args[0])
		h.clock.Advance(d)
		Apply(h.Client.Model, op)
		return err
	}
	return h.Client.Play(ctx, op)
}

// Close stops the store.
func (h *Host) Close() error { return errors.Join(h.Client.CloseOpened(), h.Client.Store.Close()) }

func (h *Host) restart(ctx context.Context) error {
	if h.options.Memory {
		return nil
	}
	if err := h.Close(); err != nil {
		return err
	}
	return h.begin(ctx)
}

// crash cuts the file system under the running store and starts on what is left.
func (h *Host) crash(ctx context.Context, op Op) error {
	if h.config.Volatile {
		return h.restart(ctx)
	}
	rng := rand.New(rand.NewPCG(uint64(op.number("seed", 0)), 0))
	left, err := h.fs.Cut(op.number("keep", 0), rng, crashfs.Watch{})
	if err != nil {
		return err
	}
	// What the old store does now happens on a disk that nobody looks at.
	if err := h.Close(); err != nil {
		return err
	}
	h.fs = left
	return h.begin(ctx)
}

// begin starts the store again and looks whether all is there.
func (h *Host) begin(ctx context.Context) error {
	s, err := h.open()
	if err != nil {
		return err
	}
	h.Client.Store, h.unsure = s, h.Client.Unknowns
	if err := h.startTime(); err != nil {
		return err
	}
	if err := Verify(ctx, s, h.Client.Model, h.Client.Scope, true); err != nil {
		return err
	}
	return h.check(ctx)
}

// startTime makes the model's lock time that of a store that was just opened. While
// it was closed no time went by, so that is not later; it is earlier if the clock was
// set back and some of the time was not durable.
func (h *Host) startTime() error {
	now := h.Client.Store.LockTime().Sub(start)
	if now > h.Client.Model.Now() {
		return fmt.Errorf("lock time is %v, and only %v went by", now, h.Client.Model.Now())
	}
	h.Client.Model.SetNow(now)
	return nil
}

func (h *Host) check(ctx context.Context) error {
	report, err := h.Client.Store.Check(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range report.Problems {
		errs = append(errs, fmt.Errorf("check: %v", p))
	}
	return errors.Join(errs...)
}

// reclaim waits until all is reclaimed but for what is open, and counts the files
// that remain: one for each object version, there or open, that is not inline.
func (h *Host) reclaim(ctx context.Context) error {
	c := h.Client
	if err := c.Store.WaitReclaimed(ctx); err != nil {
		return err
	}
	want := 0
	for _, b := range c.Scope.Buckets {
		open := 0
		for _, e := range c.destroyed(b) {
			open += h.files(&e)
		}
		if err := h.reclaimed(ctx, b, open); err != nil {
			return err
		}
		want += open
		for _, key := range c.Model.Keys(b, "") {
			for _, e := range c.Model.History(b, key) {
				want += h.files(e)
			}
		}
	}
	if h.options.Memory || c.Unknowns > h.unsure {
		return nil // an unknown outcome may leave a file to the next start
	}
	files, err := h.listFiles()
	if err == nil && len(files) != want {
		err = fmt.Errorf("%d files, not %d: %s", len(files), want, strings.Join(files, " "))
	}
	return err
}

// reclaimed looks whether the statistics of a bucket, if it exists, have as many
// files to reclaim as are open.
func (h *Host) reclaimed(ctx context.Context, bucket string, open int) error {
	s, err := h.Client.Store.Statistics(ctx, bucket)
	if _, _, missing := h.Client.Model.Bucket(bucket); missing != nil {
		return nil //nolint:nilerr // a bucket that is gone has no statistics
	}
	if err == nil && int(s.Reclaim) > open {
		err = fmt.Errorf("%s: %d files to reclaim, %d are open", bucket, s.Reclaim, open)
	}
	return err
}

// files returns the number of files of an entry.
func (h *Host) files(e *model.Entry) int {
	limit := h.options.InlineLimit
	if limit == 0 {
		limit = 64 << 10
	}
	if int(e.Object.Size) > limit {
		return 1
	}
	return 0
}

// listFiles returns the files of blobs.
func (h *Host) listFiles() (files []string, err error) {
	blobs := h.fs.PathJoin(folder, "blobs")
	epochs, err := h.fs.List(blobs)
	if err != nil {
		return nil, err
	}
	for _, epoch := range epochs {
		names, err := h.fs.List(h.fs.PathJoin(blobs, epoch))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			files = append(files, epoch+"/"+name)
		}
	}
	return files, nil
}
