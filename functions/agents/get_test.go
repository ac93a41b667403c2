package agents_test

import (
	"testing"

	"ascend/functions/optest"
)

func TestGetAnswersAsDocumented(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, optest.Documented(t, "agents-register.request"))
	s.Want(200, "POST", registry+"/my-production-agent/activate", "")
	a := s.Want(200, "GET", registry+"/my-production-agent", "")
	a.Documents("agents-get.200")
	a.Has(map[string]string{
		"/agent/risk_config": `{"default_risk_score":50,"max_risk_threshold":80,"auto_approve_below":30,"requires_mfa_above":70,` +
			`"autonomous_auto_approve_below":20,"autonomous_max_risk_threshold":60}`,
		"/agent/capabilities":    `{"allowed_action_types":["database_query","database_read"],"allowed_resources":["production-db","staging-db"],"blocked_resources":["customer-pii"]}`,
		"/agent/mcp_integration": `{"is_mcp_server":false,"mcp_server_url":null,"mcp_capabilities":{}}`,
		"/agent/notifications":   `{"alert_on_high_risk":true,"alert_recipients":["security@company.com"],"webhook_url":"https://your-server.com/webhooks/ascend"}`,
		"/agent/metadata":        `{"owner":"data-team@company.com","team":"data-engineering"}`,
		"/agent/audit": `{"created_at":"2026-01-20T14:30:52.123Z","created_by":"admin@example.com","updated_at":"2026-01-20T14:30:52.123Z",` +
			`"updated_by":"admin@example.com","approved_at":"2026-01-20T14:30:52.123Z","approved_by":"admin@example.com"}`,
		"/agent/suspension":  "null",
		"/agent/rate_limits": `{"max_actions_per_minute":null,"max_actions_per_hour":null,"max_actions_per_day":null}`,
		"/agent/model_id":    "absent",
	})
}
