package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"ascend/shared/store"
)

// sweepAtOnce is how many expired items one commit deletes at most.
const sweepAtOnce = 500

// Sweep deletes the items that have expired at now and returns how many. It
// works in small steps between other writes.
func (s *Store) Sweep(ctx context.Context, now time.Time) (total int, err error) {
	for {
		var n, listed int
		err := s.submit(ctx, false, func(b *batch) error {
			n, listed = b.sweep(now)
			return nil
		})
		if err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
		if total += n; listed < sweepAtOnce {
			return total, nil
		}
	}
}

// sweep deletes the items that were listed first with an expiry up to now.
func (b *batch) sweep(now time.Time) (n, listed int) {
	var due [][]byte // deleted afterwards: a deletion moves the cursor
	c := b.bucket(expirySlot).Cursor()
	for k, _ := c.First(); k != nil && len(due) < sweepAtOnce; k, _ = c.Next() {
		if len(k) >= 8 && int64(binary.BigEndian.Uint64(k)) > now.Unix() {
			break
		}
		due = append(due, k)
	}
	for _, k := range due {
		if w, ok := b.expired(k); ok {
			b.apply(w)
			n++
		}
		b.delete(expirySlot, k)
	}
	return n, len(due)
}

// expired returns the deletion of the item of an expiry entry. An item that
// cannot be decoded is kept.
func (b *batch) expired(entry []byte) (w write, ok bool) {
	if len(entry) < 8 {
		return w, false
	}
	name, itemKey, _ := bytes.Cut(entry[8:], []byte{0})
	if w.table, ok = b.store.tables[store.Table(name)]; !ok {
		return w, false
	}
	k := store.Key{Table: w.table.name}
	k.PK, k.SK = splitKey(string(itemKey))
	w.key, w.raw = itemKey, b.bucket(w.table.slot).Get(itemKey)
	if w.raw == nil {
		return w, false
	}
	var err error
	w.old, err = decode(k, w.raw)
	return w, err == nil
}

// expiryKey returns the key of an item in the bucket that lists items by their
// expiry: the time, the table and the item's own key.
func expiryKey(it *store.Item, itemKey []byte) []byte {
	at := binary.BigEndian.AppendUint64(nil, uint64(it.Expires.Unix()))
	return append(append(append(at, it.Key.Table...), 0), itemKey...)
}
