package attack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// force is whether a retention is in force.
type force uint8

const (
	ended force = iota
	unsure
	inForce
)

// force judges a retention by the oracle's own clock (spec OL1.4-9).
func (o *oracle) force(l versioning.Lock) force {
	switch {
	case l.Mode == versioning.NoRetention, !l.Until.After(o.world.locks.passed):
		return ended
	case l.Until.After(o.world.locks.latest):
		return inForce
	}
	return unsure
}

// bypass reports whether governance is asked to be bypassed, and whether it may.
func (o *oracle) bypass(of about) (asked, may bool) {
	asked = strings.EqualFold(o.op.header("X-Amz-Bypass-Governance-Retention"), "true") && of.bucket.ObjectLock
	return asked, asked && o.may("s3:BypassGovernanceRetention", of)
}

// holdsBack judges whether a lock keeps a version from being destroyed, or its retention from being
// weakened (spec OL1.3, OL1.4). Who asks to bypass without permission is as who does not ask.
func (o *oracle) holdsBack(l versioning.Lock, of about) (refused string, open bool) {
	_, may := o.bypass(of)
	f := o.force(l)
	if l.Mode == versioning.Governance && may {
		f = ended
	}
	switch {
	case f == inForce:
		return fmt.Sprintf("%s until %s", l.Mode, l.Until), false
	case f == unsure:
		return "", true
	}
	return "", false
}

// token judges x-amz-mfa (spec OL2). It returns what a good code spends.
func (o *oracle) token(b *Bucket, needed bool) (refused string, open bool, spends []effect) {
	t := o.op.Token
	switch {
	case t == nil && needed:
		return "a token is needed", false, nil
	case t == nil:
		return "", false, nil
	case !o.op.Secure:
		return "tokens come over TLS", false, nil // OL2-3
	case !needed && b.MFADelete != store.MFADeleteEnabled:
		return "", false, nil // OL2-21
	case o.who.User != "" || o.who.Account != b.Owner.Account:
		return "only the root of the bucket's owner may", false, nil // OL2-5
	}
	return o.spend(b.Owner.Account)
}

// spend judges the code itself, of a device of the root of an account.
func (o *oracle) spend(account string) (refused string, open bool, spends []effect) {
	t, w := o.op.Token, o.world
	if !slices.Contains(o.state.Accounts[account].Devices, t.Serial) {
		return "the device is not the account's", false, nil
	}
	now := w.clock.Now()
	recent := 0
	for _, at := range w.wrong[t.Serial] {
		if now.Sub(at) < time.Minute {
			recent++
		}
	}
	if away := int64(t.Step) - now.Unix()/30; t.Wrong || away < -1 || away > 1 {
		w.wrong[t.Serial] = append(w.wrong[t.Serial], now)
		return "the code is wrong", false, nil // OL2-16
	}
	if t.Step <= o.state.Steps[t.Serial] {
		return "the code was used", false, nil // OL2-17
	}
	return "", recent >= 5, []effect{{name: "step " + t.Serial, value: fmt.Sprint(t.Step)}}
}

// withToken completes the outcome of a request that x-amz-mfa means something to.
func (o *oracle) withToken(b *Bucket, needed bool, out outcome) outcome {
	refused, open, spends := o.token(b, needed)
	return out.with(refused, open, spends)
}

// with adds to an outcome what became of a token.
func (out outcome) with(refused string, open bool, spends []effect) outcome {
	for _, e := range spends {
		e.optional = true
		out.spends = append(out.spends, e)
	}
	out.effects = append(out.effects, spends...)
	if out.refused == "" {
		out.refused = refused
	}
	out.open = out.open || open
	return out
}

// deleteEntry judges the deletion of a key or of a version (spec AP1-7, AP1-29 to AP1-31, VD3).
func (o *oracle) deleteEntry(b *Bucket, e Entry) outcome {
	v := b.version(e.Key, e.Version, e.Versioned)
	of := about{bucket: b, key: e.Key, version: e.Version, named: e.Versioned, object: v}
	action := "s3:DeleteObject"
	if e.Versioned {
		action = "s3:DeleteObjectVersion"
	}
	if !o.may(action, of) {
		return refuse("%s is not allowed", action)
	}
	etag, conditional := o.op.Headers["If-Match"]
	if conditional && etag != "*" && !o.may("s3:GetObject", of) { // AP1-8
		return refuse("s3:GetObject is not allowed")
	}
	if b.Versioning == versioning.Unversioned { // AP1-31
		other := "s3:DeleteObjectVersion"
		if e.Versioned {
			other = "s3:DeleteObject"
		}
		if _, denied := o.decide(other, of); denied {
			return refuse("%s is denied", other)
		}
	}
	if e.Versioned {
		if conditional {
			return refuse("a condition and a version")
		}
		return o.destroy(b, v, of)
	}
	if conditional && (v == nil || v.DeleteMarker || etag != "*" && strings.Trim(etag, `"`) != v.ETag) {
		return refuse("the condition does not hold")
	}
	return o.hide(b, e.Key)
}

// destroy removes a version for good.
func (o *oracle) destroy(b *Bucket, v *Version, of about) outcome {
	if v == nil {
		return outcome{}
	}
	out := outcome{effects: []effect{
		{name: entryName("version", b.Name, v.Key, v.VersionID), removed: true},
		{name: entryName("lock", b.Name, v.Key, v.VersionID), removed: true},
	}}
	if v.DeleteMarker { // OL1.4-7
		return out
	}
	if v.Lock.Hold == versioning.HoldOn { // OL1.4-6
		return refuse("a legal hold")
	}
	out.refused, out.open = o.holdsBack(v.Lock, of)
	return out
}

// hide is a delete without a version.
func (o *oracle) hide(b *Bucket, key string) outcome {
	marker := markerFact(o.writes(b))
	null := entryName("version", b.Name, key, "null")
	unlock := effect{name: entryName("lock", b.Name, key, "null"), removed: true}
	switch b.Versioning {
	case versioning.Enabled:
		return outcome{effects: []effect{{name: entryName("version", b.Name, key, ""), value: marker, made: true}}}
	case versioning.Suspended:
		return outcome{effects: []effect{{name: null, value: marker}, unlock}}
	}
	return outcome{effects: []effect{{name: null, removed: true}, unlock}}
}

// misplacedBypass is OL1.6-1.
func (o *oracle) misplacedBypass(b *Bucket) bool {
	return o.op.sends("X-Amz-Bypass-Governance-Retention") && !b.ObjectLock
}

func (o *oracle) deleteObject(b *Bucket) outcome {
	out := o.deleteEntry(b, Entry{o.op.Key, o.op.Version, o.op.Versioned})
	if o.misplacedBypass(b) && out.refused == "" {
		out.refused = "there is nothing to bypass"
	}
	return o.withToken(b, o.op.Versioned && b.MFADelete == store.MFADeleteEnabled, out)
}

// deleteObjects judges each entry for itself (spec AP1-10, OL1.4-8), but the token for all
// (spec OL2-8).
func (o *oracle) deleteObjects(b *Bucket) outcome {
	if o.misplacedBypass(b) {
		return refuse("there is nothing to bypass")
	}
	var out outcome
	named := false
	for _, e := range o.op.Entries {
		named = named || e.Versioned
		one := o.deleteEntry(b, e)
		if one.refused != "" {
			continue
		}
		for _, effect := range one.effects {
			effect.optional = one.open
			out.effects = append(out.effects, effect)
		}
	}
	return o.withToken(b, named && b.MFADelete == store.MFADeleteEnabled, out)
}

func (o *oracle) putRetention(b *Bucket) outcome {
	v, of, refused := o.found(b, "s3:PutObjectRetention", "s3:PutObjectRetention")
	lock := o.op.lock()
	switch {
	case refused != "":
		return refuse("%s", refused)
	case !b.ObjectLock:
		return refuse("the bucket has no Object Lock")
	case lock.Mode != versioning.NoRetention && o.force(lock) == ended:
		return refuse("the retention ends in the past")
	}
	lock.Hold = v.Lock.Hold
	out := outcome{open: o.force(lock) == unsure, effects: []effect{{name: entryName("lock", b.Name, v.Key, v.VersionID), value: lockFact(lock)}}}
	if lock.Mode == v.Lock.Mode && !lock.Until.Before(v.Lock.Until) { // OL1.3-2, OL1.3-6
		return out
	}
	refused, open := o.holdsBack(v.Lock, of)
	out.refused, out.open = refused, out.open || open
	return out
}

func (o *oracle) putHold(b *Bucket) outcome {
	v, _, refused := o.found(b, "s3:PutObjectLegalHold", "s3:PutObjectLegalHold")
	switch {
	case refused != "":
		return refuse("%s", refused)
	case !b.ObjectLock:
		return refuse("the bucket has no Object Lock")
	}
	lock := v.Lock
	lock.Hold = o.op.lock().Hold
	return outcome{effects: []effect{{name: entryName("lock", b.Name, v.Key, v.VersionID), value: lockFact(lock)}}}
}
