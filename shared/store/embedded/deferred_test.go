package embedded

import (
	"errors"
	"testing"
	"time"

	"ascend/shared/store"
)

// next is a deferred update that counts, up to the item's limit.
func next() store.Update {
	return store.Update{
		Key: item("counter").Key, If: []store.Cond{store.Below("n", "limit")},
		Add: map[string]int64{"n": 1}, Deferred: true,
	}
}

// openCounter opens a store with a counter at 0 of 3, which commits what is
// deferred after the given time.
func openCounter(t *testing.T, deferral time.Duration) *Store {
	t.Helper()
	s := openInside(t)
	s.deferral = deferral
	it := item("counter")
	it.Attrs = store.Attrs{"limit": store.N(3)}
	write(t, s, store.Put{Item: it})
	return s
}

func count(t *testing.T, s *Store) int64 {
	t.Helper()
	items, err := s.Get(t.Context(), item("counter").Key)
	if err != nil {
		t.Fatal(err)
	}
	return items[0].Attrs["n"].Num()
}

func TestADeferredUpdateGoesWithTheNextCommit(t *testing.T) {
	s := openCounter(t, time.Hour)
	first := s.durable.Load()
	if it := write(t, s, next()); it.Attrs["n"].Num() != 1 {
		t.Errorf("answered %v", it.Attrs)
	}
	write(t, s, store.Put{Item: item("a")})
	if n, commits := count(t, s), s.durable.Load()-first; n != 1 || commits != 1 {
		t.Errorf("counted %d in %d commits", n, commits)
	}
}

func TestADeferredUpdateIsAnsweredWhileNothingCommits(t *testing.T) {
	s := openCounter(t, time.Hour)
	first := s.durable.Load()
	for n := range int64(3) {
		if it := write(t, s, next()); it.Attrs["n"].Num() != n+1 {
			t.Errorf("answered %v, want %d", it.Attrs, n+1)
		}
	}
	_, err := s.Write(t.Context(), next())
	if c, ok := store.Conflict(err); !ok || c.Old.Attrs["n"].Num() != 3 {
		t.Errorf("over the limit: %v", err)
	}
	if n, commits := count(t, s), s.durable.Load()-first; n != 0 || commits != 0 {
		t.Errorf("%d commits, and reads show %d", commits, n)
	}
}

func TestADeferredUpdateIsCommittedWhenNoOtherWriteComes(t *testing.T) {
	s := openCounter(t, deferral)
	write(t, s, next())
	for end := time.Now().Add(10 * time.Second); count(t, s) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("reads do not show it")
		}
	}
}

func TestDeferredUpdatesAloneDoNotFillMemory(t *testing.T) {
	s := openCounter(t, time.Hour)
	first := s.durable.Load()
	large := store.Update{Key: item("counter").Key, Set: store.Attrs{"x": store.S(string(make([]byte, 300_000)))}, Deferred: true}
	for range maxBytes/300_000 + 1 {
		write(t, s, large)
	}
	if commits := s.durable.Load() - first; commits > 1 {
		t.Errorf("%d commits", commits)
	}
	write(t, s, large) // begun after the commit that the last one caused
	if commits := s.durable.Load() - first; commits != 1 {
		t.Errorf("%d commits", commits)
	}
}

func TestAConflictIsAnsweredWhenWhatItSawIsDurable(t *testing.T) {
	s := openCounter(t, time.Hour)
	for range 3 {
		write(t, s, next())
	}
	over := next()
	over.Deferred = false
	if _, err := s.Write(t.Context(), over); err == nil {
		t.Error("admitted a fourth")
	}
	if n := count(t, s); n != 3 {
		t.Errorf("reads show %d after the conflict", n)
	}
}

func TestCloseKeepsADeferredUpdate(t *testing.T) {
	s := openCounter(t, time.Hour)
	path := s.db.Path()
	write(t, s, next())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, openAt(t, path)); n != 1 {
		t.Errorf("counted %d", n)
	}
}

func TestAFailedCommitUndoesADeferredUpdateAndEndsAllWriting(t *testing.T) {
	s := openCounter(t, deferral)
	begun, release := hold(s, false, errors.New("disk failed"))
	write(t, s, next())
	<-begun
	release()
	for range 2 {
		if _, err := s.Write(t.Context(), next()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if n := count(t, s); n != 0 {
		t.Errorf("counted %d", n)
	}
	if err := s.Close(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("close: %v", err)
	}
}

func TestAGroupWithADeferredUpdateIsDurableWhenAnswered(t *testing.T) {
	s := openCounter(t, time.Hour)
	if err := s.WriteAll(t.Context(), next(), store.Put{Item: item("a")}); err != nil {
		t.Fatal(err)
	}
	if count(t, s) != 1 || !exists(t, s, "a") {
		t.Error("the answered group is not shown")
	}
}
