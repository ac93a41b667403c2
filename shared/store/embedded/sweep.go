package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
)

// sweepAtOnce is how many expired items one commit forgets at most.
const sweepAtOnce = 500

// Sweep deletes the items that have expired at now and returns how many. It
// works in small steps between other writes and costs nothing when nothing has
// expired. An item whose expiry was changed meanwhile is kept.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for {
		due, err := s.due(now)
		if err != nil || len(due) == 0 {
			return total, err
		}
		r := &request{sweep: due, done: make(chan struct{})}
		if err := s.submit(ctx, r); err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
		total += r.swept
		if len(due) < sweepAtOnce {
			return total, nil
		}
	}
}

// due lists expired items, the longest expired first.
func (s *Store) due(now time.Time) ([]expiry, error) {
	if now.Unix() < 0 {
		return nil, nil
	}
	var due []expiry
	err := s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(expiryBucket).Cursor()
		for k, _ := c.First(); k != nil && len(due) < sweepAtOnce; k, _ = c.Next() {
			e, err := decodeExpiry(k)
			if err != nil {
				return err
			}
			if e.at > uint64(now.Unix()) {
				break
			}
			due = append(due, e)
		}
		return nil
	})
	return due, err
}

func decodeExpiry(k []byte) (expiry, error) {
	if len(k) < 8 {
		return expiry{}, fmt.Errorf("%w: expiry entry", ErrCorrupt)
	}
	name, key, ok := bytes.Cut(k[8:], []byte{0})
	if !ok {
		return expiry{}, fmt.Errorf("%w: expiry entry", ErrCorrupt)
	}
	return expiry{binary.BigEndian.Uint64(k), store.Table(name), bytes.Clone(key)}, nil
}

// forget deletes the items that still have the expiry they were listed with,
// and entries that list nothing.
func (b *batch) forget(due []expiry) (n int, err error) {
	for _, e := range due {
		o := operation{table: b.store.tables[e.table], key: e.key}
		if o.table != nil {
			if raw := b.bucket(o.table.slot).Get(e.key); raw != nil {
				o.raw = raw
				o.old, _ = decode(raw) // a damaged item stays for someone to look at
			}
		}
		if o.old.expires != e.at {
			err = b.delete(expirySlot, e.encode())
		} else {
			n++
			o.writes = true
			err = b.apply(&o)
		}
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}
