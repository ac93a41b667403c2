package agents

import (
	"cmp"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
)

// Reason is why something is done, in the query as documented (seeds/000) or
// in the body.
type Reason struct {
	InQuery string `query:"reason" json:"-" maxlen:"1000" doc:"Why."`
	InBody  string `json:"reason,omitzero" maxlen:"1000" doc:"Why."`
}

// JSONSchema states what the reason's validation demands, for the API description.
func (Reason) JSONSchema(s *jsonschema.Schema) { s.Properties["reason"].Prose(agent.MaxReason) }

// text returns the reason, wherever it was given.
func (r Reason) text() (string, error) {
	if r.InQuery != "" && r.InBody != "" && r.InQuery != r.InBody {
		return "", problem.InvalidField("/reason", "reason differs between query and body")
	}
	return cmp.Or(r.InQuery, r.InBody), nil
}
