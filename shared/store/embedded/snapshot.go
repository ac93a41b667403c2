package embedded

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// snapshot is one state of the store: changes in memory over the file.
type snapshot struct {
	names  [][]byte // buckets by slot
	layers []*layer // the latest first
	tx     *bbolt.Tx
}

// snapshot takes the present state. The caller holds s.state, or is the writer,
// and ends the transaction.
func (s *Store) snapshot() (snapshot, error) {
	tx, err := s.db.Begin(false)
	if err != nil {
		return snapshot{}, err
	}
	snap := snapshot{names: s.buckets, tx: tx, layers: make([]*layer, 0, 2)}
	for _, l := range []*layer{s.memory, s.frozen} {
		if l != nil {
			snap.layers = append(snap.layers, l)
		}
	}
	return snap, nil
}

// get reads one key; nil where there is none.
func (s *snapshot) get(slot int, key []byte) []byte {
	for _, l := range s.layers {
		if value, found := l.get(slot, key); found {
			return value
		}
	}
	return s.tx.Bucket(s.names[slot]).Get(key)
}

// source is one ordered run of keys, the file's or a layer's. Its value is nil
// where the key was deleted.
type source struct {
	key, value []byte
	step       func() (key, value []byte)
}

// scan visits the bucket's keys in order, from start on, or downwards from
// below start, until visit returns false.
func (s *snapshot) scan(slot int, start []byte, down bool, visit func(key, value []byte) bool) {
	sources := make([]source, 0, len(s.layers)+1)
	for _, l := range s.layers {
		if list := &l.lists[slot]; list.size > 0 {
			sources = append(sources, list.source(start, down))
		}
	}
	sources = append(sources, fileSource(s.tx.Bucket(s.names[slot]).Cursor(), start, down))
	for {
		var next *source
		for i := range sources {
			if c := &sources[i]; c.key != nil && (next == nil || ahead(c.key, next.key, down)) {
				next = c
			}
		}
		if next == nil {
			return
		}
		// The latest source has the say about its key; the others skip theirs.
		key, value := next.key, next.value
		for i := range sources {
			if c := &sources[i]; bytes.Equal(c.key, key) {
				c.key, c.value = c.step()
			}
		}
		if value != nil && !visit(key, value) {
			return
		}
	}
}

func ahead(a, b []byte, down bool) bool {
	if down {
		return bytes.Compare(a, b) > 0
	}
	return bytes.Compare(a, b) < 0
}

func (s *list) source(start []byte, down bool) source {
	at := s.atOrAfter(start)
	if down {
		at = s.before(start)
	}
	here := func() ([]byte, []byte) {
		if at == nil {
			return nil, nil
		}
		return at.key, at.value
	}
	src := source{step: func() ([]byte, []byte) {
		if down {
			at = s.before(at.key)
		} else {
			at = at.next[0]
		}
		return here()
	}}
	src.key, src.value = here()
	return src
}

func fileSource(c *bbolt.Cursor, start []byte, down bool) source {
	if !down {
		src := source{step: c.Next}
		src.key, src.value = c.Seek(start)
		return src
	}
	src := source{step: c.Prev}
	if k, _ := c.Seek(start); k == nil {
		src.key, src.value = c.Last()
	} else {
		src.key, src.value = c.Prev()
	}
	return src
}
