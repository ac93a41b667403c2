package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatARegistryRefusesIsFetchedOnceMore(t *testing.T) {
	for _, test := range []struct {
		name, script string
		tries        int
		absent, ok   bool
	}{
		{"it answers", "exit 0", 1, false, true},
		{"it answers the second time", `test "$(cat tries)" != x`, 2, false, true},
		{"it does not answer", "echo connection broken; exit 1", 2, true, false},
		{"it refuses", "exit 1", 2, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			command := []string{"sh", "-c", `cd "$1" && printf x >> tries && ` + test.script, "sh", folder}
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := fetch(t.Context(), command)
				if (err == nil) != test.ok || errors.Is(err, ErrAbsent) != test.absent {
					t.Errorf("ended with %v", err)
				}
				if pause := time.Since(began) >= retryPause; pause != (test.tries > 1) {
					t.Errorf("took %v", time.Since(began))
				}
			})
			if tries, err := os.ReadFile(filepath.Join(folder, "tries")); err != nil || string(tries) != strings.Repeat("x", test.tries) {
				t.Errorf("tried %q, %v", tries, err)
			}
		})
	}
	t.Run("it is cancelled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), retryPause/2)
			defer cancel()
			if err := fetch(ctx, []string{"false"}); err == nil || ctx.Err() == nil {
				t.Errorf("ended with %v while its context is %v", err, ctx.Err())
			}
		})
	})
}
