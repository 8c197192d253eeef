package api

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

// requestIDs makes the ids of requests: 16 upper-case letters and digits (spec
// WI2-3), 80 random bits, so that two are never equal in practice.
type requestIDs struct {
	mu     sync.Mutex // protects random
	random *rand.ChaCha8
}

func newRequestIDs(seeds io.Reader) (*requestIDs, error) {
	var seed [32]byte
	if _, err := io.ReadFull(seeds, seed[:]); err != nil {
		return nil, fmt.Errorf("request id seed: %w", err)
	}
	return &requestIDs{random: rand.NewChaCha8(seed)}, nil
}

func (r *requestIDs) next() string {
	var raw [16]byte
	r.mu.Lock()
	binary.LittleEndian.PutUint64(raw[:], r.random.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], r.random.Uint64())
	r.mu.Unlock()
	return base32.StdEncoding.EncodeToString(raw[:10])
}
