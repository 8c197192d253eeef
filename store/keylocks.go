package store

import (
	"hash/maphash"
	"sync"
)

const keyLockShards = 64

// keyLocks are the exact locks of keys. A lock exists while somebody holds it or
// waits for it.
type keyLocks struct {
	seed   maphash.Seed
	shards [keyLockShards]keyLockShard
}

type keyLockShard struct {
	mu    sync.Mutex // protects locks and their users; held for no other lock
	locks map[keyName]*keyLock
}

type keyName struct {
	bucket bucketID
	key    string
}

type keyLock struct {
	mu    sync.Mutex
	users int // holders and waiters
}

func newKeyLocks() *keyLocks {
	l := &keyLocks{seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].locks = make(map[keyName]*keyLock)
	}
	return l
}

// lock takes the locks of keys, which must be sorted and without repetition, and
// returns the function that releases them.
func (l *keyLocks) lock(b bucketID, keys []string) (unlock func()) {
	held := make([]*keyLock, len(keys))
	for i, key := range keys {
		held[i] = l.take(keyName{b, key})
	}
	return func() {
		for i, key := range keys {
			l.release(keyName{b, key}, held[i])
		}
	}
}

// tryLock is lock if nobody holds any of keys or waits for one, and else takes none.
func (l *keyLocks) tryLock(b bucketID, keys []string) (unlock func(), ok bool) {
	held := make([]*keyLock, 0, len(keys))
	unlock = func() {
		for i, k := range held {
			l.release(keyName{b, keys[i]}, k)
		}
	}
	for _, key := range keys {
		k := l.tryTake(keyName{b, key})
		if k == nil {
			unlock()
			return nil, false
		}
		held = append(held, k)
	}
	return unlock, true
}

func (l *keyLocks) shard(n keyName) *keyLockShard {
	return &l.shards[maphash.Comparable(l.seed, n)%keyLockShards]
}

func (l *keyLocks) take(n keyName) *keyLock {
	s := l.shard(n)
	s.mu.Lock()
	k := s.locks[n]
	if k == nil {
		k = &keyLock{}
		s.locks[n] = k
	}
	k.users++
	s.mu.Unlock()
	k.mu.Lock()
	return k
}

// tryTake returns a lock that did not exist, which nobody else can hold; nil if it
// does exist.
func (l *keyLocks) tryTake(n keyName) *keyLock {
	s := l.shard(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locks[n] != nil {
		return nil
	}
	k := &keyLock{users: 1}
	k.mu.Lock()
	s.locks[n] = k
	return k
}

func (l *keyLocks) release(n keyName, k *keyLock) {
	k.mu.Unlock()
	s := l.shard(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(s.locks, n)
	}
}
