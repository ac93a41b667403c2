package embedded

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
)

var testTables = []store.Definition{
	{Table: "t", Indexes: []store.Index{"i"}, Project: []string{"n"}, Streamed: true},
	{Table: "relaxed", Relaxed: true},
}

func openInside(t testing.TB) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "store.db"))
}

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{Tables: testTables})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func item(sort string) store.Item {
	return store.Item{
		Key:   store.Key{Table: "t", PK: "p", SK: sort},
		Index: map[store.Index]store.IndexKey{"i": {PK: "p", SK: sort}},
	}
}

func exists(t *testing.T, s *Store, sort string) bool {
	t.Helper()
	items, err := s.Get(t.Context(), item(sort).Key)
	if err != nil {
		t.Fatal(err)
	}
	return items[0] != nil
}

// hold makes the next commit wait until release is called. begun tells when it
// waits, and fail is its outcome.
func hold(s *Store, fail error) (begun chan struct{}, release func()) {
	begun, released := make(chan struct{}), make(chan struct{})
	was := s.commit
	s.commit = func(tx *bbolt.Tx) error {
		s.commit = was
		close(begun)
		<-released
		if fail != nil {
			return errors.Join(fail, tx.Rollback())
		}
		return was(tx)
	}
	return begun, func() { close(released) }
}

// commits counts the commits from now on.
func commits(s *Store) *atomic.Int32 {
	var n atomic.Int32
	was := s.commit
	s.commit = func(tx *bbolt.Tx) error {
		n.Add(1)
		return was(tx)
	}
	return &n
}

// writing begins a put and gives its answer.
func writing(ctx context.Context, s *Store, sort string) chan error {
	answer := make(chan error, 1)
	go func() {
		_, err := s.Write(ctx, store.Put{Item: item(sort)})
		answer <- err
	}()
	return answer
}

func must(t *testing.T, s *Store, op store.Op) *store.Item {
	t.Helper()
	it, err := s.Write(t.Context(), op)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func TestACallerWhoLeavesBeforeItsWriteBeginsChangesNothing(t *testing.T) {
	s := openInside(t)
	begun, release := hold(s, nil)
	first := writing(t.Context(), s, "first")
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := <-writing(ctx, s, "a"); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	release()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	must(t, s, store.Put{Item: item("b")})
	if exists(t, s, "a") {
		t.Error("the write took place")
	}
}

func TestACallerWhoLeavesDuringItsWriteIsToldThatItMayTakeEffect(t *testing.T) {
	s := openInside(t)
	begun, release := hold(s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	answer := writing(ctx, s, "a")
	<-begun
	cancel()
	if err := <-answer; !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	must(t, s, store.Put{Item: item("b")})
	if !exists(t, s, "a") {
		t.Error("the write did not take place")
	}
}

func TestAWriteIsAnsweredAndShownAfterItsCommit(t *testing.T) {
	s := openInside(t)
	begun, release := hold(s, nil)
	answer := writing(t.Context(), s, "a")
	<-begun
	if exists(t, s, "a") {
		t.Error("a reader sees what is not durable")
	}
	select {
	case err := <-answer:
		t.Errorf("answered %v before the commit", err)
	case <-time.After(10 * time.Millisecond):
	}
	release()
	if err := <-answer; err != nil || !exists(t, s, "a") {
		t.Errorf("after the commit: %v", err)
	}
}

func TestWritesThatWaitTogetherShareOneCommit(t *testing.T) {
	s := openInside(t)
	made := commits(s)
	begun, release := hold(s, nil)
	answers := []chan error{writing(t.Context(), s, "first")}
	<-begun
	for n := range 50 {
		answers = append(answers, writing(t.Context(), s, fmt.Sprint(n)))
	}
	waitFor(s, 50)
	release()
	for _, answer := range answers {
		if err := <-answer; err != nil {
			t.Fatal(err)
		}
	}
	if n := made.Load(); n != 2 {
		t.Errorf("51 writes took %d commits, want 2", n)
	}
}

// waitFor waits until n requests do.
func waitFor(s *Store, n int) {
	for len(s.requests) < n {
		time.Sleep(time.Millisecond)
	}
}

func TestAfterAFailedCommitNothingIsWrittenAndReadsGoOn(t *testing.T) {
	s := openInside(t)
	path := s.db.Path()
	must(t, s, store.Put{Item: item("a")})
	begun, release := hold(s, errors.New("disk failed"))
	failing := writing(t.Context(), s, "b")
	<-begun
	waiting := writing(t.Context(), s, "c")
	waitFor(s, 1)
	release()
	for _, answer := range []chan error{failing, waiting, writing(t.Context(), s, "d")} {
		if err := <-answer; !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if !exists(t, s, "a") || exists(t, s, "b") || exists(t, s, "c") || exists(t, s, "d") {
		t.Error("reads do not show what was acknowledged, and only that")
	}
	if err := s.Close(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("close: %v", err)
	}
	again := openAt(t, path)
	if !exists(t, again, "a") {
		t.Error("opening again does not show what was acknowledged")
	}
	must(t, again, store.Put{Item: item("b")})
}

func TestAWriteThatTheFileRefusedIsNotAnsweredAsMade(t *testing.T) {
	for name, relaxed := range map[string]bool{"waiting for its commit": false, "relaxed": true} {
		t.Run(name, func(t *testing.T) {
			s := openInside(t)
			must(t, s, store.Put{Item: item("a")})
			refused := errors.New("refused")
			err := s.submit(t.Context(), relaxed, func(b *batch) error {
				b.put(0, []byte("half done"), nil)
				b.fail(refused)
				return nil
			})
			if !errors.Is(err, refused) || !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			if err := s.ping(t.Context()); !errors.Is(err, refused) {
				t.Errorf("afterwards: %v", err)
			}
			if !exists(t, s, "a") {
				t.Error("reads do not go on")
			}
		})
	}
}

func TestADamagedRecordIsAnErrorAndOthersAreNot(t *testing.T) {
	s := openInside(t)
	for _, sort := range []string{"a", "b"} {
		if _, err := s.Write(t.Context(), store.Put{Item: item(sort)}); err != nil {
			t.Fatal(err)
		}
	}
	path := s.db.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, fileMode, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(
			tx.Bucket([]byte("t")).Put(key("p", "a"), []byte{0, 99}),
			tx.Bucket(feedBucket).Put(number(1), []byte{0, 99}),
			tx.Bucket(feedBucket).Put(number(2), append(tx.Bucket(feedBucket).Get(number(2)), 0)),
		)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	_, get := s.Get(t.Context(), item("a").Key)
	_, query := s.Query(t.Context(), store.Query{Table: "t", PK: "p", Limit: 9})
	_, update := s.Write(t.Context(), store.Update{Key: item("a").Key, Add: map[string]int64{"n": 1}})
	for what, err := range map[string]error{"get": get, "query": query, "write": update} {
		if !errors.Is(err, ErrCorrupt) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !exists(t, s, "b") {
		t.Error("b is gone")
	}
	must(t, s, store.Put{Item: item("c")})
	changes, at, err := s.Changes(t.Context(), "", 9)
	if err != nil || at != "3" || len(changes) != 3 {
		t.Fatalf("%d changes up to %q, %v", len(changes), at, err)
	}
	if c := changes[0]; !errors.Is(c.Err, ErrCorrupt) || c.New != nil {
		t.Errorf("the damaged change is %+v", c)
	}
	if c := changes[1]; !errors.Is(c.Err, ErrCorrupt) || c.Key != item("b").Key || c.New != nil {
		t.Errorf("the change with a damaged image is %+v", c)
	}
	if c := changes[2]; c.Err != nil || c.Key != item("c").Key || c.New == nil {
		t.Errorf("the whole change is %+v", c)
	}
}
