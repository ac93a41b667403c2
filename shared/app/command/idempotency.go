package command

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/record"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// memory is a command's answer, stored under its idempotency key together with its effect.
type memory struct {
	Digest string    `json:"digest"`
	Until  time.Time `json:"until"`
	Answer []byte    `json:"answer"`
}

// Attempts bounds how often a command decides anew because what it had read changed before it wrote.
const Attempts = 8

// Once runs a command whose effect must happen at most once, however often the
// request or its writes are repeated. do reads, decides, and returns the answer
// with the writes that make it true, conditional on what it read; Once adds
// the memory of the answer and makes all of them in one group. When a write
// finds the world changed, either another repeat of the command was first,
// whose answer is then given, or do decides again.
//
// do must not write, and its answer must survive JSON.
func Once[T any](ctx context.Context, s store.Store, c *Command, do func(context.Context) (T, []store.Op, error)) (T, error) {
	var none T
	for attempt := range Attempts {
		var old *store.Item
		if c.Repeat != nil || attempt > 0 {
			answer, found, item, err := recall[T](ctx, s, c)
			if err != nil || found {
				return answer, err
			}
			old = item
		}
		answer, ops, err := do(ctx)
		if err != nil {
			return none, err
		}
		if len(ops) == 0 && c.Repeat == nil {
			return answer, nil
		}
		remember, err := c.Remember(answer, old)
		if err != nil {
			return none, err
		}
		err = s.WriteAll(ctx, append(ops, remember)...)
		if err == nil {
			return answer, nil
		}
		if _, conflict := store.Conflict(err); !conflict {
			return none, problem.Unavailable("write a command", err)
		}
	}
	return none, problem.Unavailable("write a command", errors.New("the record kept changing"))
}

// recall returns the answer of an earlier run of the command; an expired one is returned as stale.
func recall[T any](ctx context.Context, s store.Store, c *Command) (answer T, found bool, stale *store.Item, err error) {
	items, err := s.Get(ctx, c.MemoryKey())
	if err != nil {
		return answer, false, nil, problem.Unavailable("recall a command", err)
	}
	if items[0] == nil {
		return answer, false, nil, nil
	}
	answer, found, err = Remembered[T](c, items[0])
	if err != nil {
		return answer, false, nil, err
	}
	if !found {
		return answer, false, items[0], nil
	}
	c.Replayed = c.Repeat != nil
	return answer, true, nil, nil
}

// Remembered decodes the answer that an earlier run of the command stored; found is
// false when it has expired. It fails when the key was used with another body.
func Remembered[T any](c *Command, item *store.Item) (answer T, found bool, err error) {
	m, err := c.match(item)
	if err != nil || m == nil {
		return answer, false, err
	}
	if err := json.Unmarshal(m.Answer, &answer); err != nil {
		return answer, false, problem.Corrupt("a remembered answer", err)
	}
	return answer, true, nil
}

// match decodes a memory and holds the command against it: nil when expired, a
// problem when the key was used with another body.
func (c *Command) match(item *store.Item) (*memory, error) {
	var m memory
	if err := json.Unmarshal(item.Body, &m); err != nil {
		return nil, problem.Corrupt("a remembered command", err)
	}
	if !c.At.Before(m.Until) {
		return nil, nil
	}
	if c.Repeat != nil && m.Digest != c.Repeat.Digest {
		return nil, problem.New(problem.KindMismatch, problem.CodeKeyReused,
			"this Idempotency-Key was used with another request body; use a new key for a new command")
	}
	return &m, nil
}

// Remember returns the write that keeps the answer; it gives way to any memory but the stale one.
func (c *Command) Remember(answer any, stale *store.Item) (store.Put, error) {
	m := memory{Until: c.At.Add(10 * time.Minute)}
	if c.Repeat != nil {
		m.Digest, m.Until = c.Repeat.Digest, c.At.Add(c.Repeat.Keep)
	}
	var err error
	if m.Answer, err = record.Encode("encode an answer", answer); err != nil {
		return store.Put{}, err
	}
	body, err := record.Encode("encode a memory", m)
	if err != nil {
		return store.Put{}, err
	}
	put := store.Put{
		Item: store.Item{
			Key:     c.MemoryKey(),
			Attrs:   store.Attrs{store.AttrUntil: store.N(m.Until.UnixMilli())},
			Body:    body,
			Expires: m.Until,
		},
		If: []store.Cond{store.Absent()},
	}
	if stale != nil {
		put.If = []store.Cond{store.Equal(store.AttrUntil, stale.Attrs[store.AttrUntil])}
	}
	return put, nil
}

// MemoryKey returns the key under which the command's answer is stored.
func (c *Command) MemoryKey() store.Key {
	if c.Repeat != nil {
		return store.CommandKey(c.Claim.Org(), c.Repeat.Identity)
	}
	return store.CommandKey(c.Claim.Org(), c.ID)
}
