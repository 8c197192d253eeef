package store

import (
	"context"
	"time"
)

const (
	// sealPause is how long rows wait for others that are sealed with them.
	sealPause = 500 * time.Millisecond
	// sealRetry is how long the sealer rests after a failure.
	sealRetry = time.Second
	// keepPause is how often it is looked whether the time of seals has come, while
	// nothing else is to be done.
	keepPause = 10 * time.Minute
	// tellPause is how long the log says nothing of seals after it named one.
	tellPause = time.Minute
)

// start starts the sealer.
func (l *ledger) start() {
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.look() // for what the last run left
	l.done.Add(1)
	go l.run(ctx)
}

// close ends the sealer, and seals what it had not come to. Who closes the store names
// the newest seal in the log: see [Store.NewestSeal].
func (l *ledger) close() error {
	if l.cancel == nil {
		return nil
	}
	l.cancel()
	l.done.Wait()
	_, err := l.seal(context.Background(), false)
	return err
}

// tell names a seal in the log, which is kept elsewhere: so it shows if the end of
// the ledger is cut off.
func (l *ledger) tell(s *Seal) {
	l.told = s
	l.store.options.Logger.Info("ledger sealed", "seal", s.String())
}

// run is the sealer. What fails is tried again; what failed is told once until
// something works.
func (l *ledger) run(ctx context.Context) {
	defer l.done.Done()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(keepPause):
		case <-l.wake:
			if !pause(ctx, sealPause) {
				return
			}
		}
		err := l.turn(ctx)
		if err == nil || ctx.Err() != nil {
			failing = false
			continue
		}
		if !failing {
			l.store.options.Logger.Error("sealing the ledger failed, trying again", "error", err)
		}
		failing = true
		if !pause(ctx, sealRetry) {
			return
		}
		l.look()
	}
}

// pause waits for d, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// turn seals what is finished, and removes the rows whose time has come.
func (l *ledger) turn(ctx context.Context) error {
	newest, err := l.seal(ctx, false)
	if err != nil {
		return err
	}
	if newest != nil && (l.told == nil || newest.RealTime.Sub(l.told.RealTime) >= tellPause) {
		l.tell(newest)
	}
	return l.drop(ctx)
}
