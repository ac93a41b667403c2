package embedded

import (
	"errors"
	"testing"
	"time"

	"ascend/shared/store"
)

var counter = store.Key{Table: "relaxed", PK: "p", SK: "counter"}

// next is an update of a relaxed table that counts, up to the item's limit.
func next() store.Update {
	return store.Update{Key: counter, If: []store.Cond{store.Below("n", "limit")}, Add: map[string]int64{"n": 1}}
}

// openCounter opens a store with a counter at 0 of 3, which commits what is
// relaxed after the given time.
func openCounter(t *testing.T, relaxation time.Duration) *Store {
	t.Helper()
	s := openInside(t)
	s.relaxation = relaxation
	must(t, s, store.Put{Item: store.Item{Key: counter, Attrs: store.Attrs{"limit": store.N(3)}}})
	return s
}

func count(t *testing.T, s *Store) int64 {
	t.Helper()
	items, err := s.Get(t.Context(), counter)
	if err != nil {
		t.Fatal(err)
	}
	return items[0].Attrs["n"].Num()
}

func TestAnUpdateOfARelaxedTableGoesWithTheNextCommit(t *testing.T) {
	s := openCounter(t, time.Hour)
	made := commits(s)
	for n := range int64(3) {
		if it := must(t, s, next()); it.Attrs["n"].Num() != n+1 {
			t.Errorf("answered %v, want %d", it.Attrs, n+1)
		}
	}
	_, err := s.Write(t.Context(), next())
	if c, ok := store.Conflict(err); !ok || c.Old.Attrs["n"].Num() != 3 {
		t.Errorf("over the limit: %v", err)
	}
	if n := made.Load(); n != 0 {
		t.Errorf("%d commits before the next write", n)
	}
	must(t, s, store.Put{Item: item("a")})
	if n := made.Load(); n != 1 {
		t.Errorf("%d commits", n)
	}
	if n := count(t, s); n != 3 || made.Load() != 1 {
		t.Errorf("counted %d in %d commits", n, made.Load())
	}
}

func TestAReadOfARelaxedTableCommitsWhatItShows(t *testing.T) {
	s := openCounter(t, time.Hour)
	made := commits(s)
	must(t, s, next())
	if n := count(t, s); n != 1 || made.Load() != 1 {
		t.Errorf("counted %d after %d commits", n, made.Load())
	}
	must(t, s, next())
	page, err := s.Query(t.Context(), store.Query{Table: counter.Table, PK: counter.PK, Limit: 1})
	if err != nil || page.Items[0].Attrs["n"].Num() != 2 || made.Load() != 2 {
		t.Errorf("query: %v, %v after %d commits", page, err, made.Load())
	}
}

func TestAConflictCommitsWhatItShows(t *testing.T) {
	s := openCounter(t, time.Hour)
	made := commits(s)
	must(t, s, next())
	if _, err := s.Write(t.Context(), store.Put{Item: store.Item{Key: counter}, If: []store.Cond{store.Absent()}}); err == nil || made.Load() != 1 {
		t.Errorf("%v after %d commits", err, made.Load())
	}
}

func TestAnUpdateOfARelaxedTableIsCommittedWhenNoOtherWriteComes(t *testing.T) {
	s := openCounter(t, relaxation)
	made := commits(s)
	must(t, s, next())
	for end := time.Now().Add(10 * time.Second); made.Load() != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is not committed")
		}
	}
}

func TestManyUpdatesOfARelaxedTableDoNotWaitForEver(t *testing.T) {
	s := openCounter(t, time.Hour)
	made := commits(s)
	for range maxRequests {
		must(t, s, store.Update{Key: counter, Add: map[string]int64{"x": 1}})
	}
	if n := made.Load(); n != 1 {
		t.Errorf("%d commits", n)
	}
}

func TestCloseKeepsAnUpdateOfARelaxedTable(t *testing.T) {
	s := openCounter(t, time.Hour)
	path := s.db.Path()
	must(t, s, next())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, openAt(t, path)); n != 1 {
		t.Errorf("counted %d", n)
	}
}

func TestAFailedCommitUndoesARelaxedUpdateAndEndsAllWriting(t *testing.T) {
	s := openCounter(t, relaxation)
	path := s.db.Path()
	begun, release := hold(s, errors.New("disk failed"))
	must(t, s, next())
	<-begun
	release()
	for range 2 {
		if _, err := s.Write(t.Context(), next()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if err := s.Close(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("close: %v", err)
	}
	if n := count(t, openAt(t, path)); n != 0 {
		t.Errorf("counted %d", n)
	}
}

func TestAGroupWithARelaxedTableIsDurableWhenAnswered(t *testing.T) {
	s := openCounter(t, time.Hour)
	made := commits(s)
	if err := s.WriteAll(t.Context(), next(), store.Put{Item: item("a")}); err != nil || made.Load() != 1 {
		t.Errorf("%v after %d commits", err, made.Load())
	}
}

func TestAProbeFailsExactlyWhenWritesDo(t *testing.T) {
	s := openInside(t)
	made := commits(s)
	if err := s.ping(t.Context()); err != nil || made.Load() != 1 {
		t.Errorf("%v after %d commits", err, made.Load())
	}
	_, release := hold(s, errors.New("disk failed"))
	release()
	for range 2 {
		if err := s.ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if err := s.Close(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("close: %v", err)
	}
	if err := s.ping(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
