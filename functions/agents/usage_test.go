package agents_test

import (
	"context"
	"testing"

	"ascend/functions/optest"
	"ascend/shared/store"
)

func TestRateLimitsAndUsage(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "autonomous-agent", "display_name": "x"}`)
	const mine = registry + "/autonomous-agent"
	s.Want(200, "GET", mine+"/usage", "").Has(map[string]string{
		"/rate_limits/per_minute": `{"limit":null,"current":0,"remaining":null}`,
		"/budget":                 `{"max_daily_usd":null,"current_spend_usd":0,"remaining_usd":null,"alert_sent":false}`,
		"/anomaly_detection":      `{"enabled":false,"count_24h":0}`,
	})

	a := s.Want(200, "PUT", mine+"/rate-limits", optest.Documented(t, "agents-rate-limits.request"))
	a.Has(map[string]string{
		"/success": "true", "/message": `"Rate limits updated: autonomous-agent"`, "/agent_id": `"autonomous-agent"`, "/version": `"1.1.0"`,
		"/rate_limits": `{"max_actions_per_minute":10,"max_actions_per_hour":100,"max_actions_per_day":500}`,
	})
	s.Want(200, "PUT", mine+"/rate-limits", `{"max_actions_per_hour": null}`).Has(map[string]string{
		"/rate_limits": `{"max_actions_per_minute":10,"max_actions_per_hour":null,"max_actions_per_day":500}`,
	})
	s.Want(200, "PUT", mine+"/rate-limits", `{"max_actions_per_hour": null}`).Has(map[string]string{"/message": `"Rate limits unchanged: autonomous-agent"`})
	s.Want(200, "PUT", mine+"/rate-limits", `{"max_actions_per_hour": 100}`)

	now := s.App.Now()
	used := store.Update{Key: store.StateKey(4, "autonomous-agent"), Add: map[string]int64{
		store.MinuteAttr(now): 3, store.HourAttr(now): 45, store.DayAttr(now): 200,
	}}
	if _, err := s.App.Store.Write(context.Background(), used); err != nil {
		t.Fatal(err)
	}
	a = s.Want(200, "GET", mine+"/usage", "")
	a.Documents("agents-usage.200")
	a.Has(map[string]string{
		"/agent_id": `"autonomous-agent"`,
		"/rate_limits": `{"per_minute":{"limit":10,"current":3,"remaining":7},"per_hour":{"limit":100,"current":45,"remaining":55},` +
			`"per_day":{"limit":500,"current":200,"remaining":300}}`,
	})
}

func TestRateLimitsRefusesBadLimits(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	for body, pointer := range map[string]string{
		`{"max_actions_per_minute": -1}`:                "/max_actions_per_minute",
		`{"max_actions_per_day": 1000000001}`:           "/max_actions_per_day",
		`{"max_actions_per_hour": 1.5}`:                 "/max_actions_per_hour",
		`{"max_actions_per_hour": "10"}`:                "/max_actions_per_hour",
		`{"max_actions_per_second": 10}`:                "/max_actions_per_second",
		`{"max_actions_per_day": 99999999999999999999}`: "/max_actions_per_day",
	} {
		s.Want(400, "PUT", registry+"/my-agent/rate-limits", body).Has(map[string]string{"/errors/0/pointer": `"` + pointer + `"`})
	}
	s.Want(400, "PUT", registry+"/my-agent/rate-limits", "")
}
