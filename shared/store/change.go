package store

import (
	"context"
	"errors"
	"time"
)

// Change is one committed write of an item, with the item before and after it.
// Consumers must tolerate repeats. The items come without their index keys.
type Change struct {
	Key      Key
	Old, New *Item     // nil where there was, or is, no such item
	Sequence string    // number of the record in its feed, or in its shard of DynamoDB's stream
	At       time.Time // about when it was written, to the second
	// Err says why the record cannot be decoded. It then has no images, and
	// reading it again gives the same error.
	Err error
	// Raw is the record as Lambda was given it; nil in a feed.
	Raw []byte
}

// Position is a place in a feed: opaque, printable text that may be stored. The
// empty Position is before the oldest change that the feed keeps.
type Position string

// Feed is the change feed of a store: the writes of its streamed tables
// (Definition.Streamed), each at least once and, for one item, in the order in
// which they were made. Changes of different items come in any order, those of
// one group too. A write that leaves an item as it was may be missing. Items
// that expire are told as removed.
type Feed interface {
	// Changes returns up to limit (1 … 1000) changes after a position, oldest
	// first, and the position after the last of them. No changes means that
	// there are none yet; next may differ from after all the same. Changes fails
	// with ErrTrimmed where changes after the position are no longer kept.
	Changes(ctx context.Context, after Position, limit int) (changes []Change, next Position, err error)
}

// ConsumerFeed is a feed that also keeps the positions of named consumers, and
// keeps each change until every consumer has acknowledged it. A consumer runs
//
//	at, err := feed.Position(ctx, name)
//	for err == nil {
//		var changes []store.Change
//		if changes, at, err = feed.Changes(ctx, at, 100); err == nil && len(changes) > 0 {
//			handle(changes) // idempotent: a crash before Acknowledge repeats them
//			err = feed.Acknowledge(ctx, name, at)
//		} else if err == nil {
//			err = feed.Wait(ctx, at)
//		}
//	}
type ConsumerFeed interface {
	Feed
	// Register sets the consumers of the feed. New ones start at the oldest
	// change kept; the positions of those not named are forgotten, so that they
	// no longer hold changes back. Without consumers the feed keeps everything.
	Register(ctx context.Context, consumers ...string) error
	// Position returns the position that a registered consumer acknowledged last.
	Position(ctx context.Context, consumer string) (Position, error)
	// Acknowledge stores the position up to which a registered consumer is done.
	// It is durable within a few milliseconds, or when Position returns it; after
	// a crash in between the consumer resumes a little earlier.
	Acknowledge(ctx context.Context, consumer string, done Position) error
	// Wait returns nil as soon as there is a change after a position, or ctx's
	// error when ctx ends first.
	Wait(ctx context.Context, after Position) error
}

// ErrTrimmed marks a position from which a feed cannot be resumed, because it
// no longer keeps the changes that follow. Reading from "" resumes at the
// oldest change kept; the changes between are lost.
var ErrTrimmed = errors.New("the feed no longer keeps the changes after the position")
