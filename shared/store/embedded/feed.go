package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
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
// where the time is an unsigned varint of Unix seconds, the others before the
// last are strings as in a record, and an image that is absent is empty.
var (
	feedBucket     = []byte(".feed")
	consumerBucket = []byte(".consumers")
)

// trimAtOnce is how many changes one acknowledgement deletes at most. It is more
// than one read returns, so that what is left over does not grow.
const trimAtOnce = 2000

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

// Changes reads changes in the order of their commits.
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
	err = s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(feedBucket).Cursor()
		for k, v := c.Seek(number(from + 1)); k != nil && len(changes) < limit; k, v = c.Next() {
			n := binary.BigEndian.Uint64(k)
			if n > last {
				break
			}
			if after != "" && n != from+1 {
				return store.ErrTrimmed
			}
			changes, from, after = append(changes, change(n, v)), n, position(n)
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
	return s.update(ctx, func(tx *bbolt.Tx) error {
		positions := tx.Bucket(consumerBucket)
		gone := map[string]bool{}
		if err := positions.ForEach(func(k, _ []byte) error { gone[string(k)] = true; return nil }); err != nil {
			return err
		}
		for _, name := range consumers {
			if !gone[name] && positions.Get([]byte(name)) == nil {
				if err := positions.Put([]byte(name), number(0)); err != nil {
					return err
				}
			}
			delete(gone, name)
		}
		for _, name := range slices.Sorted(maps.Keys(gone)) {
			if err := positions.Delete([]byte(name)); err != nil {
				return err
			}
		}
		return trim(tx)
	})
}

// Position implements store.ConsumerFeed.
func (s *Store) Position(ctx context.Context, consumer string) (at store.Position, err error) {
	if err := alive(ctx); err != nil {
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
// consumers have acknowledged. A position before the stored one is ignored.
func (s *Store) Acknowledge(ctx context.Context, consumer string, done store.Position) error {
	n, err := sequence(done)
	if err != nil {
		return err
	}
	if last := s.feed.last.Load(); n > last {
		return fmt.Errorf("store: position %d is after the feed's last change %d", n, last)
	}
	return s.update(ctx, func(tx *bbolt.Tx) error {
		positions := tx.Bucket(consumerBucket)
		switch v := positions.Get([]byte(consumer)); {
		case v == nil:
			return unregistered(consumer)
		case binary.BigEndian.Uint64(v) >= n:
			return nil
		}
		if err := positions.Put([]byte(consumer), number(n)); err != nil {
			return err
		}
		return trim(tx)
	})
}

// trim deletes the oldest changes up to the least position of a consumer.
func trim(tx *bbolt.Tx) error {
	var least []byte
	err := tx.Bucket(consumerBucket).ForEach(func(_, v []byte) error {
		if least == nil || bytes.Compare(v, least) < 0 {
			least = v
		}
		return nil
	})
	if err != nil || least == nil {
		return err
	}
	changes := tx.Bucket(feedBucket)
	var done [][]byte // a cursor must not be moved on after a deletion
	c := changes.Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, least) <= 0 && len(done) < trimAtOnce; k, _ = c.Next() {
		done = append(done, k)
	}
	for _, k := range done {
		if err := changes.Delete(k); err != nil {
			return err
		}
	}
	return nil
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

// record appends the change that an operation makes to the feed.
func (b *batch) record(o *operation) error {
	if bytes.Equal(o.raw, o.next.value) {
		return nil
	}
	changes := b.bucket(feedSlot)
	n, err := changes.NextSequence()
	if err != nil {
		return err
	}
	b.last = n
	v := make([]byte, 0, 24+len(o.table.name)+len(o.key)+len(o.raw)+len(o.next.value))
	v = binary.AppendUvarint(v, uint64(time.Now().Unix()))
	v = appendString(v, string(o.table.name))
	v = appendString(v, string(o.key))
	v = append(binary.AppendUvarint(v, uint64(len(o.raw))), o.raw...)
	return b.put(feedSlot, number(n), append(v, o.next.value...))
}

// change decodes a stored change. One that is damaged has Err.
func change(n uint64, v []byte) store.Change {
	rd := reader{rest: string(v)}
	c := store.Change{Sequence: strconv.FormatUint(n, 10), At: time.Unix(int64(rd.uvarint()), 0).UTC()}
	c.Key.Table = store.Table(rd.str())
	c.Key.PK, c.Key.SK = splitKey(rd.str())
	before := rd.str()
	if rd.bad {
		c.Err = fmt.Errorf("change %d: %w", n, ErrCorrupt)
		return c
	}
	images := [2]*store.Item{}
	for i, raw := range []string{before, rd.rest} {
		if raw == "" {
			continue
		}
		r, err := decode([]byte(raw))
		if err != nil {
			c.Err = fmt.Errorf("change %d of %v: %w", n, c.Key, err)
			return c
		}
		images[i] = r.item(c.Key, true)
	}
	c.Old, c.New = images[0], images[1]
	return c
}

func unregistered(consumer string) error {
	return fmt.Errorf("store: %q is not a registered consumer of the feed", consumer)
}

// number is a sequence number as a key.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// position is "" for 0, where no change is.
func position(n uint64) store.Position {
	if n == 0 {
		return ""
	}
	return store.Position(strconv.FormatUint(n, 10))
}

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
