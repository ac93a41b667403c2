package embedded

import (
	"context"
	"sync"
	"time"

	"ascend/shared/store"
)

// probeEvery is how long the result of a probe stands for the store's health.
const probeEvery = time.Second

// health is the latest probe.
type health struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// Healthy reports why the store refuses writes, nil when it takes them. It
// writes one small item and makes it durable, at most once in probeEvery
// however often it is called.
func (s *Store) Healthy(ctx context.Context) error {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.at.IsZero() || now.Sub(h.at) >= probeEvery {
		_, h.err = s.Write(ctx, store.Put{Item: store.Item{
			Key: store.Key{Table: store.Commands, PK: "health", SK: "probe"}, Expires: now.Add(time.Minute), // of no organisation
		}})
		h.at = now
	}
	return h.err
}
