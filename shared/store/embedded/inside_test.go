package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
)

var testTables = []store.Definition{{Table: "t", Indexes: []store.Index{"i"}, Project: []string{"n"}}}

func openInside(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{Tables: testTables})
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

func TestACallerWhoLeavesBeforeItsWriteBeginsChangesNothing(t *testing.T) {
	s := openInside(t)
	s.state.Lock() // the writer cannot read the state
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Write(ctx, store.Put{Item: item("a")})
	s.state.Unlock()
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Write(t.Context(), store.Put{Item: item("b")}); err != nil {
		t.Fatal(err)
	}
	if exists(t, s, "a") {
		t.Error("the write took place")
	}
}

// holdSync makes the next sync wait until the returned function is called, and
// tells when it has begun.
func holdSync(s *Store) (begun chan struct{}, release func()) {
	begun, released := make(chan struct{}), make(chan struct{})
	s.log.sync = func(f *os.File) error {
		close(begun)
		<-released
		s.log.sync = syncData
		return syncData(f)
	}
	return begun, func() { close(released) }
}

func TestAWriteIsAnsweredAndShownAfterItsSync(t *testing.T) {
	s := openInside(t)
	begun, release := holdSync(s)
	answer := make(chan error)
	go func() {
		_, err := s.Write(t.Context(), store.Put{Item: item("a")})
		answer <- err
	}()
	<-begun
	if exists(t, s, "a") {
		t.Error("a reader sees what is not durable")
	}
	select {
	case err := <-answer:
		t.Errorf("answered %v before the sync", err)
	case <-time.After(10 * time.Millisecond):
	}
	release()
	if err := <-answer; err != nil || !exists(t, s, "a") {
		t.Errorf("after the sync: %v", err)
	}
}

func TestACallerWhoLeavesDuringItsWriteIsToldThatItMayTakeEffect(t *testing.T) {
	s := openInside(t)
	begun, release := holdSync(s)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() {
		_, err := s.Write(ctx, store.Put{Item: item("a")})
		answer <- err
	}()
	<-begun
	cancel()
	if err := <-answer; !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if _, err := s.Write(t.Context(), store.Put{Item: item("b")}); err != nil {
		t.Fatal(err)
	}
	if !exists(t, s, "a") {
		t.Error("the write did not take place")
	}
}

func TestWritesThatWaitTogetherShareOneSync(t *testing.T) {
	s := openInside(t)
	begun, release := holdSync(s)
	var wg sync.WaitGroup
	write := func(sort string) {
		wg.Go(func() {
			if _, err := s.Write(t.Context(), store.Put{Item: item(sort)}); err != nil {
				t.Error(err)
			}
		})
	}
	write("first")
	<-begun
	for n := range 50 {
		write(fmt.Sprint(n))
	}
	for waiting := 0; waiting < 50; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		waiting = len(s.waiting)
		s.mu.Unlock()
	}
	release()
	wg.Wait()
	if _, err := s.Write(t.Context(), store.Put{Item: item("last")}); err != nil {
		t.Fatal(err)
	}
	s.state.RLock()
	defer s.state.RUnlock()
	if s.memory.last != 3 {
		t.Errorf("52 writes took %d syncs, want 3", s.memory.last)
	}
}

func TestAfterAFailedSyncNothingIsWrittenAndReadsGoOn(t *testing.T) {
	s := openInside(t)
	if _, err := s.Write(t.Context(), store.Put{Item: item("a")}); err != nil {
		t.Fatal(err)
	}
	s.log.sync = func(*os.File) error { return errors.New("disk failed") }
	for range 2 {
		if _, err := s.Write(t.Context(), store.Put{Item: item("b")}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if !exists(t, s, "a") || exists(t, s, "b") {
		t.Error("reads do not show what was acknowledged, and only that")
	}
	if err := s.Close(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("close: %v", err)
	}
	again, err := Open(s.path, Options{Tables: testTables})
	if err != nil {
		t.Fatal(err)
	}
	if !exists(t, again, "a") {
		t.Error("opening again does not show what was acknowledged")
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestADamagedItemIsAnErrorAndOthersAreNot(t *testing.T) {
	s := openInside(t)
	for _, sort := range []string{"a", "b"} {
		if _, err := s.Write(t.Context(), store.Put{Item: item(sort)}); err != nil {
			t.Fatal(err)
		}
	}
	s.state.Lock()
	s.memory.put(s.tables["t"].slot, appendKey(nil, "p", "a"), []byte{recordVersion, 99})
	s.state.Unlock()
	_, get := s.Get(t.Context(), item("a").Key)
	_, query := s.Query(t.Context(), store.Query{Table: "t", PK: "p", Limit: 9})
	_, write := s.Write(t.Context(), store.Update{Key: item("a").Key, Add: map[string]int64{"n": 1}})
	for what, err := range map[string]error{"get": get, "query": query, "write": write} {
		if !errors.Is(err, ErrCorrupt) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !exists(t, s, "b") {
		t.Error("b is gone")
	}
}

// A snapshot of layers over the file reads like one sorted map.
func TestLayersOverTheFileReadAsOne(t *testing.T) {
	s := openInside(t)
	slot := s.tables["t"].slot
	random := rand.New(rand.NewPCG(3, 4))
	want := map[string]string{}
	upper, lower := newLayer(len(s.buckets)), newLayer(len(s.buckets))
	change := func(put func(key, value []byte)) {
		for range 150 {
			key := fmt.Sprintf("%03d", random.IntN(300))
			if random.IntN(4) == 0 {
				put([]byte(key), nil)
				delete(want, key)
				continue
			}
			want[key] = fmt.Sprint(random.Int())
			put([]byte(key), []byte(want[key]))
		}
	}
	err := s.db.Update(func(tx *bbolt.Tx) (err error) {
		change(func(key, value []byte) { err = errors.Join(err, set(tx.Bucket(s.buckets[slot]), key, value)) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	change(func(key, value []byte) { lower.put(slot, key, value) })
	change(func(key, value []byte) { upper.put(slot, key, value) })
	s.frozen, s.memory = lower, upper
	defer func() { s.frozen, s.memory = nil, newLayer(len(s.buckets)) }()

	snap, err := s.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.tx.Rollback()
	var sorted []string
	for key := range want {
		sorted = append(sorted, key)
	}
	slices.Sort(sorted)
	for n := range 301 {
		start := fmt.Sprintf("%03d", n)
		if got := snap.get(slot, []byte(start)); string(got) != want[start] {
			t.Fatalf("get %s: %q, want %q", start, got, want[start])
		}
		i, _ := slices.BinarySearch(sorted, start)
		below := slices.Clone(sorted[:i])
		slices.Reverse(below)
		for down, expected := range map[bool][]string{false: sorted[i:], true: below} {
			var got []string
			snap.scan(slot, []byte(start), down, func(key, value []byte) bool {
				if !bytes.Equal(value, []byte(want[string(key)])) {
					t.Errorf("scan shows %s = %q, want %q", key, value, want[string(key)])
				}
				got = append(got, string(key))
				return len(got) < 20
			})
			if expected = expected[:min(20, len(expected))]; !slices.Equal(got, expected) {
				t.Fatalf("from %s, down %v:\n got %q\nwant %q", start, down, got, expected)
			}
		}
	}
}
