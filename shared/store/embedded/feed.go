package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
)

// The feed is a bucket of changes by their sequence number, which the bucket
// itself counts from 1 without gaps, and one of the consumers' positions.
// A change is stored in the transaction of its write as
//
//	time · table · key · old record · new record (the rest)
//
// where the time is an unsigned varint of Unix seconds, those before the last are
// strings as in a record, and the record of no item is empty.
var (
	feedBucket     = []byte(".feed")
	consumerBucket = []byte(".consumers")
)

// trimAtOnce is how many changes one acknowledgement deletes at most. It is more
// than one read returns, so that what is left over does not grow.
const trimAtOnce = 2000

// readAtOnce bounds the bytes of changes in one read: it ends after the first beyond.
const readAtOnce = 4 << 20

// feed is the state of the change feed beside the file.
type feed struct {
	last atomic.Uint64 // sequence number of the last durable change

	mu   sync.Mutex
	news chan struct{} // closed when last grows
}

// advance lets readers see the changes up to a sequence number.
func (f *feed) advance(last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last.Store(last)
	if f.news != nil {
		close(f.news)
		f.news = nil
	}
}

// grown returns a channel that is closed when the feed has a change after a
// sequence number.
func (f *feed) grown(after uint64) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last.Load() > after {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	if f.news == nil {
		f.news = make(chan struct{})
	}
	return f.news
}

var _ store.ConsumerFeed = (*Store)(nil)

// Changes implements store.Feed, in the order of the commits.
func (s *Store) Changes(ctx context.Context, after store.Position, limit int) (changes []store.Change, next store.Position, err error) {
	if limit < 1 || limit > 1000 {
		return nil, after, fmt.Errorf("store: %d changes in one read, want 1 … 1000", limit)
	}
	if err := alive(ctx); err != nil {
		return nil, after, err
	}
	from, err := sequence(after)
	if err != nil {
		return nil, after, err
	}
	last := s.feed.last.Load()
	if from > last {
		return nil, after, fmt.Errorf("store: position %d is after the feed's last change %d", from, last)
	}
	size := 0
	err = s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(feedBucket).Cursor()
		for k, v := c.Seek(number(from + 1)); k != nil && len(changes) < limit && size < readAtOnce; k, v = c.Next() {
			n := binary.BigEndian.Uint64(k)
			if n > last {
				break
			}
			if after != "" && n != from+1 {
				return store.ErrTrimmed
			}
			changes, from, after = append(changes, change(n, v)), n, position(n)
			size += len(v)
		}
		if after != "" && from < last && len(changes) == 0 {
			return store.ErrTrimmed
		}
		return nil
	})
	if err != nil {
		return nil, after, err
	}
	return changes, after, nil
}

// Register implements store.ConsumerFeed.
func (s *Store) Register(ctx context.Context, consumers ...string) error {
	if slices.Contains(consumers, "") {
		return errors.New("store: a consumer needs a name")
	}
	return s.submit(ctx, false, func(b *batch) error {
		positions := map[string][]byte{}
		c := b.bucket(consumerSlot).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			positions[string(k)] = v
		}
		for name := range positions {
			if !slices.Contains(consumers, name) {
				b.delete(consumerSlot, []byte(name))
			}
		}
		for _, name := range consumers {
			if positions[name] == nil {
				b.put(consumerSlot, []byte(name), number(0))
			}
		}
		b.trim()
		return nil
	})
}

// Position implements store.ConsumerFeed.
func (s *Store) Position(ctx context.Context, consumer string) (at store.Position, err error) {
	if err := s.flush(ctx); err != nil {
		return "", err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		v := tx.Bucket(consumerBucket).Get([]byte(consumer))
		if v == nil {
			return unregistered(consumer)
		}
		at = position(binary.BigEndian.Uint64(v))
		return nil
	})
	return at, err
}

// Acknowledge implements store.ConsumerFeed. It also deletes changes that all
// consumers have acknowledged. A position before the stored one is ignored. It
// causes no commit of its own as long as others write: with several consumers
// that would double the commits.
func (s *Store) Acknowledge(ctx context.Context, consumer string, done store.Position) error {
	n, err := sequence(done)
	if err != nil {
		return err
	}
	if last := s.feed.last.Load(); n > last {
		return fmt.Errorf("store: position %d is after the feed's last change %d", n, last)
	}
	return s.submit(ctx, true, func(b *batch) error {
		switch v := b.bucket(consumerSlot).Get([]byte(consumer)); {
		case v == nil:
			return unregistered(consumer)
		case binary.BigEndian.Uint64(v) < n:
			b.put(consumerSlot, []byte(consumer), number(n))
			b.trim()
		}
		return nil
	})
}

// trim deletes the oldest changes up to the least position of a consumer.
func (b *batch) trim() {
	var least []byte
	positions := b.bucket(consumerSlot).Cursor()
	for k, v := positions.First(); k != nil; k, v = positions.Next() {
		if least == nil || bytes.Compare(v, least) < 0 {
			least = v
		}
	}
	var done [][]byte // deleted afterwards: a deletion moves the cursor
	changes := b.bucket(feedSlot).Cursor()
	for k, _ := changes.First(); k != nil && bytes.Compare(k, least) <= 0 && len(done) < trimAtOnce; k, _ = changes.Next() {
		done = append(done, k)
	}
	for _, k := range done {
		b.delete(feedSlot, k)
	}
}

// Wait implements store.ConsumerFeed.
func (s *Store) Wait(ctx context.Context, after store.Position) error {
	n, err := sequence(after)
	if err != nil {
		return err
	}
	select {
	case <-s.feed.grown(n):
		return nil
	case <-s.stopped:
		return unavailable(ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// record appends the change that a write makes to the feed.
func (b *batch) record(w write, next []byte) {
	n, err := b.bucket(feedSlot).NextSequence()
	b.fail(err)
	b.last = n
	v := make([]byte, 0, 32+len(w.table.name)+len(w.key)+len(w.raw)+len(next))
	v = binary.AppendUvarint(v, uint64(time.Now().Unix()))
	v = appendString(appendString(appendString(v, w.table.name), w.key), w.raw)
	b.put(feedSlot, number(n), append(v, next...))
}

// change returns a stored change. One that is damaged has Err.
func change(n uint64, v []byte) store.Change {
	c := store.Change{Sequence: strconv.FormatUint(n, 10)}
	seconds, size := binary.Uvarint(v)
	name, rest, ok1 := cutString(v[max(size, 0):])
	k, rest, ok2 := cutString(rest)
	before, after, ok3 := cutString(rest)
	if size <= 0 || !ok1 || !ok2 || !ok3 {
		c.Err = fmt.Errorf("change %d: %w", n, ErrCorrupt)
		return c
	}
	c.At, c.Key.Table = time.Unix(int64(seconds), 0).UTC(), store.Table(name)
	c.Key.PK, c.Key.SK = splitKey(string(k))
	images := [2]*store.Item{}
	for i, raw := range [][]byte{before, after} {
		if len(raw) == 0 {
			continue
		}
		it, err := decode(c.Key, raw)
		if err != nil {
			c.Err = fmt.Errorf("change %d of %v: %w", n, c.Key, err)
			return c
		}
		it.Index = nil
		images[i] = it
	}
	c.Old, c.New = images[0], images[1]
	return c
}

// unregistered returns the error for a consumer that is not registered.
func unregistered(consumer string) error {
	return fmt.Errorf("store: %q is not a registered consumer of the feed", consumer)
}

// number returns a sequence number as a key.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// position returns the position after a change, "" for 0.
func position(n uint64) store.Position {
	if n == 0 {
		return ""
	}
	return store.Position(strconv.FormatUint(n, 10))
}

// sequence returns the sequence number of a position, 0 for "".
func sequence(p store.Position) (uint64, error) {
	if p == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(p), 10, 63)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("store: %q is no position of this feed", p)
	}
	return n, nil
}
