package identity

import (
	"errors"
	"fmt"
)

// What the registry refuses or fails with. They come wrapped in [*Error], and in [*FileError] where a file is applied.
var (
	ErrNoSuchAccount = errors.New("account does not exist")
	ErrNoSuchUser    = errors.New("user does not exist")
	ErrNoSuchKey     = errors.New("access key does not exist")
	ErrNoSuchPolicy  = errors.New("policy does not exist")
	// ErrNoDevice says that an account has no MFA device of that serial.
	ErrNoDevice = errors.New("MFA device does not exist")
	// ErrExists says that the name is taken.
	ErrExists = errors.New("it exists already")
	// ErrInUse says that something still belongs to what is to be deleted.
	ErrInUse = errors.New("it is in use")
	// ErrLimit says that there are as many as there may be; the text says of what.
	ErrLimit = errors.New("limit reached")
	// ErrLastRoot says that the change would take its last root credential from an account, or touch the one of the
	// configuration.
	ErrLastRoot = errors.New("the root credential cannot be taken away")
	// ErrInvalid says that a value cannot be used: see [InvalidError].
	ErrInvalid = errors.New("invalid value")

	// ErrWrongKey says that the secrets key is not the one that secrets were sealed with.
	ErrWrongKey = errors.New("secrets were sealed with another secrets key; start with the key file that this data was " +
		"written with (without it, access keys and MFA devices cannot be read and have to be made anew)")
	// ErrDamaged says that rows are not what was written.
	ErrDamaged = errors.New("stored identities are damaged")
	// ErrNewer says that rows were written by a later version.
	ErrNewer = errors.New("stored identities were written by a later version")
	// ErrClosed says that the registry is closed.
	ErrClosed = errors.New("registry of identities is closed")

	// ErrWrongCode says that an MFA code is not one of the device, or not of this time (spec OL2-16).
	ErrWrongCode = errors.New("MFA code is wrong or has expired")
	// ErrUsedCode says that an MFA code, or a later one, was accepted before (spec OL2-17).
	ErrUsedCode = errors.New("MFA code was used before")
	// ErrTooManyCodes says that a device was tried with too many wrong codes within a minute.
	ErrTooManyCodes = errors.New("too many wrong MFA codes")
)

// Error is what the registry's methods return: which operation failed on what, and why. It is compared with errors.Is
// and errors.As through its cause.
type Error struct {
	Op      string // "create user", …
	Subject string // name of the account, user, key, policy or device
	Err     error
}

// Error returns operation, subject and cause.
func (e *Error) Error() string {
	if e.Subject == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + e.Subject + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// InvalidError says which value cannot be used, and what would do. It is an [ErrInvalid].
type InvalidError struct {
	Field   string // "account id", "path", …
	Message string // what the field has to be; never the value, which may be a secret
}

// Error returns field and message.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Message }

// Is makes the error an [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// LimitError says how many there may be of what. It is an [ErrLimit].
type LimitError struct {
	What string
	Max  int
}

// Error returns what and how many.
func (e *LimitError) Error() string { return fmt.Sprintf("there may be %d %s", e.Max, e.What) }

// Is makes the error an [ErrLimit].
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// FileError is what is wrong with a declarative file, and where.
type FileError struct {
	Line int // from 1; 0: the file as a whole
	Err  error
}

// Error returns line and cause.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }
