package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strings"
	"sync"
)

// What every scope ends with (docs/spec/wire.md §1.1).
const (
	service    = "s3"
	terminator = "aws4_request"
)

// signature is a signature or a signing key: the output of HMAC-SHA256.
type signature [sha256.Size]byte

// sign returns the HMAC-SHA256 of message.
func sign(key, message []byte) signature {
	var out signature
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	mac.Sum(out[:0])
	return out
}

// deriveSigningKey returns the key of a scope: a chain of HMACs from the secret over date, region,
// service and terminator.
func deriveSigningKey(secret, date, region string) signature {
	key := sign([]byte("AWS4"+secret), []byte(date))
	for _, step := range []string{region, service, terminator} {
		key = sign(key[:], []byte(step))
	}
	return key
}

// signingKey is the key of a scope, with what signing with it takes: a request with signed chunks is
// signed several times. Safe for concurrent use.
type signingKey struct {
	key  signature
	macs sync.Pool // of *keyedMAC
}

// keyedMAC is an HMAC of a signing key in its initial state, and room for what comes out of it.
type keyedMAC struct {
	hash.Hash
	out signature
}

func newSigningKey(secret, date, region string) *signingKey {
	return &signingKey{key: deriveSigningKey(secret, date, region)}
}

// sign returns the HMAC-SHA256 of message.
func (k *signingKey) sign(message []byte) signature {
	mac, ok := k.macs.Get().(*keyedMAC)
	if !ok {
		mac = &keyedMAC{Hash: hmac.New(sha256.New, k.key[:])}
	}
	mac.Write(message)
	mac.Sum(mac.out[:0])
	out := mac.out
	mac.Reset() // the first one keeps the state, which later ones start from
	k.macs.Put(mac)
	return out
}

// maxSigningKeys bounds the cache. A client uses one scope a day, so this is far above need; a cache that
// is full is emptied, which costs four HMACs for each scope in use.
const maxSigningKeys = 1024

// signingKeys remembers derived keys, since a client signs thousands of requests with one. The zero value
// is ready to use.
type signingKeys struct {
	mu   sync.RWMutex // guards keys; no other lock is taken while it is held
	keys map[signingKeyID]*signingKey
}

// signingKeyID names a signing key by all that it is derived from. The secret is part of it, so that an
// access key whose secret was changed never meets its old key.
type signingKeyID struct{ secret, date, region string }

// key returns the signing key of id, derived anew when it is not remembered.
func (k *signingKeys) key(id signingKeyID) *signingKey {
	k.mu.RLock()
	key, ok := k.keys[id]
	k.mu.RUnlock()
	if ok {
		return key
	}
	return newSigningKey(id.secret, id.date, id.region)
}

// remember keeps the key of id. It is called after a signature was found right: otherwise anyone who
// knows an access key could fill the cache with invented regions.
func (k *signingKeys) remember(id signingKeyID, key *signingKey) {
	k.mu.RLock()
	_, known := k.keys[id]
	k.mu.RUnlock()
	if known {
		return
	}
	// date and region are parts of the request's header; without a copy they would keep it alive.
	id.date, id.region = strings.Clone(id.date), strings.Clone(id.region)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil || len(k.keys) >= maxSigningKeys {
		k.keys = make(map[signingKeyID]*signingKey)
	}
	k.keys[id] = key
}
