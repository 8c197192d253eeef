package blob

import (
	"errors"
	"sync"
)

// dirSyncer shares directory syncs. Callers that ask for the same directory
// while a sync of it runs wait together for the next one: a sync that began
// before a caller created its file says nothing about that file.
type dirSyncer struct {
	fs FS

	mu sync.Mutex // guards dirs and the users and next of each; the last lock in the order
	// dirs holds the directories somebody waits for.
	dirs map[string]*dirQueue
}

// dirQueue is the queue for one directory.
type dirQueue struct {
	users int
	next  *dirRound // has not begun; nil when nobody waits for it
	// turn is held while a round runs; taken before dirSyncer.mu.
	turn sync.Mutex
}

// dirRound is one sync and those who wait for it.
type dirRound struct {
	once sync.Once
	err  error
}

func newDirSyncer(fs FS) *dirSyncer {
	return &dirSyncer{fs: fs, dirs: make(map[string]*dirQueue)}
}

// Sync returns when a sync of dir that began after the call has ended.
func (s *dirSyncer) Sync(dir string) error {
	queue, round := s.join(dir)
	defer s.leave(dir, queue)
	round.once.Do(func() {
		queue.turn.Lock()
		defer queue.turn.Unlock()
		s.begin(queue)
		round.err = syncDir(s.fs, dir)
	})
	return round.err
}

func (s *dirSyncer) join(dir string) (*dirQueue, *dirRound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := s.dirs[dir]
	if queue == nil {
		queue = new(dirQueue)
		s.dirs[dir] = queue
	}
	if queue.next == nil {
		queue.next = new(dirRound)
	}
	queue.users++
	return queue, queue.next
}

// begin closes the waiting round to newcomers.
func (s *dirSyncer) begin(queue *dirQueue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue.next = nil
}

func (s *dirSyncer) leave(dir string, queue *dirQueue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue.users--
	if queue.users == 0 {
		delete(s.dirs, dir)
	}
}

func syncDir(fs FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
