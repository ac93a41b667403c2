package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"ascend/shared/store"
	"ascend/shared/store/embedded"
	"ascend/shared/store/storetest"
)

// crashPath makes the test program write to a store until it is killed.
const crashPath = "ASCEND_TEST_CRASH_PATH"

// With this log a checkpoint begins about every 30 groups.
var crashOptions = embedded.Options{Tables: storetest.Definitions(), LogSize: 16 << 10}

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// counted is the item that counts the groups of writeUntilKilled.
var counted = store.Key{Table: storetest.Others, PK: "p", SK: "count"}

// writeUntilKilled writes groups of three items from eight goroutines and
// prints the number of each that was acknowledged.
func writeUntilKilled(path string) error {
	s, err := embedded.Open(path, crashOptions)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if _, err := s.Write(ctx, store.Put{Item: store.Item{Key: counted}, If: []store.Cond{store.Absent()}}); err != nil {
		if _, ok := store.Conflict(err); !ok {
			return err
		}
	}
	failed := make(chan error)
	for worker := range 8 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), worker, i)
				err := s.WriteAll(ctx,
					store.Put{Item: crashItem(id), If: []store.Cond{store.Absent()}},
					store.Put{Item: store.Item{Key: store.Key{Table: storetest.Others, PK: "twin", SK: id}}},
					store.Update{Key: counted, Add: map[string]int64{"n": 1}},
				)
				if err != nil {
					failed <- err
				}
				fmt.Println(id)
			}
		}()
	}
	return <-failed
}

func crashItem(id string) store.Item {
	return store.Item{
		Key: key(id), Body: make([]byte, 300), Attrs: store.Attrs{"status": store.S(id)},
		Index: map[store.Index]store.IndexKey{storetest.ByOwner: {PK: "p", SK: id}},
	}
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	acknowledged := map[string]bool{}
	for round := range 5 {
		for _, id := range runAndKill(t, path) {
			acknowledged[id] = true
		}
		s, err := embedded.Open(path, crashOptions)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n := checkWhole(t, s, acknowledged)
		t.Logf("round %d: %d acknowledged, %d stored", round, len(acknowledged), n)
		shut(t, s)
	}
	if len(acknowledged) < 100 {
		t.Errorf("only %d writes were made", len(acknowledged))
	}
}

// runAndKill lets a process write for a moment, kills it and returns what was
// acknowledged.
func runAndKill(t *testing.T, path string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	lines := bufio.NewScanner(out)
	var killing sync.Once
	for lines.Scan() {
		ids = append(ids, lines.Text())
		killing.Do(func() {
			time.AfterFunc(time.Duration(20+rand.IntN(200))*time.Millisecond, func() {
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
			})
		})
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writing process was not killed: %v", err)
	}
	return ids
}

// checkWhole checks that groups are whole and the acknowledged ones there.
func checkWhole(t *testing.T, s store.Store, acknowledged map[string]bool) int {
	t.Helper()
	read := func(q store.Query) map[string]bool {
		found := map[string]bool{}
		for q.Limit = 1000; ; {
			page, err := s.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, sort := range page.Sort {
				found[sort] = true
				q.After = sort
			}
			if !page.More {
				return found
			}
		}
	}
	stored := read(store.Query{Table: storetest.Things, PK: "p"})
	indexed := read(store.Query{Table: storetest.Things, Index: storetest.ByOwner, PK: "p"})
	twins := read(store.Query{Table: storetest.Others, PK: "twin"})
	for id := range acknowledged {
		if !stored[id] {
			t.Fatalf("acknowledged %s is lost", id)
		}
	}
	for id := range stored {
		if !indexed[id] || !twins[id] {
			t.Fatalf("%s: in index %v, twin %v", id, indexed[id], twins[id])
		}
	}
	items, err := s.Get(t.Context(), counted)
	if err != nil {
		t.Fatal(err)
	}
	n := items[0].Attrs["n"].Num()
	if int(n) != len(stored) || len(indexed) != len(stored) || len(twins) != len(stored) {
		t.Fatalf("%d stored, %d in index, %d twins, %d counted", len(stored), len(indexed), len(twins), n)
	}
	return int(n)
}

// abandon leaves a store as a crash would: it copies the files of an open one.
func abandon(t *testing.T, path string) (copied string) {
	t.Helper()
	copied = filepath.Join(t.TempDir(), "store.db")
	for _, suffix := range []string{"", "-log0", "-log1"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

func TestATornLogLosesOnlyTheBatchThatWasTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, embedded.Options{})
	for i := range 5 {
		put(t, s, store.Item{Key: key(strconv.Itoa(i)), Body: []byte("a body of forty bytes, ends in no zeros..")})
	}
	whole := abandon(t, path)
	content, err := os.ReadFile(whole + "-log0")
	if err != nil {
		t.Fatal(err)
	}
	end := len(content)
	for end > 0 && content[end-1] == 0 {
		end--
	}
	for cut := end - 1; cut > end-60; cut -= 7 { // the last batch is longer than its body and header
		torn := append([]byte{}, content...)
		torn[cut] ^= 0x55
		if err := os.WriteFile(whole+"-log0", torn, 0o600); err != nil {
			t.Fatal(err)
		}
		again := abandon(t, whole)
		s := open(t, again, embedded.Options{})
		if got := sorts(t, s, ""); len(got) != 4 {
			t.Fatalf("byte %d of %d damaged: %q", cut, end, got)
		}
		put(t, s, store.Item{Key: key("after")})
		later := open(t, abandon(t, again), embedded.Options{})
		if got := sorts(t, later, ""); len(got) != 5 {
			t.Fatalf("after another crash: %q", got)
		}
	}
}

func TestARecoveredLogIsNotReplayedOverLaterWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, embedded.Options{})
	rank := func(n int64) store.Item { // batches of one length
		return store.Item{Key: key("a"), Attrs: store.Attrs{"rank": store.N(n)}}
	}
	for n := range int64(5) {
		put(t, s, rank(n))
	}
	path = abandon(t, path)
	s = open(t, path, embedded.Options{})
	put(t, s, rank(5))
	s = open(t, abandon(t, path), embedded.Options{})
	items, err := s.Get(t.Context(), key("a"))
	if err != nil || items[0].Attrs["rank"].Num() != 5 {
		t.Errorf("got %v, %v, want the last write", items[0].Attrs, err)
	}
}

func TestAMissingOrBrokenLogIsNotPassedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, embedded.Options{LogSize: 100_000})
	// The first log file is full and its checkpoint done; then the first again.
	for i := range 900 {
		put(t, s, store.Item{Key: key(strconv.Itoa(i)), Body: make([]byte, 1000)})
	}
	for n := range 2 {
		info, err := os.Stat(fmt.Sprintf("%s-log%d", path, n))
		if err != nil || info.Size() == 0 || info.Size() > 1<<20 {
			t.Errorf("log file %d: %v, %v", n, info, err)
		}
	}
	for name, damage := range map[string]func(path string) error{
		"first file missing":  func(path string) error { return os.Remove(path + "-log0") },
		"second file missing": func(path string) error { return os.Remove(path + "-log1") },
	} {
		broken := abandon(t, path)
		if err := damage(broken); err != nil {
			t.Fatal(err)
		}
		if s, err := embedded.Open(broken, embedded.Options{}); !errors.Is(err, embedded.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
			if err == nil {
				shut(t, s)
			}
		}
	}
	s = open(t, abandon(t, path), embedded.Options{})
	if got := sorts(t, s, ""); len(got) != 900 {
		t.Errorf("%d items after a crash, want 900", len(got))
	}
}
