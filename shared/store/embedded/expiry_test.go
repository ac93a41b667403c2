package embedded

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ascend/shared/store"
)

func TestSweepForgetsWhatHasExpired(t *testing.T) {
	s := openInside(t)
	now := time.Unix(1_800_000_000, 0)
	write := func(sort string, expires time.Time) {
		t.Helper()
		it := item(sort)
		it.Expires = expires
		if _, err := s.Write(t.Context(), store.Put{Item: it}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3*sweepAtOnce/2 + 1 {
		write(fmt.Sprintf("old%04d", i), now.Add(-time.Duration(i)*time.Second))
	}
	write("kept", time.Time{})
	write("later", now.Add(time.Second))
	write("extended", now.Add(-time.Hour))
	write("extended", now.Add(time.Hour))
	write("deleted", now.Add(-time.Hour))
	write("unlimited", now.Add(-time.Hour))
	write("unlimited", time.Time{})
	write("updated", now.Add(-time.Hour))
	if _, err := s.Write(t.Context(), store.Delete{Key: item("deleted").Key}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), store.Update{Key: item("updated").Key, Add: map[string]int64{"n": 1}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{3*sweepAtOnce/2 + 2, 0} {
		if n, err := s.Sweep(t.Context(), now); n != want || err != nil {
			t.Errorf("swept %d, %v, want %d", n, err, want)
		}
	}
	for _, index := range []store.Index{"", "i"} {
		page, err := s.Query(t.Context(), store.Query{Table: "t", Index: index, PK: "p", Limit: 100})
		if want := []string{"extended", "kept", "later", "unlimited"}; err != nil || !slices.Equal(page.Sort, want) {
			t.Errorf("index %q: %q, %v, want %q", index, page.Sort, err, want)
		}
	}
	if n, err := s.Sweep(t.Context(), now.Add(24*time.Hour)); n != 2 || err != nil {
		t.Errorf("a day later: swept %d, %v, want 2", n, err)
	}
}
