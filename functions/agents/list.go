package agents

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/agents"
	"ascend/shared/app/command"
	"ascend/shared/app/record"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// ListIn is the request of agents-list (seeds/002).
type ListIn struct {
	Status        agent.Status `query:"status_filter,status" json:"-" enum:"draft,active,suspended" doc:"Filter by status."`
	Type          agent.Type   `query:"type_filter,type" json:"-" enum:"autonomous,supervised,advisory,mcp_server,custom" doc:"Filter by agent type."`
	endpoint.Page `default:"100" max:"500"`
}

// ListOut is the answer of agents-list: agents in the order of their agent_id.
type ListOut struct {
	Success    bool                `json:"success"`
	Agents     []Listed            `json:"agents"`
	Pagination endpoint.Pagination `json:"pagination"`
}

// Listed is an agent in a list.
type Listed struct {
	ID               int64        `json:"id"`
	AgentID          agent.ID     `json:"agent_id"`
	DisplayName      string       `json:"display_name"`
	Description      string       `json:"description"`
	AgentType        agent.Type   `json:"agent_type"`
	Status           agent.Status `json:"status"`
	Version          string       `json:"version"`
	DefaultRiskScore int          `json:"default_risk_score"`
	AutoApproveBelow int          `json:"auto_approve_below"`
	MaxRiskThreshold int          `json:"max_risk_threshold"`
	IsMCPServer      bool         `json:"is_mcp_server"`
	Tags             []string     `json:"tags"`
	CreatedAt        time.Time    `json:"created_at"`
}

// List lists the organisation's agents.
func List() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-list", Method: http.MethodGet, Path: base, Tag: tag,
		Summary: "List agents",
		Auth:    endpoint.KeyOrToken,
		Reads:   []store.Table{store.Agents},
	}, list)
}

func list(ctx context.Context, a *app.App, c *command.Command, in ListIn) (ListOut, error) {
	position, err := in.Position(c.Principal.Org, "agents")
	if err != nil {
		return ListOut{}, err
	}
	at, err := readPlace(position, in.Offset)
	if err != nil {
		return ListOut{}, err
	}
	got, err := a.Agents.List(ctx, c.Principal.Org, agents.Filter{Status: in.Status, Type: in.Type},
		record.Range{Limit: in.Limit, Offset: in.Offset, After: at.after})
	if err != nil {
		return ListOut{}, err
	}
	if at.after == "" {
		at.total = got.Total
	}
	out := ListOut{Success: true, Agents: make([]Listed, len(got.Agents)), Pagination: at.pagination(in.Limit)}
	for i, g := range got.Agents {
		out.Agents[i] = listed(g)
	}
	if got.Next != "" {
		out.Pagination.HasMore = true
		next := place{at.total, at.offset + len(got.Agents), got.Next}
		out.Pagination.NextCursor = endpoint.NextCursor(c.Principal.Org, "agents", next.String())
	}
	return out, nil
}

func listed(g agent.Agent) Listed {
	c := g.Config
	return Listed{
		g.Serial, g.ID, c.DisplayName, c.Description, c.Type, g.Status, g.Version,
		c.DefaultRiskScore, c.AutoApproveBelow, c.MaxRiskThreshold, c.IsMCPServer, c.Tags, g.CreatedAt,
	}
}

// place is where a cursor goes on, with what was counted before it.
type place struct {
	total, offset int
	after         string
}

func (p place) String() string { return fmt.Sprintf("%d %d %s", p.total, p.offset, p.after) }

// readPlace reads a cursor's position; "" is the given offset from the start.
func readPlace(position string, offset int) (place, error) {
	p := place{offset: offset}
	if position == "" {
		return p, nil
	}
	if _, err := fmt.Sscanf(position, "%d %d %s", &p.total, &p.offset, &p.after); err != nil || p.String() != position {
		return place{}, problem.InvalidField("/query/cursor", "cursor is not a cursor of this list")
	}
	return p, nil
}

func (p place) pagination(limit int) endpoint.Pagination {
	return endpoint.Pagination{Total: p.total, Limit: limit, Offset: p.offset}
}
