package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/events"
	"ascend/shared/app/approvals"
	"ascend/shared/app/relay"
	"ascend/shared/domain/problem"
	"ascend/shared/executions/executionstest"
	"ascend/shared/store"
)

// shelf keeps dead letters in memory.
type shelf struct {
	mu    sync.Mutex
	kept  []relay.DeadLetter
	fails error
}

func (s *shelf) Keep(_ context.Context, letter relay.DeadLetter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails == nil {
		s.kept = append(s.kept, letter)
	}
	return s.fails
}

// titles lists the letters as "consumer sequence", sorted.
func (s *shelf) titles() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.kept {
		all = append(all, l.Consumer+" "+l.Sequence)
	}
	slices.Sort(all)
	return all
}

func TestWhatCanNeverBeHandledIsKeptAndHoldsUpNothing(t *testing.T) {
	item := func(key store.Key, body string) *store.Item {
		return &store.Item{Key: key, Body: []byte(body), Attrs: store.Attrs{store.AttrRev: store.N(3)}}
	}
	act, g := store.ActionKey(1, 42), store.AgentKey(1, "agent-1")
	change := store.ChangeKey(1, "agent-1", "aud_1")
	large := `{"id":42,"status":"approved","verdict":{"outcome":"approved"},"audit":[{"id":"a","event_type":"action.approved"}],"input":{"proposal":{"description":"` + strings.Repeat("x", events.MaxSize) + `"}}}`
	for name, row := range map[string]struct {
		poison store.Change
		by     string // the consumers that keep it
		reason string
	}{
		"a record that cannot be read":  {store.Change{Err: errors.New("no base64"), Raw: []byte("{\xff")}, "clock events revocation", "no base64"},
		"an action that is no JSON":     {store.Change{Key: act, New: item(act, "{\xff")}, "clock events", "corrupt record"},
		"an agent that is no JSON":      {store.Change{Key: g, New: item(g, "{"), Old: item(g, `{"status":"active"}`)}, "revocation", "corrupt record"},
		"a change that has no name":     {store.Change{Key: change, New: item(change, `{"id":"aud_1","event_type":"agent.renamed"}`)}, "events", "agent.renamed"},
		"an action without audit":       {store.Change{Key: act, New: item(act, `{"id":42,"status":"approved"}`)}, "events", "no audit entry"},
		"an event too large for a call": {store.Change{Key: act, New: item(act, large)}, "events", "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			w, kept := newTown(t), &shelf{fails: errors.New("the bucket is gone")}
			six := w.sixChanges()
			w.Relay.DeadLetters = kept
			row.poison.Sequence = "000099x"
			batch := slices.Insert(slices.Clone(six), 3, row.poison)
			failed := w.Relay.Deliver(t.Context(), batch)
			if len(failed) != 1 || problem.As(failed[3]).Kind != problem.KindUnavailable {
				t.Errorf("while nothing can be kept failed %v", failed)
			}
			kept.fails = nil
			if failed := w.Relay.Deliver(t.Context(), batch); len(failed) > 0 {
				t.Errorf("failed: %v", failed)
			}
			var want []string
			for by := range strings.FieldsSeq(row.by) {
				want = append(want, by+" 000099x")
			}
			if got := kept.titles(); !slices.Equal(got, want) {
				t.Errorf("kept are %q, want %q", got, want)
			}
			for _, l := range kept.kept {
				text, err := l.Encode()
				var back relay.DeadLetter
				if err == nil {
					err = json.Unmarshal(text, &back)
				}
				images := (back.New != nil) == (row.poison.New != nil) && (back.Old != nil) == (row.poison.Old != nil)
				key := store.Key{Table: back.Table, PK: back.PK, SK: back.SK}
				if err != nil || !strings.Contains(back.Reason, row.reason) || !images || key != row.poison.Key || string(back.Record) != string(row.poison.Raw) {
					t.Errorf("%s, %v", text, err)
				}
			}
			w.settle()
			w.verify()
		})
	}
}

func TestAnOutageIsNoDeadLetter(t *testing.T) {
	w, kept := newTown(t), &shelf{}
	six := w.sixChanges()
	w.Relay.DeadLetters, w.Relay.Bus = kept, nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if failed := w.Relay.Deliver(ctx, six); len(failed) < 5 || len(kept.kept) > 0 {
		t.Errorf("failed: %v; kept: %q", failed, kept.titles())
	}
	mixed := errors.Join(problem.Corrupt("one of many", errors.New("{")), fmt.Errorf("another: %w", problem.Unavailable("read", errors.New("down"))))
	failed := w.Relay.Handle(t.Context(), relay.Consumer{Name: "x", Handle: func(context.Context, []store.Change) map[int]error {
		return map[int]error{0: mixed, 1: fmt.Errorf("gave up: %w", context.DeadlineExceeded)}
	}}, six)
	if len(failed) != 2 || len(kept.kept) > 0 {
		t.Errorf("failed: %v; kept: %q", failed, kept.titles())
	}
}

// full is a state machine that takes no further execution.
type full struct{ *executionstest.Machine }

func (full) Start(context.Context, approvals.Wait) error {
	return fmt.Errorf("start: %w", approvals.ErrTooManyExecutions)
}

func TestAFullStateMachineStopsNothing(t *testing.T) {
	w, kept := newTown(t), &shelf{}
	six := w.sixChanges()
	var log strings.Builder
	w.Approvals.Executions = full{w.machine}
	w.Relay.DeadLetters, w.Relay.Log = kept, slog.New(slog.NewTextHandler(&log, nil))
	if failed := w.Relay.Deliver(t.Context(), six); len(failed) > 0 || len(kept.kept) > 0 {
		t.Errorf("failed: %v; kept: %q", failed, kept.titles())
	}
	if !strings.Contains(log.String(), "level=ERROR msg=\"no approval clock was started") {
		t.Errorf("the log says %q", log.String())
	}
	if len(w.bridge.Taken()) == 0 {
		t.Error("no event was published")
	}
}

// A change that fails for a while holds back the later ones of its item, and no other.
func TestChangesOfAnItemWaitForOneThatFails(t *testing.T) {
	w := newTown(t)
	six := w.sixChanges()
	w.Approvals.Executions = lost{w.machine}
	clock := w.Relay.Consumers()[0]
	var waited []int
	for i := range w.Relay.Handle(t.Context(), clock, append(slices.Clone(six), six[0])) {
		if six := append(slices.Clone(six), six[0]); !store.IsAction(six[i].Key) {
			t.Errorf("change %d of %v waits", i, six[i].Key)
		}
		waited = append(waited, i)
	}
	slices.Sort(waited)
	if !slices.Contains(waited, 0) || !slices.Contains(waited, 6) || slices.Contains(waited, 3) {
		t.Errorf("%v failed", waited)
	}
}

// lost is a state machine whose answers are lost.
type lost struct{ *executionstest.Machine }

func (lost) Start(context.Context, approvals.Wait) error {
	return problem.Unavailable("start", errors.New("lost"))
}

func TestAChangeThatMakesAConsumerPanicIsADeadLetterAlone(t *testing.T) {
	var kept shelf
	r := &relay.Relay{DeadLetters: &kept}
	var handled []string
	c := relay.Consumer{Name: "fragile", Handle: relay.Each(func(_ context.Context, change store.Change) error {
		if change.Sequence == "2" {
			panic("index out of range")
		}
		handled = append(handled, change.Sequence)
		return nil
	})}
	failed := r.Handle(t.Context(), c, []store.Change{
		{Key: store.ActionKey(1, 1), Sequence: "1"}, {Key: store.ActionKey(1, 2), Sequence: "2"}, {Key: store.ActionKey(1, 3), Sequence: "3"},
	})
	slices.Sort(handled)
	if len(failed) > 0 || !slices.Contains(handled, "1") || !slices.Contains(handled, "3") || slices.Contains(handled, "2") {
		t.Errorf("handled %v, failed %v", handled, failed)
	}
	if got := kept.titles(); !slices.Equal(got, []string{"fragile 2"}) || !strings.Contains(kept.kept[0].Reason, "index out of range") {
		t.Errorf("kept %v", got)
	}
}
