package record

import (
	"ascend/shared/domain/agent"
	"ascend/shared/store"
)

// NewState returns the state item of an agent that begins a life.
func NewState(g agent.Agent) store.Put {
	set, _ := stateAttrs(g)
	return store.Put{Item: store.Item{Key: store.StateKey(g.Org, g.ID), Attrs: set}}
}

// SetState returns the write that carries an agent's status and limits into its state item, in the
// same group that changes the agent. The counts stay.
func SetState(g agent.Agent) store.Update {
	set, remove := stateAttrs(g)
	return store.Update{Key: store.StateKey(g.Org, g.ID), Set: set, Remove: remove}
}

// mostMarked is the largest limit whose admissions leave marks, which bounds
// how many a state item can hold. Where all limits are larger, or there are
// none, a repeat after a lost answer may count twice: the limit then admits a
// little less, never more.
const mostMarked = 10_000

func stateAttrs(g agent.Agent) (set store.Attrs, remove []string) {
	set = store.Attrs{store.AttrStatus: store.S(string(g.Status)), store.AttrMarks: store.N(0)}
	for name, limit := range map[string]*int64{
		store.AttrLimitMinute: g.Config.Limits.PerMinute,
		store.AttrLimitHour:   g.Config.Limits.PerHour,
		store.AttrLimitDay:    g.Config.Limits.PerDay,
	} {
		if limit == nil {
			remove = append(remove, name)
		} else {
			set[name] = store.N(*limit)
			if *limit <= mostMarked {
				set[store.AttrMarks] = store.N(1)
			}
		}
	}
	return set, remove
}
