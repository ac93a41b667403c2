package workflow

import (
	"slices"
	"strings"
	"time"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// The bounds of workflows. Characters are Unicode code points.
const (
	MaxWorkflows    = 50 // of an organisation
	MaxName         = 100
	MaxStages       = 10
	MaxApprovers    = 20 // entries of a stage, and people that all stages wait for together
	MaxEntries      = 50 // of each list of a trigger
	MaxEntry        = 200
	MaxTimeout      = 30 * 24 * time.Hour // of a stage
	MaxTotal        = 90 * 24 * time.Hour // of all stages
	MaxPriority     = 1_000_000
	DefaultPriority = 100
)

// Definition is the request to create a workflow.
type Definition struct {
	Name           string            `json:"name" doc:"What people call the workflow, up to 100 characters. Required."`
	Kind           Kind              `json:"type" doc:"One of single_approval, multi_stage, quorum. Required."`
	Approvers      []Approver        `json:"approvers,omitzero" doc:"Who may approve, 1 to 20; for single_approval and quorum, where it is required."`
	TimeoutSeconds *int64            `json:"timeout_seconds,omitzero" doc:"How long to wait: 1 to 2592000 (30 days); for single_approval and quorum, where it is required."`
	MinApprovers   *int              `json:"min_approvers,omitzero" doc:"How many people must approve: 1 to 20, for quorum, where it is required."`
	Stages         []StageDefinition `json:"stages,omitzero" doc:"One wait after the other, 1 to 10; for multi_stage, where it is required."`
	Priority       *int              `json:"priority,omitzero" doc:"0 to 1000000, 100 by default: of the workflows whose trigger_conditions match, the lowest number is taken."`
	Trigger        *Trigger          `json:"trigger_conditions,omitzero" doc:"Which actions the workflow is for: all that is set must hold, of a list one entry is enough. Without conditions it is used only where a policy or an agent names it."`
}

// StageDefinition is one stage of a Definition.
type StageDefinition struct {
	Name           string     `json:"name" doc:"What people call the stage, up to 100 characters. Required."`
	Approvers      []Approver `json:"approvers" doc:"Who may approve, 1 to 20. Required."`
	TimeoutSeconds *int64     `json:"timeout_seconds" doc:"How long to wait: 1 to 2592000 (30 days). Required."`
	MinApprovers   *int       `json:"min_approvers,omitzero" doc:"How many people must approve: 1 to 20, 1 by default; of all stages together at most 20."`
}

// Workflow returns the defined workflow, still without id and author, or the
// fields that are not valid.
func (d Definition) Workflow() (Workflow, problem.Fields) {
	var invalid problem.Fields
	name(&invalid, "/name", d.Name)
	w := Workflow{Name: d.Name, Kind: d.Kind, Priority: DefaultPriority}
	switch d.Kind {
	case Single, Quorum:
		w.Stages = d.oneStage(&invalid)
	case MultiStage:
		w.Stages = d.manyStages(&invalid)
	default:
		problem.OneOf(&invalid, "/type", d.Kind, Kinds())
	}
	if d.Priority != nil {
		w.Priority = *d.Priority
	}
	invalid.Integer("/priority", int64(w.Priority), 0, MaxPriority)
	if d.Trigger != nil {
		trigger(&invalid, *d.Trigger)
		if !d.Trigger.IsZero() {
			w.Trigger = d.Trigger
		}
	}
	return w, invalid
}

// oneStage returns the stage of a single approval or a quorum.
func (d Definition) oneStage(invalid *problem.Fields) []Stage {
	if len(d.Stages) > 0 {
		invalid.Add("/stages", "stages are for %s; %s has approvers and timeout_seconds of its own", MultiStage, d.Kind)
	}
	switch {
	case d.Kind == Single && d.MinApprovers != nil && *d.MinApprovers != 1:
		invalid.Add("/min_approvers", "min_approvers of %s is 1; use %s for more", Single, Quorum)
	case d.Kind == Quorum && d.MinApprovers == nil:
		invalid.Add("/min_approvers", "min_approvers is required for %s", Quorum)
	}
	return []Stage{StageDefinition{
		Name: "approval", Approvers: d.Approvers, TimeoutSeconds: d.TimeoutSeconds, MinApprovers: d.MinApprovers,
	}.stage("", invalid)}
}

func (d Definition) manyStages(invalid *problem.Fields) []Stage {
	for _, misplaced := range []struct {
		name  string
		given bool
	}{{"approvers", len(d.Approvers) > 0}, {"timeout_seconds", d.TimeoutSeconds != nil}, {"min_approvers", d.MinApprovers != nil}} {
		if misplaced.given {
			invalid.Add("/"+misplaced.name, "%s belongs in each stage of a %s workflow", misplaced.name, MultiStage)
		}
	}
	if len(d.Stages) == 0 {
		invalid.Add("/stages", "stages are required for %s", MultiStage)
		return nil
	}
	if len(d.Stages) > MaxStages {
		invalid.Add("/stages", "stages must not have more than %d entries", MaxStages)
		return nil
	}
	stages, total, people := make([]Stage, len(d.Stages)), time.Duration(0), 0
	before := len(*invalid)
	for i, s := range d.Stages {
		at := problem.Entry("/stages", i)
		name(invalid, at+"/name", s.Name)
		stages[i] = s.stage(at, invalid)
		total += stages[i].Timeout()
		people += stages[i].MinApprovers
	}
	if len(*invalid) > before {
		return nil
	}
	if people > MaxApprovers { // an action's record reserves space for the vote of each
		invalid.Add("/stages", "the min_approvers of all stages must not exceed %d together", MaxApprovers)
	}
	if total > MaxTotal {
		invalid.Add("/stages", "the timeouts of all stages must not exceed %d seconds (90 days) together", int64(MaxTotal/time.Second))
	}
	if !enoughPeople(stages) {
		invalid.Add("/stages", "the stages name too few people: nobody approves two stages of one action")
	}
	return stages
}

// stage returns the stage that is defined at a pointer.
func (s StageDefinition) stage(at string, invalid *problem.Fields) Stage {
	stage := Stage{Name: s.Name, Approvers: s.Approvers, MinApprovers: 1}
	approvers(invalid, at+"/approvers", s.Approvers)
	if s.TimeoutSeconds == nil {
		invalid.Add(at+"/timeout_seconds", "timeout_seconds is required")
	} else {
		stage.TimeoutSeconds = *s.TimeoutSeconds
		invalid.Integer(at+"/timeout_seconds", stage.TimeoutSeconds, 1, int64(MaxTimeout/time.Second))
	}
	if s.MinApprovers != nil {
		stage.MinApprovers = *s.MinApprovers
	}
	byRole := slices.ContainsFunc(s.Approvers, func(a Approver) bool { return a.Role != "" })
	n := stage.MinApprovers
	invalid.Integer(at+"/min_approvers", int64(n), 1, MaxApprovers)
	if !byRole && len(s.Approvers) > 0 && len(s.Approvers) < n && n <= MaxApprovers {
		invalid.Add(at+"/min_approvers", "min_approvers must not be above the number of people named (%d)", len(s.Approvers))
	}
	return stage
}

// name checks a Text that must not be blank.
func name(f *problem.Fields, pointer, s string) {
	f.Required(pointer, s)
	f.Text(pointer, s, MaxName)
}

// approvers checks that each entry has either an e-mail address or a role that
// can approve, and that none is repeated.
func approvers(f *problem.Fields, at string, entries []Approver) {
	switch {
	case len(entries) == 0:
		f.Add(at, "approvers are required")
		return
	case len(entries) > MaxApprovers:
		f.Add(at, "approvers must not have more than %d entries", MaxApprovers)
		return
	}
	for i, a := range entries {
		pointer := problem.Entry(at, i)
		before := len(*f)
		switch {
		case (a.Role == "") == (a.Email == ""):
			f.Add(pointer, "an approver has either a role or an email")
		case a.Role != "" && a.Role != tenant.Admin && a.Role != tenant.Manager:
			f.Add(pointer+"/role", "role must be one of %s, %s: no other can approve", tenant.Admin, tenant.Manager)
		case a.Email != "":
			f.Email(pointer+"/email", a.Email)
		}
		if len(*f) == before && slices.ContainsFunc(entries[:i], a.same) {
			f.Add(pointer, "the approver %s is named twice", a)
		}
	}
}

func trigger(f *problem.Fields, t Trigger) {
	const at = "/trigger_conditions"
	for _, score := range []struct {
		name string
		x    *float64
	}{{"/min_risk", t.MinRisk}, {"/max_risk", t.MaxRisk}} {
		if score.x != nil {
			f.Number(at+score.name, *score.x, 0, agent.MaxScore)
		}
	}
	if t.MinRisk != nil && t.MaxRisk != nil && *t.MinRisk > *t.MaxRisk {
		f.Add(at+"/min_risk", "min_risk must not be above max_risk")
	}
	for _, list := range []struct {
		name    string
		entries []string
	}{{"action_types", t.ActionTypes}, {"resource_types", t.ResourceTypes}, {"environments", t.Environments}, {"agent_ids", t.AgentIDs}} {
		pointer := at + "/" + list.name
		if !f.List(pointer, list.entries, MaxEntries, MaxEntry) {
			continue
		}
		for i, entry := range list.entries {
			if strings.Contains(entry, "*") {
				f.Add(problem.Entry(pointer, i), "the entries of %s are whole names; * has no meaning", list.name)
			}
		}
	}
}
