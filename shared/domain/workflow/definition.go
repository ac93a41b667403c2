package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// Definition is what a caller says of a workflow.
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

// StageDefinition is what a caller says of a stage.
type StageDefinition struct {
	Name           string     `json:"name" doc:"What people call the stage, up to 100 characters. Required."`
	Approvers      []Approver `json:"approvers" doc:"Who may approve, 1 to 20. Required."`
	TimeoutSeconds *int64     `json:"timeout_seconds" doc:"How long to wait: 1 to 2592000 (30 days). Required."`
	MinApprovers   *int       `json:"min_approvers,omitzero" doc:"How many people must approve: 1 to 20, 1 by default; of all stages together at most 20."`
}

// Workflow gives the workflow that the definition makes, still without id and
// author, or the fields that make no valid one.
func (d Definition) Workflow() (Workflow, []problem.Field) {
	var invalid fieldErrors
	invalid.name("/name", "name", d.Name)
	w := Workflow{Name: d.Name, Kind: d.Kind, Priority: DefaultPriority}
	switch d.Kind {
	case Single, Quorum:
		w.Stages = d.oneStage(&invalid)
	case MultiStage:
		w.Stages = d.manyStages(&invalid)
	default:
		invalid.add("/type", "type must be one of %s, %s, %s", Single, MultiStage, Quorum)
	}
	if d.Priority != nil {
		w.Priority = *d.Priority
	}
	if w.Priority < 0 || w.Priority > MaxPriority {
		invalid.add("/priority", "priority must be an integer between 0 and %d", MaxPriority)
	}
	if d.Trigger != nil {
		invalid.trigger(*d.Trigger)
		if !d.Trigger.IsZero() {
			w.Trigger = d.Trigger
		}
	}
	return w, invalid
}

// oneStage is the stage of a single approval or a quorum.
func (d Definition) oneStage(invalid *fieldErrors) []Stage {
	if len(d.Stages) > 0 {
		invalid.add("/stages", "stages are for %s; %s has approvers and timeout_seconds of its own", MultiStage, d.Kind)
	}
	switch {
	case d.Kind == Single && d.MinApprovers != nil && *d.MinApprovers != 1:
		invalid.add("/min_approvers", "min_approvers of %s is 1; use %s for more", Single, Quorum)
	case d.Kind == Quorum && d.MinApprovers == nil:
		invalid.add("/min_approvers", "min_approvers is required for %s", Quorum)
	}
	return []Stage{StageDefinition{"approval", d.Approvers, d.TimeoutSeconds, d.MinApprovers}.stage("", invalid)}
}

func (d Definition) manyStages(invalid *fieldErrors) []Stage {
	for _, misplaced := range []struct {
		name  string
		given bool
	}{{"approvers", len(d.Approvers) > 0}, {"timeout_seconds", d.TimeoutSeconds != nil}, {"min_approvers", d.MinApprovers != nil}} {
		if misplaced.given {
			invalid.add("/"+misplaced.name, "%s belongs into each of the stages of %s", misplaced.name, MultiStage)
		}
	}
	if len(d.Stages) == 0 {
		invalid.add("/stages", "stages are required for %s", MultiStage)
		return nil
	}
	if len(d.Stages) > MaxStages {
		invalid.add("/stages", "stages must not have more than %d entries", MaxStages)
		return nil
	}
	stages, total, people := make([]Stage, len(d.Stages)), time.Duration(0), 0
	before := len(*invalid)
	for i, s := range d.Stages {
		at := fmt.Sprintf("/stages/%d", i)
		invalid.name(at+"/name", "name", s.Name)
		stages[i] = s.stage(at, invalid)
		total += stages[i].Timeout()
		people += stages[i].MinApprovers
	}
	if len(*invalid) > before {
		return nil
	}
	if people > MaxApprovers { // because an action's record must have room for what each of them says
		invalid.add("/stages", "the min_approvers of all stages must not exceed %d together", MaxApprovers)
	}
	if total > MaxTotal {
		invalid.add("/stages", "the timeouts of all stages must not exceed %d seconds (90 days) together", int64(MaxTotal/time.Second))
	}
	if !enoughPeople(stages) {
		invalid.add("/stages", "the stages name too few people: nobody approves two stages of one action")
	}
	return stages
}

// stage is the stage that the definition at a pointer makes.
func (s StageDefinition) stage(at string, invalid *fieldErrors) Stage {
	stage := Stage{Name: s.Name, Approvers: s.Approvers, MinApprovers: 1}
	invalid.approvers(at+"/approvers", s.Approvers)
	switch {
	case s.TimeoutSeconds == nil:
		invalid.add(at+"/timeout_seconds", "timeout_seconds is required")
	case *s.TimeoutSeconds < 1 || *s.TimeoutSeconds > int64(MaxTimeout/time.Second):
		invalid.add(at+"/timeout_seconds", "timeout_seconds must be an integer between 1 and %d", int64(MaxTimeout/time.Second))
	default:
		stage.TimeoutSeconds = *s.TimeoutSeconds
	}
	if s.MinApprovers != nil {
		stage.MinApprovers = *s.MinApprovers
	}
	byRole := slices.ContainsFunc(s.Approvers, func(a Approver) bool { return a.Role != "" })
	switch n := stage.MinApprovers; {
	case n < 1 || n > MaxApprovers:
		invalid.add(at+"/min_approvers", "min_approvers must be an integer between 1 and %d", MaxApprovers)
	case !byRole && len(s.Approvers) > 0 && n > len(s.Approvers):
		invalid.add(at+"/min_approvers", "min_approvers must not be above the number of people named (%d)", len(s.Approvers))
	}
	return stage
}

// fieldErrors collects what is wrong with a definition.
type fieldErrors []problem.Field

func (f *fieldErrors) add(pointer, format string, args ...any) {
	*f = append(*f, problem.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

func (f *fieldErrors) name(pointer, name, s string) {
	if strings.TrimSpace(s) == "" {
		f.add(pointer, "%s is required", name)
	}
	f.text(pointer, name, s, MaxName)
}

func (f *fieldErrors) text(pointer, name, s string, limit int) {
	if utf8.RuneCountInString(s) > limit {
		f.add(pointer, "%s must not exceed %d characters", name, limit)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		f.add(pointer, "%s must not contain control characters", name)
	}
}

// approvers demands of each entry exactly one of a role that can approve and
// an e-mail address, and that none comes twice.
func (f *fieldErrors) approvers(at string, entries []Approver) {
	switch {
	case len(entries) == 0:
		f.add(at, "approvers are required")
		return
	case len(entries) > MaxApprovers:
		f.add(at, "approvers must not have more than %d entries", MaxApprovers)
		return
	}
	for i, a := range entries {
		pointer := fmt.Sprintf("%s/%d", at, i)
		switch {
		case (a.Role == "") == (a.Email == ""):
			f.add(pointer, "an approver has either a role or an email")
		case a.Role != "" && a.Role != tenant.Admin && a.Role != tenant.Manager:
			f.add(pointer+"/role", "role must be one of %s, %s: no other can approve", tenant.Admin, tenant.Manager)
		case a.Email != "" && !agent.ValidEmail(a.Email):
			f.add(pointer+"/email", "email must be an e-mail address")
		case slices.ContainsFunc(entries[:i], a.same):
			f.add(pointer, "the approver %s is named twice", a)
		}
	}
}

func (f *fieldErrors) trigger(t Trigger) {
	const at = "/trigger_conditions/"
	f.score(at, "min_risk", t.MinRisk)
	f.score(at, "max_risk", t.MaxRisk)
	if t.MinRisk != nil && t.MaxRisk != nil && *t.MinRisk > *t.MaxRisk {
		f.add(at+"min_risk", "min_risk must not be above max_risk")
	}
	f.list(at, "action_types", t.ActionTypes)
	f.list(at, "resource_types", t.ResourceTypes)
	f.list(at, "environments", t.Environments)
	f.list(at, "agent_ids", t.AgentIDs)
}

func (f *fieldErrors) score(at, name string, score *float64) {
	if score != nil && !(*score >= 0 && *score <= 100) {
		f.add(at+name, "%s must be a number between 0 and 100", name)
	}
}

func (f *fieldErrors) list(at, name string, entries []string) {
	if len(entries) > MaxEntries {
		f.add(at+name, "%s must not have more than %d entries", name, MaxEntries)
		return
	}
	for i, entry := range entries {
		pointer := fmt.Sprintf("%s%s/%d", at, name, i)
		switch {
		case strings.TrimSpace(entry) == "":
			f.add(pointer, "the entries of %s must not be empty", name)
		case strings.Contains(entry, "*"):
			f.add(pointer, "the entries of %s are whole names; * has no meaning", name)
		}
		f.text(pointer, "an entry of "+name, entry, MaxEntry)
	}
}
