// Package inprocess is the approval clock inside one process: it does for each
// pending action what infra/approval.asl.json does on Step Functions.
package inprocess

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/retry"
)

// Functions are what the state machine calls: *approvals.Service.
type Functions interface {
	BeginWait(ctx context.Context, t approvals.Task) error
	EndWait(ctx context.Context, org tenant.ID, id action.ID) (approvals.Progress, error)
}

// Machine implements approvals.Executions. Its executions end with the process:
// approvals.Service.StartClocks starts them again.
type Machine struct {
	Log *slog.Logger // of executions that fail; New: none

	functions Functions
	ctx       context.Context //nolint:containedctx // of the functions: they outlive the call that starts them
	stop      context.CancelFunc
	running   sync.WaitGroup // functions
	slots     chan struct{}  // bounds how many functions run at once

	mu     sync.Mutex
	waits  map[string]*wait // by token
	active map[name]bool    // executions that have not ended
}

// name is the name of an execution: there is one for an action.
type name struct {
	org tenant.ID
	id  action.ID
}

// wait is one execution in the state Await. Other states are goroutines.
type wait struct {
	approvals.Wait
	timer *time.Timer
}

const atOnce = 16

// stubborn is the Retry of the state Escalate, which is shorter here: the sweep
// closes what it gives up.
var stubborn = retry.Policy{Attempts: 9, Backoff: 100 * time.Millisecond}

var _ approvals.Executions = (*Machine)(nil)

// New returns a machine without executions. Bind comes before the first Start.
func New() *Machine {
	m := &Machine{Log: slog.New(slog.DiscardHandler), slots: make(chan struct{}, atOnce), waits: map[string]*wait{}, active: map[name]bool{}}
	m.ctx, m.stop = context.WithCancel(context.Background())
	return m
}

// Bind sets the functions, which are made with the machine.
func (m *Machine) Bind(functions Functions) { m.functions = functions }

// Close ends all executions where they stand, and waits for functions under way.
func (m *Machine) Close() {
	m.stop()
	m.mu.Lock()
	for _, w := range m.waits {
		w.timer.Stop()
	}
	m.mu.Unlock()
	m.running.Wait()
}

// Start implements approvals.Executions. A name is free again after its end: an
// execution that is started for a decided action ends at once.
func (m *Machine) Start(_ context.Context, in approvals.Wait) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := (name{in.Org, in.Action}); !m.active[n] {
		m.active[n] = true
		m.do(func() { m.await(in) })
	}
	return nil
}

// Succeed implements approvals.Executions.
func (m *Machine) Succeed(_ context.Context, token string, _ approvals.Ended) error {
	if w := m.take(token); w != nil {
		m.end(w.Wait)
	}
	return nil
}

// NextStage implements approvals.Executions.
func (m *Machine) NextStage(_ context.Context, token string, next approvals.Wait) error {
	if m.take(token) != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.do(func() { m.await(next) })
	}
	return nil
}

// await waits for one stage under a token of its own. When the token cannot be
// kept it pauses, and then looks where the action stands.
func (m *Machine) await(in approvals.Wait) {
	token, span := rand.Text(), time.Duration(in.WaitSeconds)*time.Second
	entered := time.Now()
	m.waitFor(token, in, span)
	err := m.functions.BeginWait(m.ctx, approvals.Task{Wait: in, Token: token, EnteredAt: entered.UTC()})
	if err != nil && m.take(token) != nil {
		m.Log.Error("a wait could not begin", "action", in.Action.String(), "error", err.Error())
		m.waitFor(token, in, min(span, time.Minute))
	}
}

// waitFor puts an execution into Await until its token is taken or its time is over.
func (m *Machine) waitFor(token string, in approvals.Wait, span time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waits[token] = &wait{in, time.AfterFunc(span, func() {
		if m.take(token) != nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.do(func() { m.escalate(in) })
		}
	})}
}

// take ends a wait and returns it; nil where the token is spent.
func (m *Machine) take(token string) *wait {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.waits[token]
	if w != nil {
		w.timer.Stop()
		delete(m.waits, token)
	}
	return w
}

// escalate moves an action on whose stage's time is over, and waits anew or ends.
func (m *Machine) escalate(in approvals.Wait) {
	var now approvals.Progress
	err := stubborn.Do(m.ctx, func(err error) bool { return problem.As(err).Kind == problem.KindUnavailable }, func() (err error) {
		now, err = m.functions.EndWait(m.ctx, in.Org, in.Action)
		return err
	})
	switch {
	case err != nil:
		if m.ctx.Err() == nil {
			m.Log.Error("an approval clock failed; the sweep closes its action", "action", in.Action.String(), "error", err.Error())
		}
		m.end(in)
	case now.WaitSeconds > 0:
		m.await(approvals.Wait{Org: now.Org, Action: now.Action, Stage: now.Stage, WaitSeconds: now.WaitSeconds})
	default:
		m.end(in)
	}
}

func (m *Machine) end(in approvals.Wait) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.active, name{in.Org, in.Action})
}

// do runs a function beside the caller, who holds the lock, unless the machine is closed.
func (m *Machine) do(function func()) {
	if m.ctx.Err() != nil {
		return
	}
	m.running.Go(func() {
		select {
		case m.slots <- struct{}{}:
			defer func() { <-m.slots }()
			function()
		case <-m.ctx.Done():
		}
	})
}
