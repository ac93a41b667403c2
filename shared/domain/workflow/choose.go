package workflow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ascend/shared/domain/governance"
	"ascend/shared/domain/risk"
	"ascend/shared/domain/tenant"
)

// Plan says who decides on a pending action, in which stages.
type Plan struct {
	Source   string    // what chose it: one of the From constants
	Workflow *Workflow // nil for the band
	Kind     Kind
	Stages   []Stage
}

// The sources of a Plan.
const (
	FromPolicy  = "policy"
	FromAgent   = "agent"
	FromTrigger = "trigger"
	FromBand    = "band"
)

// Choose returns the plan of a pending action (decision 30): the workflow that
// the deciding policy names, else the one of the agent's escalation setting, else
// the first by priority, then by id, whose trigger matches, else the band of the
// score. The name of a workflow that does not exist is ignored, so the action
// still waits for people.
func Choose(all []Workflow, byPolicy, byAgent string, p governance.Proposal, score float64) Plan {
	for _, named := range []struct{ source, id string }{{FromPolicy, byPolicy}, {FromAgent, byAgent}} {
		if i := slices.IndexFunc(all, func(w Workflow) bool { return w.ID == named.id }); i >= 0 {
			return all[i].plan(named.source)
		}
	}
	for _, w := range InOrder(all) {
		if w.Trigger != nil && w.Trigger.Matches(p, score) {
			return w.plan(FromTrigger)
		}
	}
	return Plan{Source: FromBand, Kind: Single, Stages: []Stage{{
		Name:           "approval",
		Approvers:      []Approver{{Role: tenant.Admin}, {Role: tenant.Manager}},
		TimeoutSeconds: int64(Band(score) / time.Second),
		MinApprovers:   1,
	}}}
}

// InOrder returns workflows in the order in which their triggers are tried: by
// priority, then by id.
func InOrder(all []Workflow) []Workflow {
	return slices.SortedFunc(slices.Values(all), func(a, b Workflow) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.ID, b.ID))
	})
}

func (w Workflow) plan(source string) Plan {
	return Plan{Source: source, Workflow: &w, Kind: w.Kind, Stages: w.Stages}
}

// Matches reports whether the trigger matches a proposal and its risk score. It
// ignores case and surrounding blanks, except in agent ids. An environment that
// is not stated counts as production, as documented (facts.md §4.1), so that no
// trigger is evaded by leaving it out; the score has a rule of its own.
func (t Trigger) Matches(p governance.Proposal, score float64) bool {
	named := func(stated string) func(string) bool {
		return func(entry string) bool { return strings.EqualFold(strings.TrimSpace(entry), strings.TrimSpace(stated)) }
	}
	environment := cmp.Or(p.StatedEnvironment(), "production")
	return !t.IsZero() &&
		(t.MinRisk == nil || score >= *t.MinRisk) &&
		(t.MaxRisk == nil || score <= *t.MaxRisk) &&
		oneOf(t.ActionTypes, named(p.ActionType)) &&
		oneOf(t.ResourceTypes, named(p.ResourceType)) &&
		oneOf(t.Environments, func(entry string) bool { return risk.InEnvironment(environment, entry) }) &&
		oneOf(t.AgentIDs, func(entry string) bool { return entry == string(p.AgentID) })
}

// oneOf reports whether an entry fits or the list is empty.
func oneOf(list []string, fits func(string) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, fits)
}

// Band returns how long people have to answer, by the action's score (decision 30):
// 90 and above 2 h, 70 to 89 4 h, 50 to 69 8 h, below 24 h.
func Band(score float64) time.Duration {
	switch {
	case score >= 90:
		return 2 * time.Hour
	case score >= 70:
		return 4 * time.Hour
	case score >= 50:
		return 8 * time.Hour
	default:
		return 24 * time.Hour
	}
}
