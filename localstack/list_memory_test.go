package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/governance"
	"ascend/shared/endpoint"
	"ascend/shared/store"
	"ascend/shared/store/embedded"
)

// TestListsOfLargeActionsAreBoundedInBytesAndMemory lists as much as may be asked
// for, eight times at once, of actions with texts of 4 KB.
func TestListsOfLargeActionsAreBoundedInBytesAndMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes about ten seconds")
	}
	const stored, lists, maxResident = 100_000, 8, 512 << 20
	data := filepath.Join(t.TempDir(), "data")
	launch(t, data).kill(syscall.SIGTERM)
	began := time.Now()
	storeActions(t, filepath.Join(data, "ascend.db"), stored)
	t.Logf("stored %d actions in %v", stored, time.Since(began).Round(time.Second))

	s := launch(t, data)
	caller := s.key()
	idle := resident(t, s.cmd.Process.Pid)
	began = time.Now()
	var wg sync.WaitGroup
	for i := range lists {
		wg.Go(func() { // each of them another page, and the page after it
			query := fmt.Sprintf("?limit=1000&offset=%d", 1000*i)
			for range 2 {
				a, err := caller.call("GET", "/api/v1/actions"+query, "", "")
				if err != nil || a.status != 200 || len(a.body) > endpoint.MaxPageBytes || len(a.body) < endpoint.MaxPageBytes/2 {
					t.Errorf("%s: %d with %d bytes, %v", query, a.status, len(a.body), err)
				}
				if total := a.header.Get("X-Total-Count"); total != "" {
					t.Errorf("%s: a total of %s, of %d", query, total, stored)
				}
				query = a.next()
			}
		})
	}
	wg.Wait()
	took, peak := time.Since(began), resident(t, s.cmd.Process.Pid)
	t.Logf("%d lists, two pages each, in %v: resident set %d MB, %d MB before", lists, took.Round(time.Millisecond), peak>>20, idle>>20)
	if peak > maxResident {
		t.Errorf("the resident set grew to %d MB, at most %d", peak>>20, maxResident>>20)
	}

	a, err := caller.call("GET", "/api/v1/actions?limit=10&offset=10000", "", "")
	if err != nil || a.status != 422 || !bytes.Contains(a.body, []byte(`"/query/offset"`)) || !bytes.Contains(a.body, []byte("cursor")) {
		t.Errorf("an offset beyond what is looked at: %d %s, %v", a.status, a.body, err)
	}
}

// storeActions writes n actions of the first organisation with texts of 4 KB
// into the file of a store.
func storeActions(t *testing.T, file string, n int) {
	t.Helper()
	tables := store.Tables()
	for i := range tables {
		tables[i].Streamed = false // nobody is to be told of them
	}
	db, err := embedded.Open(file, embedded.Options{Tables: tables})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	in := governance.Input{Proposal: governance.Proposal{
		AgentID: "large", ActionType: "data_read", ToolName: "tool", Resource: "staging-db",
		Description: strings.Repeat("words of a description ", 4096/23), Parameters: map[string]any{"text": strings.Repeat("x", 4096)},
	}}
	verdict, start := governance.Decide(in), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	const group, writers = 100, 8
	for w := range writers {
		wg.Go(func() {
			for first := w * group; first < n; first += writers * group {
				var ops []store.Op
				for i := first; i < min(n, first+group); i++ {
					at := start.Add(time.Duration(i) * time.Second)
					put, err := record.PutAction(&action.Action{
						ID: action.ID(1_000_000 + i), Org: 1, Status: governance.Approved, Input: in, Verdict: verdict, CreatedAt: at, UpdatedAt: at,
						Audit: []audit.Entry{{ID: "aud_" + strconv.Itoa(i)}}, Revision: 1,
					})
					if err != nil {
						t.Error(err)
						return
					}
					ops = append(ops, put)
				}
				if err := db.WriteAll(context.Background(), ops...); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// resident returns the largest resident set that a process has had, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("the resident set is read from /proc, as on Linux")
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
