package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/agents"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
	"ascend/shared/store"
)

// UsageOut is the answer of agents-usage (seeds/000).
type UsageOut struct {
	AgentID          agent.ID         `json:"agent_id"`
	RateLimits       Windows          `json:"rate_limits"`
	Budget           Budget           `json:"budget"`
	AnomalyDetection AnomalyDetection `json:"anomaly_detection"`
}

// Windows is what was used of the limits in the current UTC minute, hour and day.
type Windows struct {
	PerMinute Window `json:"per_minute"`
	PerHour   Window `json:"per_hour"`
	PerDay    Window `json:"per_day"`
}

// Window is what was used of one limit; null is unlimited.
type Window struct {
	Limit     *int64 `json:"limit"`
	Current   int64  `json:"current"`
	Remaining *int64 `json:"remaining"`
}

// Budget is what was spent of the day's budget in US dollars. No budget can be
// set yet, so the limit is null and nothing is counted.
type Budget struct {
	MaxDailyUSD     *float64 `json:"max_daily_usd"`
	CurrentSpendUSD float64  `json:"current_spend_usd"`
	RemainingUSD    *float64 `json:"remaining_usd"`
	AlertSent       bool     `json:"alert_sent"`
}

// AnomalyDetection says whether anomalies are looked for, and how many were
// found in 24 hours. They are not looked for yet.
type AnomalyDetection struct {
	Enabled  bool `json:"enabled"`
	Count24h int  `json:"count_24h"`
}

// Usage shows what an agent has used of its limits.
func Usage() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-usage", Method: http.MethodGet, Path: one + "/usage", Tag: tag,
		Summary: "Get an agent's usage",
		Auth:    endpoint.KeyOrToken,
		Reads:   []store.Table{store.Agents, store.Counters},
	}, usage)
}

func usage(ctx context.Context, a *app.App, c *command.Command, in One) (UsageOut, error) {
	got, err := a.Agents.Usage(ctx, c.Principal.Org, in.AgentID, c.At)
	return UsageOut{
		AgentID:    in.AgentID,
		RateLimits: Windows{window(got.PerMinute), window(got.PerHour), window(got.PerDay)},
	}, err
}

func window(w agents.WindowUsage) Window { return Window{w.Limit, w.Current, w.Remaining()} }
