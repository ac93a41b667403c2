package actions

import (
	"context"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/actions"
	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/action"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// ListQuery selects a part of the organisation's actions. Filters combine.
type ListQuery struct {
	endpoint.Page `default:"100" max:"1000"`

	Status     string     `query:"status_filter,status" json:"-" enum:"approved,pending_approval,pending,denied"`
	AgentID    string     `query:"agent_id" json:"-"`
	ActionType string     `query:"action_type" json:"-"`
	Start      *time.Time `query:"start_date" json:"-" doc:"Created at or after."`
	End        *time.Time `query:"end_date" json:"-" until:"true" doc:"Created at or before; a date includes its day."`
}

// Listed is one action of the list.
type Listed struct {
	Decision
	Scoring

	ActionType   string `json:"action_type"`
	Description  string `json:"description"`
	ToolName     string `json:"tool_name"`
	Resource     string `json:"resource"`
	TargetSystem string `json:"target_system"`
}

// ActionList answers a bare array (seeds/004), or the object that clients of
// line 1.x need.
type ActionList struct {
	endpoint.List[Listed]
	object *listObject
}

// listObject is the list as clients of line 1.x read it.
type listObject struct {
	Actions []Listed `json:"actions"`
	Total   int      `json:"total"`
	Limit   int      `json:"limit"`
	Offset  int      `json:"offset"`
	HasMore bool     `json:"has_more"`
}

// Body is the array, or the object for whom needs one.
func (l ActionList) Body() any {
	if l.object != nil {
		return *l.object
	}
	return l.Items
}

// Others is what Body may answer besides an array.
func (l ActionList) Others() []any { return []any{listObject{}} }

// Headers adds what the shape depends on to the paging headers. A total that
// counting gave up on is said to be a lower bound.
func (l ActionList) Headers(h http.Header) {
	l.List.Headers(h)
	listVary(h)
}

// List is GET /api/v1/actions: the organisation's actions, newest first.
func List() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "actions-list", Method: http.MethodGet, Path: "/api/v1/actions", Tag: "Actions",
		Summary: "List the organisation's actions, newest first",
		Auth:    endpoint.KeyOrToken, Reads: []store.Table{store.Actions},
		InvalidStatus: http.StatusUnprocessableEntity,
	}, list)
}

func list(ctx context.Context, a *app.App, c *command.Command, in ListQuery) (ActionList, error) {
	org := c.Principal.Org
	after, err := in.Position(org, "actions")
	if err != nil {
		return ActionList{}, err
	}
	found, err := a.Actions.List(ctx, org, in.filter(), record.Range{Limit: in.Limit, Offset: in.Offset, After: after})
	if err != nil {
		return ActionList{}, err
	}
	out := ActionList{}
	out.Items = make([]Listed, len(found.Actions))
	for i, act := range found.Actions {
		out.Items[i] = listedOf(act)
	}
	if after == "" {
		out.Total = &found.Total
	}
	if found.Next != "" {
		out.Next = in.Next(endpoint.NextCursor(org, "actions", found.Next))
	}
	if wantsListObject(c.Client) {
		out.object = &listObject{out.Items, found.Total, in.Limit, in.Offset, found.Next != ""}
	}
	return out, nil
}

func (q ListQuery) filter() actions.Filter {
	f := actions.Filter{Status: statusFilter(q.Status), AgentID: q.AgentID, ActionType: q.ActionType}
	if q.Start != nil {
		f.From = *q.Start
	}
	if q.End != nil {
		f.To = q.End.Truncate(time.Millisecond).Add(time.Millisecond) // actions keep the millisecond
	}
	return f
}

func listedOf(act *action.Action) Listed {
	p := act.Input.Proposal
	return Listed{
		Decision: decisionOf(act), Scoring: scoringOf(act.Verdict.CVSS, act.Verdict.Framework),
		ActionType: p.ActionType, Description: p.Description, ToolName: p.ToolName,
		Resource: p.Resource, TargetSystem: p.TargetSystem,
	}
}
