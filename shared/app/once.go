package app

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/problem"
	"ascend/shared/store"
)

// memory is the answer of a command as kept with its effect.
type memory struct {
	Digest string    `json:"digest"`
	Until  time.Time `json:"until"`
	Answer []byte    `json:"answer"`
}

// attempts bounds how often a command decides anew because what it had read changed before it wrote.
const attempts = 8

// once runs a command whose effect must happen at most once, however often the
// request or its writes are repeated. do reads, decides, and returns the answer
// with the writes that make it true, conditional on what it read; once adds
// the memory of the answer and makes all of them in one group. When a write
// finds the world changed, either another repeat of the command was first,
// whose answer is then given, or do decides again.
//
// do must not write, and its answer must survive JSON.
func once[T any](ctx context.Context, a *App, c *Command, do func(context.Context) (T, []store.Op, error)) (T, error) {
	var none T
	for attempt := range attempts {
		var old *store.Item
		if c.Repeat != nil || attempt > 0 {
			answer, found, item, err := recall[T](ctx, a, c)
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
		remember, err := c.remember(answer, old)
		if err != nil {
			return none, err
		}
		err = a.Store.WriteAll(ctx, append(ops, remember)...)
		if err == nil {
			return answer, nil
		}
		if _, conflict := store.Conflict(err); !conflict {
			return none, problem.Unavailable("write a command", err)
		}
	}
	return none, problem.Unavailable("write a command", errors.New("the record kept changing"))
}

// recall finds the answer of an earlier run of the command; an expired one is returned as stale.
func recall[T any](ctx context.Context, a *App, c *Command) (answer T, found bool, stale *store.Item, err error) {
	items, err := a.Store.Get(ctx, store.CommandKey(c.Claim.Org(), c.identity()))
	if err != nil {
		return answer, false, nil, problem.Unavailable("recall a command", err)
	}
	if items[0] == nil {
		return answer, false, nil, nil
	}
	m, err := c.match(items[0])
	if err != nil {
		return answer, false, nil, err
	}
	if m == nil {
		return answer, false, items[0], nil
	}
	if err := json.Unmarshal(m.Answer, &answer); err != nil {
		return answer, false, nil, problem.Corrupt("a remembered answer", err)
	}
	c.Replayed = c.Repeat != nil
	return answer, true, nil, nil
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

// remember makes the write that keeps the answer; it gives way to any memory but the stale one.
func (c *Command) remember(answer any, stale *store.Item) (store.Put, error) {
	m := memory{Until: c.At.Add(10 * time.Minute)}
	if c.Repeat != nil {
		m.Digest, m.Until = c.Repeat.Digest, c.At.Add(c.Repeat.Keep)
	}
	var err error
	if m.Answer, err = encode(answer); err != nil {
		return store.Put{}, err
	}
	body, err := encode(m)
	if err != nil {
		return store.Put{}, err
	}
	put := store.Put{
		Item: store.Item{
			Key:     store.CommandKey(c.Claim.Org(), c.identity()),
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

// encode is a record as its item's body: equal records, equal bytes.
func encode(record any) ([]byte, error) {
	body, err := json.Marshal(record, json.Deterministic(true))
	if err != nil {
		return nil, &problem.Error{Code: problem.CodeInternal, Detail: "the record could not be encoded", Err: err}
	}
	return body, nil
}

// identity names the command in the store.
func (c *Command) identity() string {
	if c.Repeat != nil {
		return c.Repeat.Identity
	}
	return c.ID
}
