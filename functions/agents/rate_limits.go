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

// RateLimitsIn is the request of agents-rate-limits (seeds/000). An absent
// limit stays as it is; null is unlimited; 0 admits nothing.
type RateLimitsIn struct {
	One
	agent.LimitSettings
}

// RateLimitsOut is the answer of agents-rate-limits.
type RateLimitsOut struct {
	Success    bool         `json:"success"`
	Message    string       `json:"message"`
	AgentID    agent.ID     `json:"agent_id"`
	RateLimits agent.Limits `json:"rate_limits"`
	Version    string       `json:"version"`
}

// RateLimits sets how many actions an agent may do a minute, an hour and a day.
func RateLimits() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-rate-limits", Method: http.MethodPut, Path: one + "/rate-limits", Tag: tag,
		Summary: "Set an agent's rate limits",
		Example: `{"max_actions_per_minute": 1000}`,
		Auth:    endpoint.TokenAdmin,
		Reads:   []store.Table{store.Agents, store.Commands}, Writes: written,
		Body: endpoint.RequiredBody,
	}, rateLimits)
}

func rateLimits(ctx context.Context, a *app.App, c *command.Command, in RateLimitsIn) (RateLimitsOut, error) {
	got, err := a.Agents.SetRateLimits(ctx, c, in.AgentID, in.LimitSettings)
	g := got.Agent
	return RateLimitsOut{
		Success: true, Message: said(got.Changed, "Rate limits updated", "Rate limits unchanged", g.ID),
		AgentID: g.ID, RateLimits: g.Config.Limits, Version: g.Version,
	}, err
}
