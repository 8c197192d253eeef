package blob

import (
	"errors"
	"fmt"
)

var (
	// ErrDamaged is what every DamageError is.
	ErrDamaged = errors.New("blob is damaged")

	// ErrTooLong says that a body went on beyond its announced size.
	ErrTooLong = errors.New("body is longer than announced")

	errClosed = errors.New("blob folder is closed")
)

// headerBlock is the DamageError.Block of damage outside of all blocks.
const headerBlock = -1

// DamageError says where stored bytes are not what was written.
type DamageError struct {
	Ref Ref
	// Block is the index of the first block that is wrong, -1 for the header
	// or the length of the whole.
	Block int64
	// Reason is for the log.
	Reason string
}

// Error names the ref, the place and the reason.
func (e *DamageError) Error() string {
	if e.Block == headerBlock {
		return fmt.Sprintf("blob %v is damaged: %s", e.Ref, e.Reason)
	}
	return fmt.Sprintf("blob %v is damaged at block %d: %s", e.Ref, e.Block, e.Reason)
}

// Is makes every DamageError an ErrDamaged.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

func damagedHeader(ref Ref, format string, args ...any) error {
	return &DamageError{Ref: ref, Block: headerBlock, Reason: fmt.Sprintf(format, args...)}
}
