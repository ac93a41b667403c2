package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ascend/shared/store"
	"ascend/shared/store/embedded"
	"ascend/shared/store/storetest"
)

func key(sort string) store.Key {
	return store.Key{Table: storetest.Things, PK: "p", SK: sort}
}

func put(t testing.TB, s store.Store, it store.Item) {
	t.Helper()
	if _, err := s.Write(t.Context(), store.Put{Item: it}); err != nil {
		t.Fatal(err)
	}
}

// sorts lists the sort keys of partition p.
func sorts(t testing.TB, s store.Store, index store.Index) []string {
	t.Helper()
	page, err := s.Query(t.Context(), store.Query{Table: storetest.Things, Index: index, PK: "p", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Sort
}

func TestWhatWasWrittenIsThereAfterClosing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, embedded.Options{})
	put(t, s, store.Item{
		Key: key("a"), Body: []byte("body"), Attrs: store.Attrs{"rank": store.N(1)},
		Index: map[store.Index]store.IndexKey{storetest.ByOwner: {PK: "p", SK: "x"}},
	})
	put(t, s, store.Item{Key: key("b")})
	shut(t, s)
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) != 1 {
		t.Errorf("closing left %v", left)
	}
	s = open(t, path, embedded.Options{})
	if got := sorts(t, s, ""); len(got) != 2 {
		t.Errorf("table lists %q", got)
	}
	if got := sorts(t, s, storetest.ByOwner); len(got) != 1 {
		t.Errorf("index lists %q", got)
	}
	items, err := s.Get(t.Context(), key("a"))
	if err != nil || items[0] == nil || string(items[0].Body) != "body" {
		t.Errorf("got %v, %v", items, err)
	}
}

func TestThereIsOneFileForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, path, embedded.Options{})
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestASecondOpeningFailsFast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, embedded.Options{})
	begin := time.Now()
	if _, err := embedded.Open(path, embedded.Options{}); !errors.Is(err, embedded.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	put(t, s, store.Item{Key: key("a")})
	shut(t, s)
	open(t, path, embedded.Options{})
}

func TestPathsThatCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	garbage := filepath.Join(folder, "garbage")
	if err := os.WriteFile(garbage, make([]byte, 70_000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder that does not exist": filepath.Join(folder, "nowhere", "store.db"),
		"a folder that is a file":      filepath.Join(garbage, "store.db"),
		"a folder":                     folder,
		"another kind of file":         garbage,
	} {
		if s, err := embedded.Open(path, embedded.Options{}); err == nil {
			t.Errorf("%s: opened", name)
			shut(t, s)
		}
	}
}

func TestAClosedStoreIsUnavailable(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), embedded.Options{})
	put(t, s, store.Item{Key: key("a")})
	shut(t, s)
	_, get := s.Get(t.Context(), key("a"))
	_, query := s.Query(t.Context(), store.Query{Table: storetest.Things, PK: "p", Limit: 1})
	_, write := s.Write(t.Context(), store.Put{Item: store.Item{Key: key("b")}})
	_, sweep := s.Sweep(t.Context(), time.Now())
	for what, err := range map[string]error{"get": get, "query": query, "write": write, "sweep": sweep} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !errors.Is(write, embedded.ErrClosed) {
		t.Errorf("write: %v", write)
	}
}

func TestATableMayGainAndLoseIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, embedded.Options{})
	at := map[store.Index]store.IndexKey{storetest.ByOwner: {PK: "p", SK: "1"}}
	put(t, s, store.Item{Key: key("a"), Index: at})
	shut(t, s)
	s, err := embedded.Open(path, embedded.Options{Tables: []store.Definition{{Table: storetest.Things, Indexes: []store.Index{"later"}}}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, store.Item{Key: key("b"), Index: map[store.Index]store.IndexKey{"later": {PK: "p", SK: "2"}}})
	put(t, s, store.Item{Key: key("a")})
	if got := sorts(t, s, "later"); len(got) != 1 {
		t.Errorf("new index lists %q", got)
	}
	shut(t, s)
}
