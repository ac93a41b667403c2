package embedded_test

import (
	"path/filepath"
	"testing"

	"ascend/shared/store"
	"ascend/shared/store/embedded"
	"ascend/shared/store/storetest"
)

// open opens a store with the suite's tables that closes with the test.
func open(t testing.TB, path string, opts embedded.Options) *embedded.Store {
	t.Helper()
	opts.Tables = storetest.Definitions()
	s, err := embedded.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s *embedded.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, filepath.Join(t.TempDir(), "store.db"), embedded.Options{})
	})
}

func TestFeedConformance(t *testing.T) {
	storetest.RunFeed(t, func(t *testing.T) (store.Store, store.Feed) {
		s := open(t, filepath.Join(t.TempDir(), "store.db"), embedded.Options{})
		return s, s
	})
}
