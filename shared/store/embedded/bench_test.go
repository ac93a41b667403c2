package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ascend/shared/store"
)

var benchTables = []store.Definition{
	{Table: "agents"},
	{Table: "counters", Relaxed: true},
	{
		Table: "actions", Indexes: []store.Index{"by_time", "pending"},
		Project: []string{"status", "agent_id", "action_type", "created"}, Streamed: true,
	},
}

// shape makes what one submission reads and writes.
type shape struct {
	reads []store.Key
	count store.Update
	put   store.Put
}

var benchBody = make([]byte, 1200)

func submission(n int64) shape {
	org := "org" + strconv.FormatInt(n%10, 10)
	agent := org + "#agent" + strconv.FormatInt(n%50, 10)
	state := store.Key{Table: "counters", PK: agent, SK: "state"}
	id := fmt.Sprintf("%016d", n)
	command := "command-0123456789abcdef" + id
	return shape{
		reads: []store.Key{
			{Table: "agents", PK: org, SK: "organization"},
			{Table: "agents", PK: org, SK: "agent#" + agent}, {Table: "agents", PK: org, SK: "workflow"},
		},
		count: store.Update{
			Key: state,
			If: []store.Cond{
				store.Equal("status", store.S("active")), store.Below("m1", "limit_minute"),
				store.Below("h1", "limit_hour"), store.Below("d1", "limit_day"), store.Lacks("s0", command), store.Lacks("s1", command),
			},
			Add:    map[string]int64{"m1": 1, "h1": 1, "d1": 1},
			Remove: []string{"s2", "s3"},
		},
		put: store.Put{
			Item: store.Item{
				Key: store.Key{Table: "actions", PK: org + "#" + id, SK: "action"},
				Attrs: store.Attrs{
					"status": store.S("approved"), "agent_id": store.S(agent), "action_type": store.S("database_read"),
					"created": store.N(1_780_000_000_000 + n), "revision": store.N(1), "digest": store.S(command),
				},
				Body:  benchBody,
				Index: map[store.Index]store.IndexKey{"by_time": {PK: org, SK: id}},
			},
			If: []store.Cond{store.Absent()},
		},
	}
}

func prepareBench(b *testing.B, s *Store) {
	for n := range int64(50) {
		sh := submission(n)
		for _, k := range sh.reads {
			if _, err := s.Write(b.Context(), store.Put{Item: store.Item{Key: k, Body: benchBody[:600]}}); err != nil {
				b.Fatal(err)
			}
		}
		state := store.Item{Key: sh.count.Key, Attrs: store.Attrs{
			"status": store.S("active"), "limit_minute": store.N(1 << 40), "limit_hour": store.N(1 << 40), "limit_day": store.N(1 << 40),
			"s0": store.Set("command-0123456789abcdef-one", "command-0123456789abcdef-two"),
		}}
		if _, err := s.Write(b.Context(), store.Put{Item: state}); err != nil {
			b.Fatal(err)
		}
	}
}

// prefill stores n actions in large groups.
func prefill(b *testing.B, s *Store, n int64) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 32 {
		wg.Go(func() {
			for {
				first := next.Add(100) - 100
				if first >= n {
					return
				}
				ops := make([]store.Op, 100)
				for i := range ops {
					ops[i] = submission(first + int64(i)).put
				}
				if err := s.WriteAll(context.Background(), ops...); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkSubmitShape measures what a submission asks of the store: it counts
// in a relaxed table while it reads three items, then puts the action. "one
// group" reads first and writes both in one group; "followed" has a consumer
// that acknowledges every change. Set ASCEND_BENCH_ITEMS to store that many actions beforehand.
func BenchmarkSubmitShape(b *testing.B) {
	ctx := context.Background()
	path := filepath.Join(b.TempDir(), "bench.db")
	s, err := Open(path, Options{Tables: benchTables})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	prepareBench(b, s)
	var serial atomic.Int64
	if items, _ := strconv.ParseInt(os.Getenv("ASCEND_BENCH_ITEMS"), 10, 64); items > 0 {
		start := time.Now()
		prefill(b, s, items)
		serial.Store(items)
		b.Logf("stored %d actions in %v", items, time.Since(start))
	}
	kinds := []struct {
		name   string
		submit func(shape) error
	}{
		{"relaxed count", func(sh shape) error { return twoSteps(ctx, s, sh) }},
		{"one group", func(sh shape) error {
			if _, err := s.Get(ctx, sh.reads...); err != nil {
				return err
			}
			return s.WriteAll(ctx, sh.count, sh.put)
		}},
	}
	kinds = append(kinds, kinds[0])
	kinds[2].name = "followed"
	for _, kind := range kinds {
		if kind.name == "followed" {
			if err := s.Register(ctx, follower); err != nil {
				b.Fatal(err)
			}
			go follow(ctx, s)
		}
		for _, workers := range []int{1, 8, 32} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, workers), func(b *testing.B) {
				b.ReportAllocs()
				var left atomic.Int64
				left.Store(int64(b.N))
				before := cpu()
				var wg sync.WaitGroup
				for range workers {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							if err := kind.submit(submission(serial.Add(1))); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
				b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
			})
		}
	}
	if info, err := os.Stat(path); err == nil {
		b.Logf("%d actions in a file of %d MB", serial.Load(), info.Size()>>20)
	}
}

// follow acknowledges every change until the store is closed.
func follow(ctx context.Context, s *Store) {
	at, err := s.Position(ctx, follower)
	for err == nil {
		if err = s.Wait(ctx, at); err != nil {
			return
		}
		if _, at, err = s.Changes(ctx, at, 100); err == nil {
			err = s.Acknowledge(ctx, follower, at)
		}
	}
}

const follower = "follower"

func twoSteps(ctx context.Context, s *Store, sh shape) error {
	read := make(chan error, 1)
	go func() {
		_, err := s.Get(ctx, sh.reads...)
		read <- err
	}()
	if _, err := s.Write(ctx, sh.count); err != nil {
		return err
	}
	if err := <-read; err != nil {
		return err
	}
	_, err := s.Write(ctx, sh.put)
	return err
}

// cpu is the processor time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
