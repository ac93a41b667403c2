package approvals

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// The clock of a pending action is an execution outside, which waits for one
// stage at a time under a token (infra/approval.asl.json). It decides nothing;
// this file tells it what was decided, in two places that each suffice:
//
//	BeginWait   stores the token, then reads the action
//	SyncClock   runs after the action was written, and then reads the token
//
// Whichever reads last sees what the other one wrote. Both act on what stands
// in the store, never on what they were told has happened, so they may run in
// any order, any number of times.

// A Task is one wait of an execution as it begins.
type Task struct {
	Wait      `json:",inline"`
	Token     string    `json:"task_token"` // ends this wait, once; at most 2048 bytes
	EnteredAt time.Time `json:"entered_at"` // grows from wait to wait of an execution
}

// Progress says how an action ended, or, while it is pending, the wait that goes on.
type Progress struct {
	Ended       `json:",inline"`
	WaitSeconds int64 `json:"wait_seconds,omitzero"` // until the stage's deadline, at least 1; 0 once decided
}

// taskKeptFor is how long a wait is remembered after its deadline. Its token is
// spent by then, and sending a spent token is no error.
const taskKeptFor = 24 * time.Hour

// BeginWait keeps the token of a wait that begins. Where the action was decided
// or its stage approved before, it ends that wait at once. An action that is
// not there is a problem of kind NotFound: nothing starts a clock for one.
func (s *Service) BeginWait(ctx context.Context, t Task) error {
	if err := t.check(); err != nil {
		return err
	}
	newest, err := s.putTask(ctx, t)
	if err != nil || !newest {
		return err
	}
	act, err := record.ReadAction(ctx, s.Store, t.Org, t.Action)
	if err != nil {
		return err
	}
	return s.endStaleWait(ctx, act, t)
}

// EndWait passes the deadline of an action's stage if it has come, and returns
// where the action stands then. A clock that runs ahead of ours is told to wait
// for what remains.
func (s *Service) EndWait(ctx context.Context, org tenant.ID, id action.ID) (Progress, error) {
	act, err := s.PassDeadline(ctx, org, id)
	if err != nil {
		return Progress{}, err
	}
	if act.Approval == nil {
		return Progress{}, errNotAwaiting(act)
	}
	if !act.Pending() {
		return Progress{Ended: ended(act)}, nil
	}
	wait := s.wait(act)
	return Progress{
		Ended:       Ended{Org: wait.Org, Action: wait.Action, Status: string(act.Status), Stage: wait.Stage},
		WaitSeconds: wait.WaitSeconds,
	}, nil
}

// SyncClock lets the clock follow one committed change: it starts for an action
// that awaits approval, waits for the next stage when one is approved, and ends
// with the decision. Changes of anything else are none of its business.
func (s *Service) SyncClock(ctx context.Context, change store.Change) error {
	if s.Executions == nil || change.New == nil || !store.IsAction(change.Key) {
		return nil
	}
	first := change.Old
	if first == nil {
		first = change.New
	}
	if was := status(first); was != "" && was != string(governance.Pending) {
		return nil // it does not wait, or did not before
	}
	now, err := record.DecodeAction(change.New)
	if err != nil || now.Approval == nil {
		return err
	}
	if change.Old == nil {
		return s.startExecution(ctx, now)
	}
	before, err := record.DecodeAction(change.Old)
	if err != nil {
		return err
	}
	if !before.Pending() || now.Pending() && before.Approval != nil && before.Approval.Stage == now.Approval.Stage {
		return nil // the clock need not know
	}
	return s.catchUp(ctx, now.Org, now.ID)
}

// status returns the status that an item's attribute tells, "" where it tells
// none: most changes need no decoding.
func status(item *store.Item) string { return item.Attrs[store.AttrStatus].Str() }

// catchUp brings a clock to where its action stands.
func (s *Service) catchUp(ctx context.Context, org tenant.ID, id action.ID) error {
	items, err := s.Store.Get(ctx, store.ActionKey(org, id), store.ClockKey(org, id))
	if err != nil {
		return problem.Unavailable("read an action and its clock", err)
	}
	act, err := record.DecodeAction(items[0])
	if err != nil {
		return err
	}
	if items[1] == nil { // no wait has begun yet; the one that does will look at the action
		return s.startExecution(ctx, act)
	}
	t, err := decodeTask(items[1])
	if err != nil {
		return err
	}
	return s.endStaleWait(ctx, act, t)
}

// StartClocks starts the clock of every pending action, for clocks that ended
// with the process that ran them.
func (s *Service) StartClocks(ctx context.Context) error {
	const longest = 1000 // years
	_, err := s.eachDue(ctx, s.Now().AddDate(longest, 0, 0), func(key store.Key) (bool, error) {
		items, err := s.Store.Get(ctx, key)
		if err != nil {
			return false, problem.Unavailable("read a pending action", err)
		}
		act, err := record.DecodeAction(items[0])
		if err != nil {
			return false, err
		}
		return true, s.startExecution(ctx, act)
	})
	return err
}

// startExecution starts the clock of an action unless it is decided. Where it was
// started before, that is no error and changes nothing.
func (s *Service) startExecution(ctx context.Context, act *action.Action) error {
	if !act.Pending() || act.Approval == nil {
		return nil
	}
	return s.Executions.Start(ctx, s.wait(act))
}

// endStaleWait ends a wait that the action no longer needs, and no other.
func (s *Service) endStaleWait(ctx context.Context, act *action.Action, t Task) error {
	switch {
	case act.Approval == nil:
		return errNotAwaiting(act)
	case !act.Pending():
		return s.Executions.Succeed(ctx, t.Token, ended(act))
	case t.Stage < act.Approval.Stage+1:
		return s.Executions.NextStage(ctx, t.Token, s.wait(act))
	}
	return nil
}

// putTask stores a wait unless a later one of the action is stored already,
// and reports whether it is the newest. Of two waits for one stage, too, the
// later must win: after an early EndWait the earlier token is spent.
func (s *Service) putTask(ctx context.Context, t Task) (newest bool, err error) {
	body, err := json.Marshal(t)
	if err != nil {
		return false, problem.Internal("encode a wait", err)
	}
	entered := t.EnteredAt.UnixMicro()
	put := store.Put{
		Item: store.Item{
			Key: store.ClockKey(t.Org, t.Action), Body: body,
			Attrs:   store.Attrs{store.AttrEntered: store.N(entered)},
			Expires: t.EnteredAt.Add(time.Duration(t.WaitSeconds)*time.Second + taskKeptFor),
		},
		If: []store.Cond{store.Absent()},
	}
	for range command.Attempts {
		_, err = s.Store.Write(ctx, put)
		if err == nil {
			return true, nil
		}
		conflict, lost := store.Conflict(err)
		if !lost {
			return false, problem.Unavailable("keep the token of a wait", err)
		}
		switch stored := conflict.Old; {
		case stored == nil: // forgotten in between
			put.If = []store.Cond{store.Absent()}
		case stored.Attrs[store.AttrEntered].Num() > entered:
			return false, nil
		default:
			put.If = []store.Cond{store.Equal(store.AttrEntered, stored.Attrs[store.AttrEntered])}
		}
	}
	return false, problem.Unavailable("keep the token of a wait", err)
}

func decodeTask(item *store.Item) (t Task, err error) {
	if err := json.Unmarshal(item.Body, &t); err != nil {
		return t, problem.Corrupt("a wait", err)
	}
	return t, nil
}

// check refuses what no execution of ours says.
func (t Task) check() error {
	if t.Org.Valid() && t.Action > 0 && t.Action <= action.MaxID && t.Stage >= 1 &&
		t.WaitSeconds >= 1 && t.WaitSeconds <= 366*24*60*60 &&
		t.Token != "" && len(t.Token) <= 2048 && t.EnteredAt.Unix() > 0 {
		return nil
	}
	return problem.Invalid("the wait is not one of an approval")
}

// wait returns what the clock has to wait for while act is pending.
func (s *Service) wait(act *action.Action) Wait {
	left := act.Approval.StageExpiresAt.Sub(s.Now())
	return Wait{
		Org: act.Org, Action: act.ID, Stage: act.Approval.Stage + 1,
		WaitSeconds: max(1, int64((left+time.Second-1)/time.Second)),
	}
}

func ended(act *action.Action) Ended {
	return Ended{
		Org: act.Org, Action: act.ID, Status: string(act.Status),
		DecidedBy: act.DecidedBy(), Stage: act.Approval.Stage + 1,
	}
}

func errNotAwaiting(act *action.Action) error {
	return problem.InvalidState("action %s awaits no approval", act.ID)
}
