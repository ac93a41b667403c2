package embedded_test

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"ascend/shared/store"
	"ascend/shared/store/embedded"
)

// changes reads up to 1000 changes after a position.
func changes(t *testing.T, s *embedded.Store, after store.Position) ([]store.Change, store.Position) {
	t.Helper()
	all, next, err := s.Changes(t.Context(), after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all, next
}

func putSome(t *testing.T, s store.Store, n int) {
	t.Helper()
	for i := range n {
		put(t, s, store.Item{Key: key(strconv.Itoa(i)), Body: []byte(time.Now().String())})
	}
}

func TestAChangeIsKeptUntilEveryConsumerHasAcknowledgedIt(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "store.db"), t.Context()
	s := open(t, path, embedded.Options{})
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kept := func(want int) {
		t.Helper()
		if _, err := s.Position(ctx, "fast"); err != nil { // commits what was acknowledged
			t.Fatal(err)
		}
		if all, _ := changes(t, s, ""); len(all) != want {
			t.Errorf("%d changes are kept, want %d", len(all), want)
		}
	}
	putSome(t, s, 3)
	check(s.Register(ctx, "fast", "slow"))
	first, third := store.Position("1"), store.Position("3")
	check(s.Acknowledge(ctx, "fast", third))
	kept(3)
	check(s.Acknowledge(ctx, "slow", first))
	kept(2)
	check(s.Acknowledge(ctx, "fast", first)) // behind what it acknowledged
	shut(t, s)

	s = open(t, path, embedded.Options{})
	check(s.Register(ctx, "slow", "fast"))
	for name, want := range map[string]store.Position{"fast": third, "slow": first} {
		if at, err := s.Position(ctx, name); err != nil || at != want {
			t.Errorf("%s is at %q after opening again, %v; want %q", name, at, err, want)
		}
	}
	kept(2)
	check(s.Register(ctx, "fast", "new")) // new starts at the oldest kept
	check(s.Acknowledge(ctx, "new", third))
	kept(0)
	if all, at := changes(t, s, third); len(all) != 0 || at != third {
		t.Errorf("after the last change: %v, %q", all, at)
	}
	if _, _, err := s.Changes(ctx, first, 1); !errors.Is(err, store.ErrTrimmed) {
		t.Errorf("after a change that is gone: %v", err)
	}
	put(t, s, store.Item{Key: key("next")})
	if all, _ := changes(t, s, third); len(all) != 1 || all[0].Sequence != "4" {
		t.Errorf("the next change is %v", all)
	}
	if _, _, err := s.Changes(ctx, first, 1); !errors.Is(err, store.ErrTrimmed) {
		t.Errorf("after a change that is gone, with one to come: %v", err)
	}
}

func TestConsumersAndPositionsThatDoNotExistAreRefused(t *testing.T) {
	s, ctx := open(t, filepath.Join(t.TempDir(), "store.db"), embedded.Options{}), t.Context()
	putSome(t, s, 1)
	if err := s.Register(ctx, "known"); err != nil {
		t.Fatal(err)
	}
	_, position := s.Position(ctx, "unknown")
	_, _, ahead := s.Changes(ctx, "2", 1)
	for name, err := range map[string]error{
		"a consumer without name":           s.Register(ctx, "known", ""),
		"the position of an unknown one":    position,
		"an acknowledgement by one":         s.Acknowledge(ctx, "unknown", "1"),
		"an acknowledgement of what is not": s.Acknowledge(ctx, "known", "2"),
		"an acknowledgement of nonsense":    s.Acknowledge(ctx, "known", "-1"),
		"waiting after nonsense":            s.Wait(ctx, "0"),
		"reading after what is not":         ahead,
	} {
		if err == nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrTrimmed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if at, err := s.Position(ctx, "known"); at != "" || err != nil {
		t.Errorf("the known consumer is at %q, %v", at, err)
	}
}

func TestWaitEndsWithTheNextChangeOrTheContextOrTheStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), embedded.Options{})
	waiting := func(ctx context.Context, after store.Position) chan error {
		done := make(chan error, 1)
		go func() { done <- s.Wait(ctx, after) }()
		select {
		case err := <-done:
			t.Fatalf("it did not wait: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
		return done
	}
	one, two := waiting(t.Context(), ""), waiting(t.Context(), "")
	putSome(t, s, 1)
	if err := errors.Join(<-one, <-two, s.Wait(t.Context(), "")); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	left, closed := waiting(ctx, "1"), waiting(t.Context(), "1")
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended: %v", err)
	}
	shut(t, s)
	if err := <-closed; !errors.Is(err, embedded.ErrClosed) {
		t.Errorf("the store was closed: %v", err)
	}
}

func TestWhatExpiresIsToldAsRemoved(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), embedded.Options{})
	put(t, s, store.Item{Key: key("a"), Expires: time.Unix(1, 0)})
	if n, err := s.Sweep(t.Context(), time.Now()); n != 1 || err != nil {
		t.Fatalf("swept %d, %v", n, err)
	}
	all, _ := changes(t, s, "")
	if len(all) != 2 || all[1].Key != key("a") || all[1].Old == nil || all[1].New != nil {
		t.Errorf("told %v", all)
	}
}
