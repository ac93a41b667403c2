package agent

import (
	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
)

// JSONSchema states what validate demands, for the API description.
func (Settings) JSONSchema(s *jsonschema.Schema) {
	p := s.Properties
	p["display_name"].Line(MaxDisplayName)
	p["display_name"].NotNull() // there is no default
	p["description"].Prose(MaxDescription)
	jsonschema.OneOf(p["agent_type"], Types())
	for _, score := range []string{"default_risk_score", "auto_approve_below", "max_risk_threshold", "requires_mfa_above"} {
		p[score].Between(0, MaxScore)
	}
	for _, list := range []string{"allowed_action_types", "allowed_resources", "blocked_resources", "tags", "alert_recipients"} {
		p[list].List(MaxEntries, MaxEntry)
	}
	p["alert_recipients"].Items.Email(problem.MaxEmail)
	p["mcp_server_url"].URL("https?", problem.MaxURL)
	p["webhook_url"].URL("https", problem.MaxURL)
	p["model_id"].Between(0, MaxModelID)
}

// JSONSchema states what Apply demands, for the API description.
func (LimitSettings) JSONSchema(s *jsonschema.Schema) {
	for _, p := range s.Properties {
		p.Between(0, MaxLimit)
	}
}

// JSONSchema states what Escalation demands, for the API description.
func (EscalationSettings) JSONSchema(s *jsonschema.Schema) {
	p := s.Properties
	p["escalation_webhook_url"].URL("https", problem.MaxURL)
	p["escalation_email"].Email(problem.MaxEmail)
	p["workflow_id"].MinLength = 1
	p["timeout_seconds"].Between(1, MaxEscalationSeconds)
}
