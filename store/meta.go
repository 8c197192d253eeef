package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed61737384/tombstone/store/engine"
	"github.com/seed61737384/tombstone/versioning"
)

// FolderFormat is the format of the folders that this version writes. It reads
// none that are newer.
const FolderFormat = 1

// Names of the rows of the meta table. Numbers are unsigned varints.
const (
	metaFormat       = "format"
	metaIncompatible = "incompatible" // bits of features that older versions must not meet
	metaFolderID     = "folder-id"    // 16 random bytes
	metaTestFolder   = "test-folder"  // 1: the clock may be set
	metaClockFloor   = "clock-floor"  // milliseconds; real time is never taken for less
	metaLockFloor    = "lock-floor"   // milliseconds; lock time is never below it
	metaCeiling      = "order-ceiling"
	metaEpoch        = "epoch"       // the newest epoch
	metaEpochFloor   = "epoch-floor" // the lowest epoch that may hold files without a row
	metaIDKey        = "id-key/"     // followed by one byte, the key's number
)

// knownFeatures are the incompatible-feature bits that this version understands.
const knownFeatures = featureMultipart | featureProtection | featureLedger | featureTestClock

const (
	// featureMultipart says that the folder has, or had, multipart uploads: what
	// belongs to which file is not told by versions alone any more.
	featureMultipart = 1
	// featureProtection says that the folder has, or had, identities, policies or
	// grants, which a version that does not enforce them must not serve.
	featureProtection = 2
	// featureLedger says that the folder has a ledger, which a version that does
	// not write it would leave gaps in.
	featureLedger = 4
	// featureTestClock says that the clock of the folder may have been set, so that a
	// version which goes by real time must not serve it.
	featureTestClock = 8
)

// firstIDKey is the number of a new folder's first version id key.
const firstIDKey = 1

// meta is what the meta table holds.
type meta struct {
	folderID   []byte
	test       bool
	testClock  TestClock
	clockFloor time.Time
	lockFloor  time.Time
	ledger     uint64 // whether one is kept
	ceiling    versioning.Order
	epoch      uint32
	epochFloor uint32
	features   uint64
	idKeys     map[byte][]byte
}

func numberRow(name string, n uint64) engine.Mutation {
	return engine.Set(metaKey(name), binary.AppendUvarint(nil, n))
}

// readMeta reads the meta table. found is false in a new folder.
func readMeta(r engine.Reader) (m *meta, found bool, err error) {
	m = &meta{idKeys: make(map[byte][]byte)}
	var format uint64
	ok := true
	start := metaKey("")
	_, err = r.Scan(engine.Range{Start: start, End: prefixEnd(start)}, func(k, v []byte) bool {
		found = true
		switch name := string(k[1:]); name {
		case metaFormat:
			format = readUint(v, &ok)
		case metaIncompatible:
			m.features = readUint(v, &ok)
		default:
			m.field(name, v, &ok)
		}
		return true
	})
	switch {
	case err != nil || !found:
		return m, false, err
	case format > FolderFormat:
		return nil, false, fmt.Errorf("%w: it has format %d, this version reads up to %d", ErrFormat, format, FolderFormat)
	case m.features&^knownFeatures != 0:
		return nil, false, fmt.Errorf("%w: it uses features with bits %#x", ErrFormat, m.features&^knownFeatures)
	case !ok || format == 0 || m.ceiling == 0 || len(m.idKeys) == 0:
		return nil, false, fmt.Errorf("%w: meta table", ErrDamaged)
	}
	return m, true, nil
}

func (m *meta) field(name string, v []byte, ok *bool) {
	switch name {
	case metaFolderID:
		m.folderID = append([]byte(nil), v...)
	case metaTestFolder:
		m.test = readUint(v, ok) == 1
	case metaTestClock:
		m.testClock = decodeTestClock(v, ok)
	case metaClockFloor:
		m.clockFloor = readTime(v, ok)
	case metaLockFloor:
		m.lockFloor = readTime(v, ok)
	case metaCeiling:
		m.ceiling = versioning.Order(readUint(v, ok))
	case metaLedger:
		m.ledger = readUint(v, ok)
	case metaEpoch:
		m.epoch = uint32(readUint(v, ok))
	case metaEpochFloor:
		m.epochFloor = uint32(readUint(v, ok))
	default:
		if n := len(metaIDKey); len(name) == n+1 && name[:n] == metaIDKey {
			m.idKeys[name[n]] = append([]byte(nil), v...)
		}
	}
}

// initialise makes the meta table of a new folder.
func (s *Store) initialise(ctx context.Context) (*meta, error) {
	m := &meta{
		folderID: make([]byte, 16), test: s.options.TestFolder,
		clockFloor: s.options.Clock.Now(), lockFloor: s.options.Clock.Now(), ceiling: 1,
		idKeys: map[byte][]byte{firstIDKey: make([]byte, versioning.IDSecretBytes)},
	}
	for _, secret := range [][]byte{m.folderID, m.idKeys[firstIDKey]} {
		if _, err := io.ReadFull(s.options.Rand, secret); err != nil {
			return nil, fmt.Errorf("random bytes: %w", err)
		}
	}
	if m.test {
		m.features = featureTestClock
	}
	rows := []engine.Mutation{
		numberRow(metaFormat, FolderFormat),
		numberRow(metaIncompatible, m.features),
		engine.Set(metaKey(metaFolderID), m.folderID),
		engine.Set(metaKey(metaIDKey+string(rune(firstIDKey))), m.idKeys[firstIDKey]),
		numberRow(metaClockFloor, uint64(m.clockFloor.UnixMilli())),
		numberRow(metaLockFloor, uint64(m.lockFloor.UnixMilli())),
		numberRow(metaCeiling, uint64(m.ceiling)),
		numberRow(metaEpoch, 0),
		numberRow(metaEpochFloor, 0),
	}
	if m.test {
		rows = append(rows, numberRow(metaTestFolder, 1))
	}
	return m, s.commit(ctx, []engine.Guard{{Key: metaKey(metaFormat)}}, rows)
}

// raiseCeiling makes a new order ceiling durable, and with it real time and lock
// time, below which neither this run nor a later one falls.
func (s *Store) raiseCeiling(ceiling versioning.Order) error {
	s.lockTime.raising.Lock()
	defer s.lockTime.raising.Unlock()
	now := s.RealTime().UnixMilli()
	lockFloor := max(s.lockNow().UnixMilli(), s.lockTime.floor.Load())
	err := s.commit(context.Background(), nil, []engine.Mutation{
		numberRow(metaCeiling, uint64(ceiling)),
		numberRow(metaClockFloor, uint64(now)),
		numberRow(metaLockFloor, uint64(lockFloor)),
	})
	if err == nil {
		s.clockFloor.Store(now)
		s.lockTime.floor.Store(lockFloor)
	}
	return err
}

// useFeature makes it durable that the folder uses a feature, before it does.
func (s *Store) useFeature(ctx context.Context, bit uint64) error {
	if s.features.Load()&bit != 0 {
		return nil
	}
	s.creating.Lock()
	defer s.creating.Unlock()
	features := s.features.Load() | bit
	if err := s.commit(ctx, nil, []engine.Mutation{numberRow(metaIncompatible, features)}); err != nil {
		return err
	}
	s.features.Store(features)
	return nil
}

// newEpoch makes the number of a new epoch durable, and the floor below which a
// later start need not look for files without a row.
func (s *Store) newEpoch() (uint32, error) {
	s.epochs.Lock()
	defer s.epochs.Unlock()
	next := s.epoch + 1
	floor := s.blobs.Floor()
	if floor == 0 {
		floor = next // this start has looked at all before
	}
	err := s.commit(context.Background(), nil, []engine.Mutation{
		numberRow(metaEpoch, uint64(next)),
		numberRow(metaEpochFloor, uint64(floor)),
	})
	if err != nil {
		return 0, err
	}
	s.epoch = next
	return next, nil
}

// commit is engine.Commit for changes that nothing in this process contends for,
// and that can be repeated: set and delete of rows that only the caller changes.
// It finds out about unknown outcomes, and returns the store's errors.
func (s *Store) commit(ctx context.Context, guards []engine.Guard, mutations []engine.Mutation) error {
	err := engine.ErrConflict
	for range maxAttempts {
		err = s.engine.Commit(ctx, guards, mutations)
		if errors.Is(err, engine.ErrCommitUnknown) {
			b := &batch{guards: guards, mutations: mutations}
			if len(guards) == 0 {
				continue // blind: once more does no harm
			}
			err = s.clearUp(context.WithoutCancel(ctx), b)
		}
		if !errors.Is(err, engine.ErrConflict) {
			break
		}
	}
	return s.cause(err)
}

// startOfLocks is the time below which lock time does not start. Folders of earlier
// versions know object time only.
func (m *meta) startOfLocks() time.Time {
	if m.lockFloor.IsZero() {
		return m.clockFloor
	}
	return m.lockFloor
}
