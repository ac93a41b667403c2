package workflow

import (
	"time"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/jsonschema"
)

// JSONSchema states what Workflow demands, for the API description.
func (Definition) JSONSchema(s *jsonschema.Schema) {
	p := s.Properties
	s.Require("name", "type")
	p["name"].Line(MaxName)
	jsonschema.OneOf(p["type"], Kinds())
	p["stages"].MaxItems = MaxStages
	p["priority"].Between(0, MaxPriority)
	stage(s)
	one := float64(1)
	list, number, null := jsonschema.Schema{Type: "array", MinItems: 1}, jsonschema.Schema{Type: "integer"}, jsonschema.Schema{Type: "null"}
	kind := func(k Kind, approvers, timeout, people, stages jsonschema.Schema, required ...string) *jsonschema.Schema {
		return &jsonschema.Schema{Required: required, Properties: map[string]*jsonschema.Schema{
			"type": {Const: string(k)}, "approvers": &approvers, "timeout_seconds": &timeout, "min_approvers": &people, "stages": &stages,
		}}
	}
	s.AnyOf = []*jsonschema.Schema{
		kind(Single, list, number, jsonschema.Schema{Maximum: &one}, null, "approvers", "timeout_seconds"),
		kind(Quorum, list, number, number, null, "approvers", "timeout_seconds", "min_approvers"),
		kind(MultiStage, null, null, null, list, "stages"),
	}
}

// JSONSchema states what stage demands, for the API description.
func (StageDefinition) JSONSchema(s *jsonschema.Schema) {
	s.Require("name", "approvers", "timeout_seconds")
	s.Properties["name"].Line(MaxName)
	s.Properties["approvers"].MinItems = 1
	stage(s)
}

func stage(s *jsonschema.Schema) {
	p := s.Properties
	p["approvers"].MaxItems, p["approvers"].Unique = MaxApprovers, true
	p["timeout_seconds"].Between(1, float64(MaxTimeout/time.Second))
	p["min_approvers"].Between(1, MaxApprovers)
}

// JSONSchema states what approvers demands, for the API description.
func (Approver) JSONSchema(s *jsonschema.Schema) {
	p := s.Properties
	jsonschema.OneOf(p["role"], []tenant.Role{tenant.Admin, tenant.Manager})
	p["email"].Email(problem.MaxEmail)
	role, email := *s, *s // either, not both
	role.Properties = map[string]*jsonschema.Schema{"role": p["role"]}
	email.Properties = map[string]*jsonschema.Schema{"email": p["email"]}
	role.Require("role")
	email.Require("email")
	*s = jsonschema.Schema{AnyOf: []*jsonschema.Schema{&role, &email}}
}

// JSONSchema states what trigger demands, for the API description.
func (Trigger) JSONSchema(s *jsonschema.Schema) {
	p := s.Properties
	p["min_risk"].Between(0, agent.MaxScore)
	p["max_risk"].Between(0, agent.MaxScore)
	for _, list := range []string{"action_types", "resource_types", "environments", "agent_ids"} {
		p[list].List(MaxEntries, MaxEntry)
		p[list].Items.Pattern = `^[^*\x00-\x1f\x7f-\x9f]*[^*\s\x00-\x1f\x7f-\x9f\xa0][^*\x00-\x1f\x7f-\x9f]*$`
	}
}
