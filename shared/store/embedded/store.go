// Package embedded is the persistence seam on one local file, for a server
// without DynamoDB. It is made for one process.
//
// A write is answered only after it is on the disk: one writer takes all writes
// that wait at the same time, decides them in order, appends what they change
// to a log, syncs it once and answers them. Changes stay in memory too until
// enough have come together to be brought into the file, a B+ tree, in the
// order of its keys; then their part of the log is used again. Reads look into
// memory and the file and never wait for a disk write. Opening after a crash
// brings in what the log has; closing leaves the one file and no log.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"ascend/shared/store"
)

// ErrLocked says that another process has the file open.
var ErrLocked = errors.New("store file is in use by another process")

// ErrClosed says that the store was closed. It comes with store.ErrUnavailable.
var ErrClosed = errors.New("store is closed")

// Options adjust a store; the zero value is good.
type Options struct {
	// Tables are the tables and their indexes; nil means store.Tables().
	// Tables that the file lacks are made, others are left alone.
	Tables []store.Definition
	// MapSize is how much address space, in bytes, is reserved for the file.
	// While the file is smaller no read waits for its growth. 0 means 16 GiB;
	// it costs no memory.
	MapSize int
	// LogSize is how many bytes of changes come together before they are
	// brought into the file. The log takes about twice that on disk, the
	// changes about three times in memory. 0 means 16 MiB.
	LogSize int
}

const (
	lockTimeout = 300 * time.Millisecond
	fileMode    = 0o600
	mapSize     = 16 << 30
	logSize     = 16 << 20
)

// The buckets beside those of tables and indexes.
var (
	metaBucket   = []byte(".meta")
	expiryBucket = []byte(".expiry")
)

// Store is an open file. It implements store.Store.
type Store struct {
	path    string
	db      *bbolt.DB
	tables  map[store.Table]*table
	buckets [][]byte // names by slot; slot 0 is the expiry bucket

	mu      sync.Mutex
	wake    sync.Cond
	waiting []*request
	closed  bool
	failed  error // of a commit; no write is tried after it
	stopped chan struct{}

	state  sync.RWMutex // guards what readers see beside the file
	memory *layer       // changes that the file lacks
	frozen *layer       // older ones, on their way into the file

	// The writer's own.
	log           *log
	batch         batch
	checkpointing bool
	checkpointed  chan error
}

// table is where the parts of a table are in the file.
type table struct {
	name    store.Table
	slot    int
	indexes map[store.Index]int // slots
	project []string
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path and makes it where it is absent, readable by its
// owner only. The folder must exist; while the store is open, the log stands
// beside the file as path-log0 and path-log1. It fails with ErrLocked when
// another process, or another Store of this one, has the file open, and with
// ErrCorrupt when what was acknowledged is no longer there.
func Open(path string, opts Options) (*Store, error) {
	if opts.Tables == nil {
		opts.Tables = store.Tables()
	}
	if opts.MapSize == 0 {
		opts.MapSize = mapSize
	}
	if opts.LogSize == 0 {
		opts.LogSize = logSize
	}
	s, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	go s.run()
	return s, nil
}

func open(path string, opts Options) (*Store, error) {
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: opts.MapSize,
		NoStatistics:    true,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case err != nil:
		return nil, err
	}
	s := &Store{path: path, db: db, stopped: make(chan struct{}), checkpointed: make(chan error, 1)}
	s.wake.L = &s.mu
	s.layout(opts.Tables)
	s.memory = newLayer(len(s.buckets))
	s.batch = newBatch(s)
	if err := s.start(opts.LogSize); err != nil {
		if s.log != nil {
			err = errors.Join(err, s.log.close())
		}
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// start reads and opens the log.
func (s *Store) start(size int) error {
	var h header
	err := s.db.View(func(tx *bbolt.Tx) (err error) {
		h, err = readHeader(tx)
		return err
	})
	if err != nil {
		return err
	}
	for n := range 2 {
		if h.open {
			if _, err := os.Stat(logPath(s.path, n)); err != nil {
				return fmt.Errorf("%w: the store was not closed and its log is missing: %w", ErrCorrupt, err)
			}
		} else if err := os.Remove(logPath(s.path, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if s.log, err = openLog(s.path, int64(size)); err != nil {
		return err
	}
	missing, err := s.log.after(h.applied)
	if err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(s.path)); err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error { return s.recover(tx, h.applied, missing) })
}

// layout gives every table and index a bucket.
func (s *Store) layout(defs []store.Definition) {
	s.tables = make(map[store.Table]*table, len(defs))
	s.buckets = [][]byte{expiryBucket}
	slot := func(name string) int {
		s.buckets = append(s.buckets, []byte(name))
		return len(s.buckets) - 1
	}
	for _, def := range defs {
		t := &table{
			name: def.Table, slot: slot(string(def.Table)),
			indexes: make(map[store.Index]int, len(def.Indexes)),
			project: def.Project,
		}
		for _, index := range def.Indexes {
			t.indexes[index] = slot(string(def.Table) + "/" + string(index))
		}
		s.tables[def.Table] = t
	}
}

// syncFolder makes a new file's name durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close answers the writes that wait, brings everything into the file and
// closes it. Later calls of any method fail with store.ErrUnavailable.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.wake.Signal()
	s.mu.Unlock()
	<-s.stopped
	err := s.settle()
	if err == nil {
		err = s.failed
	}
	if err == nil {
		err = s.db.Update(func(tx *bbolt.Tx) error {
			if err := s.checkpoint(tx, s.memory); err != nil {
				return err
			}
			return tx.Bucket(metaBucket).Delete(openKey)
		})
	}
	if err != nil {
		// What the file lacks is in the log, for the next opening.
		return errors.Join(err, s.db.Close(), s.log.close())
	}
	return errors.Join(s.db.Close(), s.log.remove())
}

func (s *Store) table(name store.Table) (*table, error) {
	t, ok := s.tables[name]
	if !ok {
		return nil, fmt.Errorf("store: no table %q", name)
	}
	return t, nil
}

// unavailable marks an error as the store's own failure.
func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }

func alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	return nil
}
