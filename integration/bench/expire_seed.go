package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

const (
	// expireVersions is how many noncurrent versions a key has.
	expireVersions = 100
	// expireAge is how long ago they were written, and replaced.
	expireAge = 10 * 24 * time.Hour
	// seedHands write at once.
	seedHands = 8
	// serverAccount is the account that a server has anyway.
	serverAccount = "000000000000"
)

// seedFolder makes a folder with a bucket that has so many noncurrent versions under
// each prefix, written long ago. It goes by the store itself, which does not wait for
// the disk.
func seedFolder(ctx context.Context, data string, counts map[string]int) error {
	o := store.Options{Durability: store.Relaxed, Clock: clock.NewManual(time.Now().Add(-expireAge)), Ledger: store.LedgerOptions{Off: true}}
	st, err := store.Open(data, o)
	if err != nil {
		return err
	}
	if _, err = st.CreateBucket(ctx, store.BucketSpec{Name: expireBucket, Owner: store.Owner{Account: serverAccount}}); err == nil {
		err = st.SetVersioning(ctx, expireBucket, store.VersioningChange{State: versioning.Enabled})
	}
	for prefix, count := range counts {
		err = errors.Join(err, seedPrefix(ctx, st, prefix, count))
	}
	return errors.Join(err, st.Close())
}

// seedPrefix writes so many noncurrent versions, and a current one of each key.
func seedPrefix(ctx context.Context, st *store.Store, prefix string, count int) error {
	keys := max(1, count/expireVersions)
	faults := make([]error, seedHands)
	var wait sync.WaitGroup
	for hand := range seedHands {
		wait.Go(func() {
			for k := hand; k < keys && faults[hand] == nil; k += seedHands {
				n := count / keys
				if k < count%keys {
					n++
				}
				faults[hand] = seedKey(ctx, st, fmt.Sprintf("%skey-%06d", prefix, k), n+1)
			}
		})
	}
	wait.Wait()
	return errors.Join(faults...)
}

func seedKey(ctx context.Context, st *store.Store, key string, versions int) error {
	for range versions {
		r := store.PutRequest{Bucket: expireBucket, Key: key, Body: bytes.NewReader(smallBody), Size: smallSize}
		if _, err := st.Put(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// loadAverage says what else the machine does, if it tells.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	words := strings.Fields(string(text))
	return "load average " + words[0]
}
