package approvals

import (
	"context"
	"errors"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/domain/approval"
	"ascend/shared/domain/audit"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// PassDeadline moves a pending action on when its stage's time has run out: to
// its next stage, or after the last to its denial. It returns the record as it
// then stands, also when there was nothing to do or somebody else did it. Any
// clock may call it, any number of times.
func (s *Service) PassDeadline(ctx context.Context, org tenant.ID, id action.ID) (*action.Action, error) {
	act, _, err := s.passDeadline(ctx, store.ActionKey(org, id))
	if err == nil && act == nil {
		return nil, record.ActionNotFound()
	}
	return act, err
}

// ExpireDue passes the deadlines of every organisation that have come, and
// reports how many. It is the durable timer of approvals: run it again and
// again, anywhere, any number at once. An action that cannot be moved keeps no
// other waiting.
func (s *Service) ExpireDue(ctx context.Context) (int, error) {
	return s.eachDue(ctx, s.Now(), func(key store.Key) (did bool, err error) {
		_, did, err = s.passDeadline(ctx, key)
		return did, err
	})
}

// eachDue gives do the key of every pending action whose deadline comes until
// then, and returns how often it did something.
func (s *Service) eachDue(ctx context.Context, then time.Time, do func(store.Key) (did bool, err error)) (n int, failed error) {
	q := store.DueBy(then)
	q.Limit = 100
	for {
		page, err := s.Store.Query(ctx, q)
		if err != nil {
			return n, errors.Join(failed, problem.Unavailable("find due approvals", err))
		}
		for _, item := range page.Items {
			did, err := do(item.Key)
			failed = errors.Join(failed, err)
			if did {
				n++
			}
		}
		if ctx.Err() != nil || !page.More || len(page.Sort) == 0 {
			return n, failed
		}
		q.After = page.Sort[len(page.Sort)-1]
	}
}

// passDeadline does PassDeadline for the action under a key; nil when there is
// none. did tells that this very call moved it.
func (s *Service) passDeadline(ctx context.Context, key store.Key) (act *action.Action, did bool, err error) {
	return s.moveBySystem(ctx, key, "expire", approval.Pass)
}

// moveBySystem makes a move that nobody asked for, and reports whether this
// very call made it. The write depends on the record's revision; when somebody
// else was first, move looks at what they left.
func (s *Service) moveBySystem(ctx context.Context, key store.Key, verb string, move func(*action.Action, time.Time) (approval.Move, bool)) (*action.Action, bool, error) {
	for range command.Attempts {
		items, err := s.Store.Get(ctx, key)
		if err != nil {
			return nil, false, problem.Unavailable("read a pending action", err)
		}
		if items[0] == nil {
			return nil, false, nil
		}
		act, err := record.DecodeAction(items[0])
		if err != nil {
			return nil, false, err
		}
		now := s.Now()
		did, does := move(act, now)
		if !does {
			return act, false, nil
		}
		put, err := putMoved(act, system(act, now).ActionEntry(act, did.Event, verb, did.Reason, &did.Data))
		if err != nil {
			return nil, false, err
		}
		_, err = s.Store.Write(ctx, put)
		if err == nil {
			return act, true, nil
		}
		if _, lost := store.Conflict(err); !lost {
			return nil, false, problem.Unavailable("move a pending action", err)
		}
	}
	return nil, false, problem.Unavailable("move a pending action", errors.New("the record kept changing"))
}

// system returns the command of a move that nobody asked for.
func system(act *action.Action, now time.Time) *command.Command {
	return &command.Command{
		At: now, CorrelationID: act.CorrelationID,
		Principal: tenant.Principal{Org: act.Org, Kind: audit.System, Subject: "system"},
	}
}
