// Package executionstest is the approval's state machine for tests.
package executionstest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
)

// State is where an execution stands.
type State string

// The states of infra/approval.asl.json. Its Pause, before Escalate, is left out.
const (
	Await    State = "Await"
	Escalate State = "Escalate"
	Ended    State = "Ended"
)

// Machine behaves like Step Functions with the approval's state machine, without time:
// a name starts once, a token ends one wait, and a spent one is no error. Tests say when
// functions run and when stages time out. The zero value is ready.
type Machine struct {
	Now func() time.Time // when waits are entered; nil: the system's clock
	// Through makes a call, or loses it: do is what the call does. nil: do.
	Through func(ctx context.Context, method string, do func()) error

	mu    sync.Mutex
	runs  map[action.ID]*Run
	tasks []*task
	calls []string
}

// Run is one execution.
type Run struct {
	State  State
	Wait   approvals.Task   // the present one, while in Await
	Tasks  []approvals.Task // each call that approval-open is to get, or has got
	Output approvals.Ended
}

// task is a call of approval-open that is to be made.
type task struct {
	approvals.Task
	done bool
}

var _ approvals.Executions = (*Machine)(nil)

// Start implements approvals.Executions.
func (m *Machine) Start(ctx context.Context, in approvals.Wait) error {
	return m.call(ctx, "Start", fmt.Sprintf("Start %s %d", in.Action, in.Stage), func() {
		if m.runs[in.Action] == nil {
			if m.runs == nil {
				m.runs = map[action.ID]*Run{}
			}
			m.runs[in.Action] = new(Run)
			m.enter(m.runs[in.Action], in)
		}
	})
}

// Succeed implements approvals.Executions.
func (m *Machine) Succeed(ctx context.Context, token string, end approvals.Ended) error {
	return m.call(ctx, "Succeed", fmt.Sprintf("Succeed %s %s", token, end.Status), func() {
		if r := m.waiting(token); r != nil {
			r.State, r.Output = Ended, end
		}
	})
}

// NextStage implements approvals.Executions.
func (m *Machine) NextStage(ctx context.Context, token string, next approvals.Wait) error {
	return m.call(ctx, "NextStage", fmt.Sprintf("NextStage %s %d", token, next.Stage), func() {
		if r := m.waiting(token); r != nil {
			m.enter(r, next)
		}
	})
}

func (m *Machine) call(ctx context.Context, method, text string, do func()) error {
	m.mu.Lock()
	m.calls = append(m.calls, text)
	through := m.Through
	m.mu.Unlock()
	locked := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		do()
	}
	if through == nil {
		locked()
		return nil
	}
	return through(ctx, method, locked)
}

func (m *Machine) enter(r *Run, w approvals.Wait) {
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	n := len(m.tasks) + 1
	r.State = Await
	r.Wait = approvals.Task{Wait: w, Token: fmt.Sprintf("token-%s-%d", w.Action, n), EnteredAt: now().Add(time.Duration(n) * time.Microsecond)}
	r.Tasks = append(r.Tasks, r.Wait)
	m.tasks = append(m.tasks, &task{Task: r.Wait})
}

func (m *Machine) waiting(token string) *Run {
	for _, r := range m.runs {
		if r.State == Await && r.Wait.Token == token {
			return r
		}
	}
	return nil
}

// Enter lets an execution begin another wait, as after an Escalate that came early.
func (m *Machine) Enter(r *Run, w approvals.Wait) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.enter(r, w)
}

// Waiting returns the execution that waits under a token; nil where it is spent.
func (m *Machine) Waiting(token string) *Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waiting(token)
}

// Run returns the execution of an action; nil when none was started.
func (m *Machine) Run(id action.ID) *Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[id]
}

// Runs returns how many executions were started.
func (m *Machine) Runs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.runs)
}

// Calls returns what the machine was asked, such as "Succeed token-11-1 denied".
func (m *Machine) Calls() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// RunTasks makes the call of approval-open for each wait that has begun, again and again
// until it succeeds.
func (m *Machine) RunTasks(open func(approvals.Task) error) {
	for {
		m.mu.Lock()
		i := slices.IndexFunc(m.tasks, func(t *task) bool { return !t.done })
		if i < 0 {
			m.mu.Unlock()
			return
		}
		t := m.tasks[i]
		m.mu.Unlock()
		t.done = open(t.Task) == nil
	}
}
