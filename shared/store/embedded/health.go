package embedded

import (
	"context"
	"sync"
	"time"
)

// probeEvery is how long the result of a probe stands for the store's health.
const probeEvery = time.Second

// health is the latest probe.
type health struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// Healthy returns why the store refuses writes, or nil when it takes them. It
// probes at most once in probeEvery, however often it is called.
func (s *Store) Healthy(ctx context.Context) error {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.at.IsZero() || now.Sub(h.at) >= probeEvery {
		h.err, h.at = s.ping(ctx), now
	}
	return h.err
}

// ping makes an empty commit, which costs a sync of the file.
func (s *Store) ping(ctx context.Context) error {
	return s.submit(ctx, false, func(b *batch) error {
		b.changed = true
		return nil
	})
}
