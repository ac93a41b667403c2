package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ascend/shared/store"
	"ascend/shared/store/embedded"
	"ascend/shared/store/storetest"
)

// crashPath makes the test program write to a store until it is killed.
const crashPath = "ASCEND_TEST_CRASH_PATH"

var crashOptions = embedded.Options{Tables: storetest.Definitions()}

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// counted is the item that counts the groups of writeUntilKilled.
var counted = store.Key{Table: storetest.Things, PK: "count", SK: "it"}

// reader is the consumer that writeUntilKilled runs, and told leads its lines.
const reader, told = "reader", "told "

// foretold is the item in a relaxed table in which a worker of writeUntilKilled
// says which group it writes next.
func foretold(worker string) store.Key {
	return store.Key{Table: storetest.Others, PK: "foretold", SK: worker}
}

// writeUntilKilled writes groups of three items from eight goroutines, each
// after an update of a relaxed table, and prints the number of each that was acknowledged.
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
	if err := s.Register(ctx, reader); err != nil {
		return err
	}
	failed := make(chan error)
	go func() { failed <- readChanges(ctx, s) }()
	for n := range 8 {
		go func() { failed <- writeGroups(ctx, s, fmt.Sprintf("%d-%d", os.Getpid(), n)) }()
	}
	return <-failed
}

func writeGroups(ctx context.Context, s store.Store, worker string) error {
	if _, err := s.Write(ctx, store.Put{Item: store.Item{Key: foretold(worker)}}); err != nil {
		return err
	}
	for i := int64(1); ; i++ {
		_, err := s.Write(ctx, store.Update{
			Key: foretold(worker), Set: store.Attrs{"next": store.N(i)}, Add: map[string]int64{"n": 1},
		})
		if err != nil {
			return err
		}
		id := fmt.Sprintf("%s-%d", worker, i)
		err = s.WriteAll(ctx,
			store.Put{Item: crashItem(id), If: []store.Cond{store.Absent()}},
			store.Put{Item: store.Item{Key: store.Key{Table: storetest.Others, PK: "twin", SK: id}}},
			store.Update{Key: counted, Add: map[string]int64{"n": 1}},
		)
		if err != nil {
			return err
		}
		fmt.Println(id)
	}
}

// readChanges prints each change before it acknowledges it.
func readChanges(ctx context.Context, feed store.ConsumerFeed) error {
	at, err := feed.Position(ctx, reader)
	for err == nil {
		var changes []store.Change
		changes, at, err = feed.Changes(ctx, at, 10)
		for _, c := range changes {
			fmt.Println(told + line(c))
		}
		switch {
		case err != nil:
		case len(changes) > 0:
			err = feed.Acknowledge(ctx, reader, at)
		default:
			err = feed.Wait(ctx, at)
		}
	}
	return err
}

// line writes a change as its number, its item and its count before and after.
func line(c store.Change) string {
	if c.Err != nil {
		return c.Err.Error()
	}
	var before int64
	if c.Old != nil {
		before = c.Old.Attrs["n"].Num()
	}
	return fmt.Sprintf("%s %s %d %d", c.Sequence, c.Key.SK, before, c.New.Attrs["n"].Num())
}

func crashItem(id string) store.Item {
	return store.Item{
		Key: key(id), Body: make([]byte, 300), Attrs: store.Attrs{"status": store.S(id)},
		Index: map[store.Index]store.IndexKey{storetest.ByOwner: {PK: "p", SK: id}},
	}
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	acknowledged, changes := map[string]bool{}, map[int]string{}
	for round := range 5 {
		n := len(acknowledged)
		for _, line := range runAndKill(t, path) {
			if change, ok := strings.CutPrefix(line, told); ok {
				keep(t, changes, change)
			} else {
				acknowledged[line] = true
			}
		}
		if len(acknowledged) == n {
			t.Fatalf("round %d: nothing was acknowledged", round)
		}
		s, err := embedded.Open(path, crashOptions)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n = checkWhole(t, s, acknowledged)
		early := len(changes)
		checkChanges(t, s, changes, n)
		t.Logf("round %d: %d acknowledged, %d stored, %d of %d changes told before the end", round, len(acknowledged), n, early, len(changes))
		shut(t, s)
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

// checkWhole checks that groups are whole, the acknowledged ones there, and
// before each the update of the relaxed table.
func checkWhole(t *testing.T, s store.Store, acknowledged map[string]bool) int {
	t.Helper()
	stored := sortKeys(t, s, store.Query{Table: storetest.Things, PK: "p"})
	indexed := sortKeys(t, s, store.Query{Table: storetest.Things, Index: storetest.ByOwner, PK: "p"})
	twins := sortKeys(t, s, store.Query{Table: storetest.Others, PK: "twin"})
	for id := range acknowledged {
		if !stored[id] {
			t.Fatalf("acknowledged %s is lost", id)
		}
	}
	next := map[string]int64{}
	for worker := range sortKeys(t, s, store.Query{Table: storetest.Others, PK: "foretold"}) {
		it := get(t, s, foretold(worker))
		if next[worker] = it.Attrs["next"].Num(); it.Attrs["n"].Num() != next[worker] {
			t.Fatalf("%s: %v", worker, it.Attrs)
		}
	}
	for id := range stored {
		if !indexed[id] || !twins[id] {
			t.Fatalf("%s: in index %v, twin %v", id, indexed[id], twins[id])
		}
		cut := strings.LastIndexByte(id, '-')
		if n, err := strconv.ParseInt(id[cut+1:], 10, 64); err != nil || next[id[:cut]] < n {
			t.Fatalf("%s is stored, but of the updates before it only %d", id, next[id[:cut]])
		}
	}
	n := get(t, s, counted).Attrs["n"].Num()
	if int(n) != len(stored) || len(indexed) != len(stored) || len(twins) != len(stored) {
		t.Fatalf("%d stored, %d in index, %d twins, %d counted", len(stored), len(indexed), len(twins), n)
	}
	return int(n)
}

// keep adds the line of a change; a repeat must be the same line.
func keep(t *testing.T, changes map[int]string, line string) {
	t.Helper()
	number, change, _ := strings.Cut(line, " ")
	n, err := strconv.Atoi(number)
	if before, ok := changes[n]; err != nil || ok && before != change {
		t.Fatalf("told %q, before %q: %v", line, before, err)
	}
	changes[n] = change
}

// checkChanges reads the changes that follow the durable position and checks
// that with those told before each of the stored groups was told, in order.
func checkChanges(t *testing.T, s *embedded.Store, changes map[int]string, stored int) {
	t.Helper()
	at, err := s.Position(t.Context(), reader)
	if err != nil {
		t.Fatal(err)
	}
	for {
		rest, next, err := s.Changes(t.Context(), at, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(rest) == 0 {
			break
		}
		for _, c := range rest {
			keep(t, changes, line(c))
		}
		at = next
	}
	count, items := -1, 0
	for n := range len(changes) {
		change, ok := changes[n+1]
		if !ok {
			t.Fatalf("change %d of %d was never told", n+1, len(changes))
		}
		switch fields := strings.Fields(change); {
		case fields[0] != counted.SK:
			items++
		case fields[2] != strconv.Itoa(count+1) || fields[1] != strconv.Itoa(max(count, 0)):
			t.Fatalf("change %d is %q after the count of %d", n+1, change, count)
		default:
			count++
		}
	}
	if count != stored || items != stored {
		t.Fatalf("%d stored, %d counted and %d items in the changes", stored, count, items)
	}
}

// sortKeys reads all pages of a query.
func sortKeys(t *testing.T, s store.Store, q store.Query) map[string]bool {
	t.Helper()
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

func get(t *testing.T, s store.Store, k store.Key) *store.Item {
	t.Helper()
	items, err := s.Get(t.Context(), k)
	if err != nil || items[0] == nil {
		t.Fatalf("get %v: %v, %v", k, items, err)
	}
	return items[0]
}

func TestTheFileOfAnOpenStoreIsWholeAfterEachAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, embedded.Options{})
	for n := range 5 {
		put(t, s, store.Item{Key: key(strconv.Itoa(n)), Body: []byte("body")})
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			t.Fatal(err)
		}
		again := open(t, copied, embedded.Options{})
		if got := sorts(t, again, ""); len(got) != n+1 {
			t.Errorf("after %d writes a copy has %q", n+1, got)
		}
		put(t, again, store.Item{Key: key("after")})
	}
}
