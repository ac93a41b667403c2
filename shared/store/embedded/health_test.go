package embedded

import (
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"ascend/shared/store"
)

func TestAStoreThatRefusesWritesIsNotHealthy(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var full error
	commits := 0
	commit := s.commit
	s.commit = func(tx *bbolt.Tx) error {
		commits++
		if full != nil {
			return errors.Join(full, tx.Rollback())
		}
		return commit(tx)
	}
	probe := func(want bool) {
		t.Helper()
		if err := s.Healthy(t.Context()); (err == nil) != want || err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("healthy: %v, want %v", err, want)
		}
	}
	probe(true)
	probe(true)
	if commits != 1 {
		t.Errorf("two probes in one second cost %d commits", commits)
	}
	full = errors.New("no space left on device")
	s.health.at = s.health.at.Add(-probeEvery)
	probe(false)
	probe(false)
	if commits != 2 {
		t.Errorf("probes in two seconds cost %d commits", commits)
	}
}
