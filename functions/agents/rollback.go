package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// RollbackIn is the request of agents-rollback.
type RollbackIn struct {
	One
	TargetVersion string `query:"target_version" json:"-" required:"true" maxlen:"40" example:"1.0.0" doc:"The version to restore, such as 1.0.0."`
}

// RollbackOut is the answer of agents-rollback. NewVersion has the
// configuration of ToVersion; it is FromVersion when the agent had it already.
type RollbackOut struct {
	Success     bool     `json:"success"`
	AgentID     agent.ID `json:"agent_id"`
	FromVersion string   `json:"from_version"`
	ToVersion   string   `json:"to_version"`
	NewVersion  string   `json:"new_version"`
	Message     string   `json:"message"`
	Agent       Agent    `json:"agent"`
}

// RollBack restores a configuration that an agent had.
func RollBack() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-rollback", Method: http.MethodPost, Path: one + "/rollback", Tag: tag,
		Summary: "Restore an earlier configuration",
		Auth:    endpoint.TokenAdmin,
		Reads:   []store.Table{store.Agents, store.Commands}, Writes: written,
		Repeats: true,
	}, rollback)
}

func rollback(ctx context.Context, a *app.App, c *command.Command, in RollbackIn) (RollbackOut, error) {
	got, err := a.Agents.Rollback(ctx, c, in.AgentID, in.TargetVersion)
	g := got.Agent
	return RollbackOut{
		Success: true, AgentID: g.ID, FromVersion: got.Previous, ToVersion: in.TargetVersion, NewVersion: g.Version,
		Message: said(got.Changed, "Agent rolled back to "+in.TargetVersion, "Agent already has the configuration of "+in.TargetVersion, g.ID),
		Agent:   detail(g),
	}, err
}
