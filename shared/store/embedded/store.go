// Package embedded is the persistence seam on one local file, a bbolt database,
// for a server without DynamoDB. It is made for one process.
//
// One writer goroutine makes all writes in order, inside one open transaction
// of the file. Writes that wait at the same time share one commit and are
// answered when it is durable. An update of a relaxed table is answered as soon
// as it is made and is committed with the next other write, or read of a relaxed
// table, or after a few milliseconds.
//
// Reads show the last commit. They may show one whose last sync is still under
// way, which a failure of the machine, though not of the process, could undo.
package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
}

const (
	lockTimeout = 300 * time.Millisecond
	fileMode    = 0o600
	// While the file is smaller than this no read waits for its growth. It is
	// reserved address space and costs no memory.
	mapSize = 16 << 30
	// An update of a relaxed table is committed after this time.
	relaxation = 5 * time.Millisecond
	// A node is split when it is this full. Most keys grow with time, so pages
	// that are left behind stay full.
	fillPercent = 0.9
)

// The file's own records.
var (
	metaBucket   = []byte(".meta")
	expiryBucket = []byte(".expiry")
	formatKey    = []byte("format")
	format       = []byte("2")
)

// Store is an open file. It implements store.Store and store.ConsumerFeed.
type Store struct {
	db      *bbolt.DB
	tables  map[store.Table]table
	buckets [][]byte // names by slot
	feed    feed

	requests chan *request
	batch    batch // of the writer goroutine
	close    sync.Once
	closing  chan struct{} // closed by Close
	stopped  chan struct{} // closed when the writer has ended

	health health

	// Replaced by tests.
	commit     func(*bbolt.Tx) error
	relaxation time.Duration
}

// The slots of the buckets that are of no table.
const (
	expirySlot = iota
	feedSlot
	consumerSlot
)

// table is where the parts of a table are in the file.
type table struct {
	name              store.Table
	slot              int
	indexes           map[store.Index]int // slots
	project           []string
	streamed, relaxed bool
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
	s, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	go s.run()
	return s, nil
}

func open(path string, opts Options) (*Store, error) {
	_, missing := os.Stat(path)
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true,
		InitialMmapSize: mapSize,
		NoStatistics:    true,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case err != nil:
		return nil, err
	}
	s := &Store{
		db: db, requests: make(chan *request, maxRequests), closing: make(chan struct{}), stopped: make(chan struct{}),
		commit: (*bbolt.Tx).Commit, relaxation: relaxation,
	}
	s.layout(opts.Tables)
	s.batch = batch{store: s, buckets: make([]*bbolt.Bucket, len(s.buckets))}
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

// layout assigns a bucket to every table and index.
func (s *Store) layout(defs []store.Definition) {
	s.tables = make(map[store.Table]table, len(defs))
	s.buckets = [][]byte{expirySlot: expiryBucket, feedSlot: feedBucket, consumerSlot: consumerBucket}
	slot := func(name string) int {
		s.buckets = append(s.buckets, []byte(name))
		return len(s.buckets) - 1
	}
	for _, def := range defs {
		t := table{
			name: def.Table, slot: slot(string(def.Table)), indexes: make(map[store.Index]int, len(def.Indexes)),
			project: def.Project, streamed: def.Streamed, relaxed: def.Relaxed,
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
	s.feed.last.Store(tx.Bucket(feedBucket).Sequence())
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

// Close answers the writes that wait, commits everything and closes the file.
// Later calls of any method fail with store.ErrUnavailable.
func (s *Store) Close() (err error) {
	s.close.Do(func() {
		close(s.closing)
		<-s.stopped
		if err = s.batch.failed; err == nil {
			// Leave the free pages in the file, so that opening need not look for them.
			s.db.NoFreelistSync = false
			err = s.db.Update(func(*bbolt.Tx) error { return nil })
		}
		err = errors.Join(err, s.db.Close())
	})
	return err
}

func (s *Store) table(name store.Table) (table, error) {
	t, ok := s.tables[name]
	if !ok {
		return table{}, fmt.Errorf("store: no table %q", name)
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
