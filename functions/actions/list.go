package actions

import (
	"context"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/actions"
	"ascend/shared/app/command"
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
	endpoint.Paged[Listed]
	object *listObject
}

// Body returns the array, or the object for clients that need one.
func (l ActionList) Body() any {
	if l.object != nil {
		return *l.object
	}
	return l.Items
}

// Others returns what Body may answer besides an array.
func (l ActionList) Others() []any { return []any{listObject{}} }

// Headers adds what the shape depends on to the paging headers.
func (l ActionList) Headers(h http.Header) {
	l.Paged.Headers(h)
	listVary(h)
}

// List serves GET /api/v1/actions: the organisation's actions, newest first.
func List() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "actions-list", Method: http.MethodGet, Path: "/api/v1/actions", Tag: "Actions",
		Summary: "List the organisation's actions, newest first",
		Auth:    endpoint.KeyOrToken, Reads: []store.Table{store.Actions},
		InvalidStatus: http.StatusUnprocessableEntity,
	}, list)
}

func list(ctx context.Context, a *app.App, c *command.Command, in ListQuery) (ActionList, error) {
	got, err := endpoint.List(ctx, in.Page, c.Principal.Org, a.Actions.List(c.Principal.Org, in.filter()), listedOf)
	if err != nil {
		return ActionList{}, err
	}
	return ActionList{got, listObjectFor(c.Client, got)}, nil
}

func (q ListQuery) filter() actions.Filter {
	f := actions.Filter{Status: statusFilter(q.Status), AgentID: q.AgentID, ActionType: q.ActionType}
	if q.Start != nil {
		f.From = *q.Start
	}
	if q.End != nil {
		f.To = *q.End
	}
	return f
}

func listedOf(act action.Summary) Listed {
	s := act.Subject
	return Listed{
		Decision: decisionOf(act), Scoring: scoringOf(act.Verdict.CVSS, act.Verdict.Framework),
		ActionType: s.ActionType, Description: s.Description, ToolName: s.ToolName,
		Resource: s.Resource, TargetSystem: s.TargetSystem,
	}
}
