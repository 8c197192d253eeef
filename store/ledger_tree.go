package store

import "crypto/sha256"

// The tree of hashes is that of RFC 6962, section 2.1: leaves and nodes are hashed
// with different first bytes, so that none passes for the other.
const (
	leafPrefix = 0
	nodePrefix = 1
)

// LedgerLeaf returns the leaf of a ledger row: SHA-256 of a zero byte, the row's
// key, which is always 9 bytes long, and its value.
func LedgerLeaf(key, value []byte) (leaf [sha256.Size]byte) {
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(key)
	h.Write(value)
	h.Sum(leaf[:0])
	return leaf
}

// LedgerTree computes the root over leaves that are added one by one. Its memory
// grows with the logarithm of their number. The zero tree is empty.
type LedgerTree struct {
	leaves uint64
	// full are the roots of the full subtrees, from the largest to the smallest: one
	// for each bit of leaves that is set.
	full [][sha256.Size]byte
}

// Add adds a leaf.
func (t *LedgerTree) Add(leaf [sha256.Size]byte) {
	for n := t.leaves; n&1 == 1; n >>= 1 {
		last := len(t.full) - 1
		leaf = node(t.full[last], leaf)
		t.full = t.full[:last]
	}
	t.full = append(t.full, leaf)
	t.leaves++
}

// Leaves returns how many leaves were added.
func (t *LedgerTree) Leaves() uint64 { return t.leaves }

// Root returns the root over all leaves; that of no leaves is the SHA-256 of nothing.
func (t *LedgerTree) Root() [sha256.Size]byte {
	if len(t.full) == 0 {
		return sha256.Sum256(nil)
	}
	root := t.full[len(t.full)-1]
	for i := len(t.full) - 2; i >= 0; i-- {
		root = node(t.full[i], root)
	}
	return root
}

func node(left, right [sha256.Size]byte) [sha256.Size]byte {
	var b [1 + 2*sha256.Size]byte
	b[0] = nodePrefix
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}
