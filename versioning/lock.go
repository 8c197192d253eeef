package versioning

import "time"

// Mode is the retention mode of a version (spec OL1.2).
type Mode uint8

// The retention modes.
const (
	NoRetention Mode = iota
	Governance
	Compliance
)

// String returns the mode as S3 writes it, empty for NoRetention.
func (m Mode) String() string {
	switch m {
	case Governance:
		return "GOVERNANCE"
	case Compliance:
		return "COMPLIANCE"
	}
	return ""
}

// Hold is the legal hold of a version. A hold that was lifted differs from one
// that never was: reads show it (spec OL1.2).
type Hold uint8

// The values of a legal hold.
const (
	HoldNever Hold = iota
	HoldOn
	HoldOff
)

// String returns the hold as S3 writes it, empty for HoldNever.
func (h Hold) String() string {
	switch h {
	case HoldOn:
		return "ON"
	case HoldOff:
		return "OFF"
	}
	return ""
}

// Lock is what protects one version from being destroyed.
type Lock struct {
	Mode  Mode
	Until time.Time // end of retention, meaningless for NoRetention
	Hold  Hold
}

// Protects reports whether the version may not be destroyed at now. Bypass says
// that the caller asked to bypass governance and may; it helps against nothing
// else (spec OL1.4).
func (l Lock) Protects(now time.Time, bypass bool) bool {
	if l.Hold == HoldOn {
		return true
	}
	if l.Mode == NoRetention || !l.Until.After(now) {
		return false
	}
	return l.Mode == Compliance || !bypass
}

// IsZero reports whether l has no setting, not even a hold that was lifted.
func (l Lock) IsZero() bool { return l.Mode == NoRetention && l.Hold == HoldNever }

// ChangeRetention answers whether the retention of a version that is locked by
// current may become mode until until (spec OL1.3); NoRetention removes it. A
// retention that ended is none. Whatever lengthens one in force is allowed. What
// weakens it, or makes GOVERNANCE a COMPLIANCE, which nobody could undo, needs
// bypass, that the caller asked to bypass governance and may; COMPLIANCE cannot be
// bypassed. A refusal is [ObjectLocked]. The legal hold has no say in it.
func ChangeRetention(current Lock, mode Mode, until, now time.Time, bypass bool) error {
	current.Hold = HoldNever
	longer := mode == current.Mode && !until.Before(current.Until)
	if longer || !current.Protects(now, bypass) {
		return nil
	}
	return &Refusal{Reason: ObjectLocked}
}
