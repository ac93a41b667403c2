package actions

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"

	"ascend/shared/app/command"
	"ascend/shared/domain/action"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
)

// admission holds what the admission write found.
type admission struct {
	governance.Admission
	status  agent.Status // of the state item; "" when there is none
	fresh   bool         // this very call counted the action, not an earlier run of the command
	marked  bool         // and left a mark
	limited bool         // the agent has a limit
}

// admit counts a command in its agent's windows, on condition that the agent
// is active and no window is full. All of it is one conditional write, so a
// limit holds exactly under any concurrency (decision 22). Where the agent's
// limits are small enough for it to matter, the command leaves a mark, and a
// repeat after a lost answer does not count twice.
//
// An agent is taken to leave marks until an answer says that it does not;
// should it get limits later, the write of those who still think so is refused
// and made again.
func (s *Service) admit(ctx context.Context, c *command.Command, org tenant.ID, id agent.ID) (admission, error) {
	key := store.StateKey(org, id)
	marked := !s.unmarked.has(key)
	for {
		after, err := s.Store.Write(ctx, countIn(key, c, marked))
		conflict, refused := store.Conflict(err)
		switch {
		case refused && !marked && conflict.Old != nil && conflict.Old.Attrs[store.AttrMarks].Num() != 0:
			s.unmarked.forget(key)
			marked = true
			continue
		case refused:
			return readRefusal(conflict.Old, c), nil
		case err != nil:
			return admission{}, problem.Unavailable("count the action", err)
		}
		if marks, told := after.Attrs[store.AttrMarks]; told && marks.Num() == 0 {
			s.unmarked.add(key)
		}
		s.sweepWindows(ctx, after, c.At)
		return admission{
			Admission: governance.Admission{Counted: true}, status: agent.Active,
			fresh: true, marked: marked, limited: limited(after),
		}, nil
	}
}

// countIn returns the admission write of a command.
func countIn(key store.Key, c *command.Command, marked bool) store.Update {
	now := c.At
	write := store.Update{
		Key:    key,
		If:     []store.Cond{store.Equal(store.AttrStatus, store.S(string(agent.Active)))},
		Add:    make(map[string]int64, 3),
		Remove: append(store.SlotsNext(now), pastWindows(now)...),
	}
	for _, w := range windows(now) {
		write.If = append(write.If, store.Below(w.count, w.limit))
		write.Add[w.count] = 1
	}
	if !marked {
		write.If = append(write.If, store.Equal(store.AttrMarks, store.N(0)))
		return write
	}
	mine := mark(c)
	write.AddTo = map[string]string{store.SlotAttr(now): mine}
	for _, slot := range store.SlotsSeen(now) {
		write.If = append(write.If, store.Lacks(slot, mine))
	}
	return write
}

// mark returns the name of the command and its credential in the agent's state item: in 128
// bits, because who can make two commands with one mark gets the second for
// free, and with the credential, because one that is refused takes its count back.
func mark(c *command.Command) string {
	sum := sha256.Sum256([]byte(c.ID + " " + c.Claim.Credential()))
	return base64.RawStdEncoding.EncodeToString(sum[:16])
}

// readRefusal returns why the write was refused, read from the item as it stood.
func readRefusal(old *store.Item, c *command.Command) admission {
	now := c.At
	if old == nil {
		return admission{}
	}
	found := admission{status: agent.Status(old.Attrs[store.AttrStatus].Str())}
	mine := mark(c)
	for _, slot := range store.SlotsSeen(now) {
		if slices.Contains(old.Attrs[slot].Members(), mine) {
			found.Counted = true
			return found
		}
	}
	if found.status != agent.Active {
		return found
	}
	for _, w := range windows(now) {
		limit, limited := old.Attrs[w.limit]
		if used := old.Attrs[w.count].Num(); limited && used >= limit.Num() {
			found.Full = append(found.Full, governance.FullWindow{
				Window: w.name, Limit: limit.Num(), Current: used,
				ResetsMillis: (w.length - now.Sub(now.Truncate(w.length))).Milliseconds(),
			})
		}
	}
	return found
}

// release gives back what admit counted, when the command turned out not to be
// a new action, and forgets that it was counted. The command's own mark is the
// condition, so repeating the write gives back once. Without a mark nothing is
// given back to a limit; where there is none, the count is only for show. A
// failure leaves the count too high until the window ends, never too low.
func (s *Service) release(ctx context.Context, c *command.Command, org tenant.ID, id agent.ID, was admission) {
	if !was.fresh || was.limited && !was.marked {
		return
	}
	write := store.Update{
		Key: store.StateKey(org, id),
		Add: map[string]int64{store.MinuteAttr(c.At): -1, store.HourAttr(c.At): -1, store.DayAttr(c.At): -1},
	}
	if was.marked {
		slot, mine := store.SlotAttr(c.At), mark(c)
		write.If = []store.Cond{store.Holds(slot, mine)}
		write.TakeFrom = map[string]string{slot: mine}
	}
	_, _ = s.Store.Write(ctx, write)
}

// notNeeded reports whether the count can be given back after storing the
// action came to this: an earlier action was found, or the command was refused
// for good. What left a mark stays while an action that was in flight beside
// this command may stand on it.
func (was admission) notNeeded(c *command.Command, stored *action.Action, err error) bool {
	switch {
	case err != nil:
		return !was.marked && problem.As(err).Kind != problem.KindUnavailable
	case !c.Replayed:
		return false
	default:
		return !was.marked || c.At.Sub(stored.CreatedAt) > store.MarkedFor
	}
}

// keySet remembers some keys. The zero value is empty and ready.
type keySet struct {
	mu   sync.Mutex
	keys map[store.Key]struct{}
}

// mostRemembered bounds a keySet; a full one begins anew.
const mostRemembered = 10_000

func (s *keySet) has(k store.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.keys[k]
	return ok
}

func (s *keySet) add(k store.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || len(s.keys) >= mostRemembered {
		s.keys = map[store.Key]struct{}{}
	}
	s.keys[k] = struct{}{}
}

func (s *keySet) forget(k store.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, k)
}
