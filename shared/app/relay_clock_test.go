package app_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"ascend/shared/app/approvals"
	"ascend/shared/domain/action"
)

// clockwork behaves like Step Functions with the approval's state machine: a
// name starts once, a token ends one wait, and a spent one is no error.
type clockwork struct {
	seam *seam
	mu   sync.Mutex
	// by action
	begun map[action.ID]int // executions, not calls
	ended map[action.ID]approvals.Ended
	// the waits in the order of their beginnings
	waits []*wait
}

type wait struct {
	approvals.Wait
	token        string
	opened, over bool
}

func (m *clockwork) Start(_ context.Context, in approvals.Wait) error {
	return m.seam.through("Start", func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.begun[in.Action] == 0 {
			m.begun[in.Action]++
			m.enter(in)
		}
	})
}

func (m *clockwork) Succeed(_ context.Context, token string, end approvals.Ended) error {
	return m.seam.through("Succeed", func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if w := m.spend(token); w != nil {
			m.ended[w.Action] = end
		}
	})
}

func (m *clockwork) NextStage(_ context.Context, token string, next approvals.Wait) error {
	return m.seam.through("NextStage", func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.spend(token) != nil {
			m.enter(next)
		}
	})
}

func (m *clockwork) enter(in approvals.Wait) {
	m.waits = append(m.waits, &wait{Wait: in, token: fmt.Sprintf("token-%s-%d", in.Action, len(m.waits))})
}

func (m *clockwork) spend(token string) *wait {
	for _, w := range m.waits {
		if w.token == token && !w.over {
			w.over = true
			return w
		}
	}
	return nil
}

// tick runs the state machine's task for each wait that has just begun; it is
// repeated until it succeeds.
func (m *clockwork) tick(d *desk) {
	for {
		m.mu.Lock()
		i := slices.IndexFunc(m.waits, func(w *wait) bool { return !w.opened })
		if i < 0 {
			m.mu.Unlock()
			return
		}
		w := m.waits[i]
		m.mu.Unlock()
		d.advance(time.Millisecond)
		o := approvals.Opening{Wait: w.Wait, Token: w.token, EnteredAt: d.Now()}
		if err := d.Approvals.OpenStage(context.Background(), o); err == nil {
			w.opened = true
		}
	}
}
