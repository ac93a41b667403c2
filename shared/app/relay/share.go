package relay

import (
	"context"
	"slices"
	"sync"

	"ascend/shared/store"
)

// Share returns a feed that reads for several followers at once: what one has
// just read, the others that come to the same position get without a read of
// their own. They must not change it.
func Share(feed store.ConsumerFeed) store.ConsumerFeed { return &shared{ConsumerFeed: feed} }

type shared struct {
	store.ConsumerFeed
	mu   sync.Mutex
	last []page // the newest at the end
}

// page is what a feed has after a position.
type page struct {
	after, next store.Position
	limit       int
	changes     []store.Change
}

// pagesKept is how far behind the first follower the others may be.
const pagesKept = 8

// Changes implements store.Feed.
func (s *shared) Changes(ctx context.Context, after store.Position, limit int) ([]store.Change, store.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.last, func(p page) bool { return p.after == after && p.limit == limit }); i >= 0 {
		return s.last[i].changes, s.last[i].next, nil
	}
	changes, next, err := s.ConsumerFeed.Changes(ctx, after, limit)
	if err == nil && len(changes) > 0 {
		s.last = append(s.last[max(0, len(s.last)+1-pagesKept):], page{after: after, next: next, limit: limit, changes: changes})
	}
	return changes, next, err
}
