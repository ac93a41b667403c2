package agents_test

import (
	"testing"

	"ascend/functions/optest"
)

func TestUpdate(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, optest.Documented(t, "agents-register.request"))
	const mine = registry + "/my-production-agent"
	s.Want(200, "PUT", mine, `{"max_risk_threshold": 75, "webhook_url": null, "metadata": {"n": 1.0}}`).Has(map[string]string{
		"/success": "true", "/message": `"Agent updated: my-production-agent"`, "/agent/version": `"1.1.0"`,
		"/agent/risk_config/max_risk_threshold": "75", "/agent/notifications/webhook_url": "null", "/agent/metadata/n": "1.0",
		"/agent/display_name": `"Production Database Agent"`,
	})
	s.Want(200, "PUT", mine, `{"max_risk_threshold": 75, "metadata": {"n": 1.0}}`).Has(map[string]string{
		"/message": `"Agent unchanged: my-production-agent"`, "/agent/version": `"1.1.0"`,
	})
	s.Want(200, "PUT", mine, `{"model_id": 12}`).Has(map[string]string{"/agent/model_id": "12", "/agent/version": `"1.1.1"`})
	s.Want(200, "PUT", mine, `{}`).Has(map[string]string{"/agent/version": `"1.1.1"`})
}

func TestUpdateRefusesWhatItDoesNotKnow(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	for body, pointer := range map[string]string{
		`{"max_risk_treshold": 10}`:            "/max_risk_treshold",
		`{"agent_id": "other"}`:                "/agent_id",
		`{"status": "active"}`:                 "/status",
		`{"id": 7}`:                            "/id",
		`{"organization_id": 7}`:               "/organization_id",
		`{"version": "9.0.0"}`:                 "/version",
		`{"rate_limits": {}}`:                  "/rate_limits",
		`{"autonomous_max_risk_threshold": 9}`: "/autonomous_max_risk_threshold",
		`{"display_name": null}`:               "/display_name",
		`{"auto_approve_below": 81}`:           "/auto_approve_below",
	} {
		s.Want(400, "PUT", registry+"/my-agent", body).Has(map[string]string{"/errors/0/pointer": `"` + pointer + `"`, "/error_code": `"VALIDATION_ERROR"`})
	}
	s.Want(400, "PUT", registry+"/my-agent?status=active", `{}`)
	s.Want(400, "PUT", registry+"/my-agent", ``)
	s.Want(200, "GET", registry+"/my-agent", "").Has(map[string]string{"/agent/version": `"1.0.0"`})
}
