package embedded

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// The file's own records, in metaBucket.
var (
	formatKey  = []byte("format")
	format     = []byte("1")
	appliedKey = []byte("applied") // number of the last batch that the file has
	openKey    = []byte("open")    // there while the log may have more
)

// A page that is split is left this full. Most keys grow with time, so what is
// left behind stays full.
const fillPercent = 0.9

// freeze starts to bring the layer in memory into the file and begins another,
// with the other log file. It waits for the checkpoint before it. Only the
// writer calls it.
func (s *Store) freeze() error {
	if err := s.settle(); err != nil {
		return err
	}
	s.state.Lock()
	frozen := s.memory
	s.frozen, s.memory = frozen, newLayer(len(s.buckets))
	s.state.Unlock()
	s.log.turn()
	s.checkpointing = true
	go func() {
		err := s.db.Update(func(tx *bbolt.Tx) error { return s.checkpoint(tx, frozen) })
		if err == nil {
			s.state.Lock()
			s.frozen = nil
			s.state.Unlock()
		}
		s.checkpointed <- err
	}()
	return nil
}

// settle waits for a checkpoint under way.
func (s *Store) settle() error {
	if !s.checkpointing {
		return nil
	}
	s.checkpointing = false
	return <-s.checkpointed
}

// checkpoint writes a layer's changes into the file.
func (s *Store) checkpoint(tx *bbolt.Tx, l *layer) error {
	for slot := range l.lists {
		bucket := tx.Bucket(s.buckets[slot])
		bucket.FillPercent = fillPercent
		for n := l.lists[slot].first[0]; n != nil; n = n.next[0] {
			if err := set(bucket, n.key, n.value); err != nil {
				return err
			}
		}
	}
	return tx.Bucket(metaBucket).Put(appliedKey, binary.BigEndian.AppendUint64(nil, l.last))
}

func set(bucket *bbolt.Bucket, key, value []byte) error {
	if value == nil {
		return bucket.Delete(key)
	}
	return bucket.Put(key, value)
}

// header is what the file says of itself.
type header struct {
	applied uint64
	open    bool
}

func readHeader(tx *bbolt.Tx) (header, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return header{}, nil
	}
	if found := meta.Get(formatKey); string(found) != string(format) {
		return header{}, fmt.Errorf("file has format %q, this program reads %q", found, format)
	}
	h := header{open: meta.Get(openKey) != nil}
	if applied := meta.Get(appliedKey); len(applied) == 8 {
		h.applied = binary.BigEndian.Uint64(applied)
	}
	return h, nil
}

// recover makes the buckets that the file lacks, brings in the log's batches
// and marks the file as open.
func (s *Store) recover(tx *bbolt.Tx, applied uint64, missing []logged) error {
	for _, name := range append([][]byte{metaBucket}, s.buckets...) {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	for _, b := range missing {
		err := b.each(func(name, key, value []byte) error {
			bucket, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			return set(bucket, key, value)
		})
		if err != nil {
			return err
		}
		applied = b.number
	}
	s.log.last = applied
	s.memory.last = applied
	meta := tx.Bucket(metaBucket)
	for _, entry := range []struct{ key, value []byte }{
		{formatKey, format}, {openKey, []byte{1}}, {appliedKey, binary.BigEndian.AppendUint64(nil, applied)},
	} {
		if err := meta.Put(entry.key, entry.value); err != nil {
			return err
		}
	}
	return nil
}
