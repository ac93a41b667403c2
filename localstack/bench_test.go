package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"ascend/functions"
	"ascend/shared/domain/action"
	"ascend/shared/endpoint"
	"ascend/shared/identity"
	"ascend/shared/store"
)

const benchConnections = 8

// BenchmarkSubmit measures submissions to the local server, as a user runs it,
// beside a floor that does the least a durable server can do. All take turns
// within the run, so that their ratios hold where their figures do not.
// ASCEND_BENCH_STORED stores that many actions beforehand.
func BenchmarkSubmit(b *testing.B) {
	data := filepath.Join(b.TempDir(), "data")
	var serial atomic.Int64
	key := stock(b, data)
	s := launch(b, data)
	addr := strings.TrimPrefix(s.url(), "http://")
	body := benchBody(string(agentMark), string(serialMark))
	credential := "X-API-Key: " + key + "\r\n"
	kinds := []struct {
		name string
		load load
	}{
		{"floor", floor(b, body)},
		{"floor-grouped", floor(b, body, "-group")},
		{"submit", load{addr: addr, pid: s.cmd.Process.Pid, request: post("/api/v1/actions/submit", credential, body)}},
		{"submit-correlated", load{addr: addr, pid: s.cmd.Process.Pid, request: post("/api/v1/actions/submit",
			credential+"X-Correlation-ID: 0f9d3b52-"+string(serialMark)+"\r\n", body)}},
		{"submit-one-agent", load{addr: addr, pid: s.cmd.Process.Pid, request: post("/api/v1/actions/submit", credential,
			benchBody("00", string(serialMark)))}},
	}
	const rounds, slice = 6, time.Second
	found := make([]measured, len(kinds))
	var p50, p99 [5][]time.Duration
	for round := range rounds {
		for i, kind := range kinds {
			kind.load.serial = &serial
			m, err := kind.load.run(benchConnections, slice)
			if err != nil {
				b.Fatalf("%s: %v", kind.name, err)
			}
			if round == 0 {
				continue // to warm up
			}
			found[i].requests += m.requests
			found[i].took += m.took
			found[i].cpu += m.cpu
			p50[i], p99[i] = append(p50[i], m.p50), append(p99[i], m.p99)
		}
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\n%d connections\trequests/s\tp50 ms\tp99 ms\tserver CPU µs/request\t× floor\t\n", benchConnections)
	for i, kind := range kinds {
		m := found[i]
		m.p50, m.p99 = mean(p50[i]), mean(p99[i])
		ratio := m.cpuEach() / found[0].cpuEach()
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t\n", kind.name, m.rate(), ms(m.p50), ms(m.p99), m.cpuEach(), ratio)
		b.ReportMetric(m.rate(), kind.name+"/s")
		b.ReportMetric(ms(m.p50), kind.name+"-p50-ms")
		b.ReportMetric(ms(m.p99), kind.name+"-p99-ms")
		b.ReportMetric(m.cpuEach(), kind.name+"-cpu-µs")
		b.ReportMetric(ratio, kind.name+"-cpu-×floor")
	}
	w.Flush()
	b.Log(table.String())
	b.ReportMetric(0, "ns/op")
}

// benchBody is a submission by one of the benchmark's agents.
func benchBody(agent, serial string) string {
	return fmt.Sprintf(`{"agent_id": "bench-agent-%s", "action_type": "email_send", "description": "Send welcome email %s", `+
		`"tool_name": "email_service", "parameters": {"to": "customer@example.com", "template": "welcome"}}`, agent, serial)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mean(ds []time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range ds {
		sum += d
	}
	return sum / time.Duration(len(ds))
}

// floor starts the floor's process (testdata/floor).
func floor(b *testing.B, body string, flags ...string) load {
	folder := b.TempDir()
	name := filepath.Join(folder, "floor")
	if out, err := exec.Command("go", "build", "-o", name, "./testdata/floor").CombinedOutput(); err != nil {
		b.Fatalf("build the floor: %v\n%s", err, out)
	}
	cmd := exec.Command(name, append(flags, filepath.Join(folder, "journal"))...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var addr string
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		b.Fatal(err)
	}
	return load{addr: addr, pid: cmd.Process.Pid, request: post("/", "", body)}
}

// stock prepares a data folder: active agents, and ASCEND_BENCH_STORED
// actions, each a copy of a real one under its own id. It answers the API key.
func stock(b *testing.B, data string) string {
	b.Helper()
	s := launch(b, data)
	for n := range benchAgents {
		must[object](b, s.key(), "POST", "/api/registry/agents", fmt.Sprintf(`{"agent_id": "bench-agent-%02d", "display_name": "Benchmark"}`, n))
		must[object](b, s.admin(), "POST", fmt.Sprintf("/api/registry/agents/bench-agent-%02d/activate", n), "")
	}
	first := must[struct {
		ID action.ID `json:"id"`
	}](b, s.key(), "POST", "/api/v1/actions/submit", benchBody("00", ""))
	key := s.env["ASCEND_API_KEY"]
	if err := s.kill(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	n, _ := strconv.Atoi(os.Getenv("ASCEND_BENCH_STORED"))
	if n == 0 {
		return key
	}
	h, err := open(place{data: data})
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	model, err := h.app.Actions.Get(b.Context(), 1, first.ID)
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	const group = 50
	for range 16 {
		wg.Go(func() {
			for {
				begun := next.Add(group) - group
				if begun >= int64(n) {
					return
				}
				ops := make([]store.Op, group)
				for i := range ops {
					ops[i] = older(b, model, begun+int64(i)+1)
				}
				if err := h.store.WriteAll(b.Context(), ops...); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := h.store.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(data, "ascend.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("stored %d actions in %v; the file has %d MB", n, time.Since(begin).Round(time.Second), info.Size()>>20)
	return key
}

// older is the write of a copy of an action, as if submitted n milliseconds earlier.
func older(b *testing.B, model *action.Action, n int64) store.Put {
	act := *model
	act.ID -= action.ID(n << 10)
	act.CreatedAt = act.CreatedAt.Add(-time.Duration(n) * time.Millisecond)
	act.UpdatedAt = act.CreatedAt
	body, err := act.Encode()
	if err != nil {
		b.Error(err)
	}
	return stored(&act, body)
}

// stored is the write of an action's record, in place of the application.
func stored(act *action.Action, body []byte) store.Put {
	var deadline time.Time
	if act.Pending() {
		deadline = act.Approval.StageExpiresAt
	}
	return store.Put{Item: store.Item{
		Key: store.ActionKey(act.Org, act.ID), Body: body, Index: store.ActionIndex(act.Org, act.ID, deadline),
		Attrs: store.Attrs{
			store.AttrStatus:  store.S(string(act.Status)),
			store.AttrAgent:   store.S(string(act.Input.Proposal.AgentID)),
			store.AttrType:    store.S(act.Input.Proposal.ActionType),
			store.AttrCreated: store.N(act.CreatedAt.UnixMilli()),
			store.AttrRev:     store.N(act.Revision),
		},
	}}
}

// BenchmarkSubmitInProcess is a submission without network and client, over
// the real store, for profiles:
//
//	go test -run '^$' -bench InProcess -cpuprofile cpu.out ./localstack
func BenchmarkSubmitInProcess(b *testing.B) {
	data := filepath.Join(b.TempDir(), "data")
	key := stock(b, data)
	h, err := open(place{data: data})
	if err != nil {
		b.Fatal(err)
	}
	defer h.store.Close()
	log := slog.New(slog.DiscardHandler)
	handler, err := endpoint.New(h.app, identity.Credentials{Tokens: h.tokens, Keys: h.secrets.ring}, log, functions.Routes()...)
	if err != nil {
		b.Fatal(err)
	}
	finished, err := h.follow(b.Context(), log)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(finished)
	for _, agents := range []int64{benchAgents, 1} {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) { submitInProcess(b, handler, key, agents) })
	}
}

func submitInProcess(b *testing.B, handler http.Handler, key string, agents int64) {
	var left, serial atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	before, err := cpuOf(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for range benchConnections {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				n := serial.Add(1)
				body := benchBody(fmt.Sprintf("%02d", n%agents), fmt.Sprintf("%010d", n))
				r, _ := http.NewRequest(http.MethodPost, "/api/v1/actions/submit", strings.NewReader(body))
				r.RemoteAddr = net.JoinHostPort("127.0.0.1", "40000")
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-API-Key", key)
				w := &discarded{header: http.Header{}}
				handler.ServeHTTP(w, r)
				if w.status != http.StatusOK {
					b.Errorf("answered %d", w.status)
				}
			}
		})
	}
	wg.Wait()
	after, err := cpuOf(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((after-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// discarded is an answer that nobody reads.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(status int)      { d.status = status }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
