package relay_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"ascend/shared/app/relay"
	"ascend/shared/domain/problem"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
	"ascend/shared/store/dynamo/stream"
	"ascend/shared/store/embedded"
)

// ward is a store with its feed, and a relay whose consumers tests make up.
type ward struct {
	*testing.T
	store store.Store
	feed  store.ConsumerFeed
	relay *relay.Relay
	kept  *shelf
}

// onBothFeeds runs a test over each kind of store.
func onBothFeeds(t *testing.T, test func(w *ward)) {
	t.Run("embedded", func(t *testing.T) {
		s, err := embedded.Open(filepath.Join(t.TempDir(), "db"), embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(newWard(t, s, relay.Share(s)))
	})
	t.Run("dynamo", func(t *testing.T) {
		client := dynamolocal.Client(t)
		prefix := fmt.Sprintf("follow-%d-", time.Now().UnixNano())
		if err := dynamo.CreateTables(t.Context(), client, prefix, store.Tables()); err != nil {
			t.Fatal(err)
		}
		s, err := dynamo.New(client, prefix, store.Tables())
		if err != nil {
			t.Fatal(err)
		}
		feed, err := stream.Open(t.Context(), client, dynamolocal.Streams(client), prefix, store.Tables())
		if err != nil {
			t.Fatal(err)
		}
		test(newWard(t, s, &positions{Feed: feed, at: map[string]store.Position{}}))
	})
}

func newWard(t *testing.T, s store.Store, feed store.ConsumerFeed) *ward {
	kept := &shelf{}
	return &ward{T: t, store: s, feed: feed, relay: &relay.Relay{DeadLetters: kept}, kept: kept}
}

// positions makes a ConsumerFeed of a Feed, with positions in memory.
type positions struct {
	store.Feed
	mu sync.Mutex
	at map[string]store.Position
}

func (p *positions) Register(context.Context, ...string) error { return nil }

func (p *positions) Position(_ context.Context, consumer string) (store.Position, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[consumer], nil
}

func (p *positions) Acknowledge(_ context.Context, consumer string, done store.Position) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[consumer] = done
	return nil
}

func (p *positions) Wait(ctx context.Context, _ store.Position) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// register sets the consumers of the feed.
func (w *ward) register(names ...string) {
	w.Helper()
	if err := w.feed.Register(w.Context(), names...); err != nil {
		w.Fatal(err)
	}
}

// writes makes each of some actions anew, several times: revision 1, 2, ….
func (w *ward) writes(actions, times int) {
	w.Helper()
	for n := range times {
		for id := range actions {
			_, err := w.store.Write(w.Context(), store.Put{Item: store.Item{
				Key: store.Key{Table: store.Actions, PK: fmt.Sprintf("1#%d", id), SK: "action"}, Body: []byte("{}"),
				Attrs: store.Attrs{store.AttrRev: store.N(int64(n + 1))},
			}})
			if err != nil {
				w.Error(err)
				return
			}
		}
	}
}

// memory is a consumer that notes the revisions of each item in the order in
// which it did them.
type memory struct {
	mu   sync.Mutex
	seen map[string][]int64
	// handle says what becomes of a change before it is noted; nil: nothing.
	handle func(c store.Change) error
}

func (m *memory) consumer(name string) relay.Consumer {
	return relay.Consumer{Name: name, Handle: relay.Each(func(_ context.Context, c store.Change) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.handle != nil {
			if err := m.handle(c); err != nil {
				return err
			}
		}
		if m.seen == nil {
			m.seen = map[string][]int64{}
		}
		m.seen[c.Key.PK] = append(m.seen[c.Key.PK], revision(c))
		return nil
	})}
}

func revision(c store.Change) int64 { return c.New.Attrs[store.AttrRev].Num() }

// missing says what of some actions' revisions was not seen, or not in order.
// Repeats may be anywhere, as after a crash.
func (m *memory) missing(actions, times int, but ...int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range actions {
		next := int64(1)
		for _, n := range m.seen[fmt.Sprintf("1#%d", id)] {
			for slices.Contains(but, next) {
				next++
			}
			if n > next {
				return fmt.Errorf("item %d: revision %d comes before %d: %v", id, n, next, m.seen)
			}
			if n == next {
				next++
			}
		}
		for slices.Contains(but, next) {
			next++
		}
		if next <= int64(times) {
			return fmt.Errorf("item %d: revision %d is missing", id, next)
		}
	}
	return nil
}

// follow runs consumers until done has no error, and stops them.
func (w *ward) follow(done func() error, consumers ...relay.Consumer) {
	w.Helper()
	ctx, stop := context.WithCancel(w.Context())
	var all sync.WaitGroup
	for _, c := range consumers {
		all.Go(func() { w.relay.Follow(ctx, w.feed, c) })
	}
	limit := time.Now().Add(30 * time.Second)
	err := done()
	for ; err != nil && time.Now().Before(limit); err = done() {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	all.Wait()
	if err != nil {
		w.Fatal(err)
	}
}

func TestFollowersGetEveryChangeInTheOrderOfItsItem(t *testing.T) {
	onBothFeeds(t, func(w *ward) {
		w.register("one", "two")
		one, two := &memory{}, &memory{}
		go w.writes(7, 60)
		w.follow(func() error { return errors.Join(one.missing(7, 60), two.missing(7, 60)) }, one.consumer("one"), two.consumer("two"))
	})
}

func TestAnOutageDelaysOneFollowerAndNoOther(t *testing.T) {
	onBothFeeds(t, func(w *ward) {
		w.register("down", "up")
		w.writes(3, 10)
		failures := 0
		down, up := &memory{handle: func(c store.Change) error {
			if failures++; failures <= 20 || failures%3 == 0 {
				return problem.Unavailable("call", errors.New("an outage"))
			}
			return nil
		}}, &memory{}
		w.follow(func() error { return errors.Join(down.missing(3, 10), up.missing(3, 10)) }, down.consumer("down"), up.consumer("up"))
		if len(w.kept.titles()) > 0 {
			t.Errorf("kept are %q", w.kept.titles())
		}
	})
}

func TestWhatAFollowerCanNeverDoIsKept(t *testing.T) {
	onBothFeeds(t, func(w *ward) {
		w.register("poisoned", "well")
		w.writes(3, 10)
		poisoned, well := &memory{handle: func(c store.Change) error {
			if revision(c) == 4 {
				return errors.New("poison")
			}
			return nil
		}}, &memory{}
		w.follow(func() error { return errors.Join(poisoned.missing(3, 10, 4), well.missing(3, 10)) }, poisoned.consumer("poisoned"), well.consumer("well"))
		kept := map[string]int{}
		for _, l := range w.kept.kept {
			kept[fmt.Sprint(l.Consumer, " ", l.PK, " ", l.New.Attrs[store.AttrRev], " ", l.Reason)]++
		}
		want := map[string]int{"poisoned 1#0 4 poison": 1, "poisoned 1#1 4 poison": 1, "poisoned 1#2 4 poison": 1}
		if !maps.Equal(kept, want) {
			t.Errorf("kept are %v, want %v", kept, want)
		}
	})
}

// A follower that is stopped goes on where it was; one that died where it last
// acknowledged.
func TestAFollowerGoesOnWhereItWas(t *testing.T) {
	onBothFeeds(t, func(w *ward) {
		w.register("again")
		w.writes(3, 10)
		first := &memory{}
		w.follow(func() error { return first.missing(3, 10) }, first.consumer("again"))
		w.writes(3, 20) // each revision up to 10 a second time
		second := &memory{}
		w.follow(func() error { return second.missing(3, 20) }, second.consumer("again"))
		for pk, seen := range second.seen {
			if len(seen) != 20 {
				t.Errorf("%s: a follower that was stopped in peace sees %v", pk, seen)
			}
		}
		dead := &refusing{ConsumerFeed: w.feed}
		w.writes(3, 5)
		third := &memory{}
		w.feed = dead
		w.follow(func() error { return third.missing(3, 5) }, third.consumer("again"))
		w.feed = dead.ConsumerFeed
		fourth := &memory{}
		w.follow(func() error { return fourth.missing(3, 5) }, fourth.consumer("again"))
	})
}

// refusing is a feed that takes no acknowledgement, as if the process had died before each.
type refusing struct{ store.ConsumerFeed }

func (refusing) Acknowledge(context.Context, string, store.Position) error {
	return errors.New("the process is dead")
}
