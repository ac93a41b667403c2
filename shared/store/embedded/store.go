// Package embedded is the persistence seam on one local file, a bbolt database,
// for a server without DynamoDB. It is made for one process.
//
// One writer decides all writes in order, inside one open transaction of the
// file. Writes that wait at the same time share one commit and are answered
// when it is on the disk. A deferred update is answered as soon as it is
// applied and goes to the disk with the next commit, which a write that is not
// deferred causes at once and the clock after a few milliseconds. Reads show
// the last commit that is on the disk, all of it and nothing else.
package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"ascend/shared/store"
)

// ErrLocked says that another process has the file open.
var ErrLocked = errors.New("store file is in use by another process")

// ErrClosed says that the store was closed. It comes with store.ErrUnavailable.
var ErrClosed = errors.New("store is closed")

// errLost keeps a read from showing a commit that failed so late that the file
// has it, perhaps not for long.
var errLost = errors.New("the last commit failed and may not last")

// Options adjust a store; the zero value is good.
type Options struct {
	// Tables are the tables and their indexes; nil means store.Tables().
	// Tables that the file lacks are made, others are left alone.
	Tables []store.Definition
	// MapSize is how much address space, in bytes, is reserved for the file.
	// While the file is smaller no read waits for its growth. 0 means 16 GiB; it
	// costs no memory.
	MapSize int
}

const (
	lockTimeout = 300 * time.Millisecond
	fileMode    = 0o600
	mapSize     = 16 << 30
	// A deferred update is committed after this time if nothing was before.
	deferral = 5 * time.Millisecond
	// A node is split when it is this full. Most keys grow with time, so pages
	// that are left behind stay full.
	fillPercent = 0.9
)

// The file's own records.
var (
	metaBucket   = []byte(".meta")
	expiryBucket = []byte(".expiry")
	formatKey    = []byte("format")
	format       = []byte("1")
)

// Store is an open file. It implements store.Store.
type Store struct {
	db      *bbolt.DB
	tables  map[store.Table]*table
	buckets [][]byte // names by slot; slot 0 is the expiry bucket

	mu      sync.Mutex
	waiting []*request
	closed  bool
	failed  error         // of a commit; no write is tried after it
	wake    chan struct{} // the writer has something to look at
	stopped chan struct{}

	committing sync.Mutex
	durable    atomic.Int64 // id of the last transaction that is on the disk

	health health

	// Others than the usual in tests.
	commit   func(*bbolt.Tx) error
	deferral time.Duration
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
// owner only. The folder must exist. It fails with ErrLocked when another
// process, or another Store of this one, has the file open.
//
// After a crash the first opening reads the whole file once to find its free
// pages (about a second per gigabyte); after Close it does not.
func Open(path string, opts Options) (*Store, error) {
	if opts.Tables == nil {
		opts.Tables = store.Tables()
	}
	if opts.MapSize == 0 {
		opts.MapSize = mapSize
	}
	s, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	go newWriter(s).run()
	return s, nil
}

func open(path string, opts Options) (*Store, error) {
	_, missing := os.Stat(path)
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true,
		InitialMmapSize: opts.MapSize,
		NoStatistics:    true,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case err != nil:
		return nil, err
	}
	s := &Store{
		db: db, wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		commit: (*bbolt.Tx).Commit, deferral: deferral,
	}
	s.layout(opts.Tables)
	if err := db.Update(s.prepare); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if missing != nil {
		if err := syncFolder(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return s, nil
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

func (s *Store) prepare(tx *bbolt.Tx) error {
	meta, err := tx.CreateBucketIfNotExists(metaBucket)
	if err != nil {
		return err
	}
	switch found := meta.Get(formatKey); {
	case found == nil:
		if err := meta.Put(formatKey, format); err != nil {
			return err
		}
	case !bytes.Equal(found, format):
		return fmt.Errorf("file has format %q, this program reads %q", found, format)
	}
	for _, name := range s.buckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	s.durable.Store(int64(tx.ID()))
	return nil
}

// syncFolder makes a new file's name durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close answers the writes that wait, commits everything, stops the writer and
// closes the file. Later calls of any method fail with store.ErrUnavailable.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.rouse()
	<-s.stopped
	err := s.failed // the writer, which sets it, has stopped
	if err == nil {
		// Leave the free pages in the file, so that opening need not look for
		// them. Reads need not wait for that.
		s.durable.Store(math.MaxInt64)
		s.db.NoFreelistSync = false
		err = s.db.Update(func(*bbolt.Tx) error { return nil })
	}
	return errors.Join(err, s.db.Close())
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
