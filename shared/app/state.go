package app

import (
	"ascend/shared/domain/agent"
	"ascend/shared/store"
)

// newState is the state item of an agent that begins a life.
func newState(g agent.Agent) store.Put {
	set, _ := stateAttrs(g)
	return store.Put{Item: store.Item{Key: store.StateKey(g.Org, g.ID), Attrs: set}}
}

// setState carries an agent's status and limits into its state item, in the
// same group that changes the agent. The counts stay.
func setState(g agent.Agent) store.Update {
	set, remove := stateAttrs(g)
	return store.Update{Key: store.StateKey(g.Org, g.ID), Set: set, Remove: remove}
}

func stateAttrs(g agent.Agent) (set store.Attrs, remove []string) {
	set = store.Attrs{store.AttrStatus: store.S(string(g.Status))}
	for name, limit := range map[string]*int64{
		store.AttrLimitMinute: g.Config.Limits.PerMinute,
		store.AttrLimitHour:   g.Config.Limits.PerHour,
		store.AttrLimitDay:    g.Config.Limits.PerDay,
	} {
		if limit == nil {
			remove = append(remove, name)
		} else {
			set[name] = store.N(*limit)
		}
	}
	return set, remove
}
