package agents

import (
	"context"
	"net/http"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/agent"
	"ascend/shared/endpoint"
	"ascend/shared/jsonschema"
	"ascend/shared/store"
)

// RegisterIn is the request of agents-register (seeds/001). Members that are
// not known are ignored, because published clients send extras.
type RegisterIn struct {
	AgentID string `json:"agent_id" doc:"Unique identifier (3-64 characters). Required."`
	agent.Settings
	Name         agent.Setting[string]   `json:"name,omitzero" doc:"An alias of display_name."`
	Capabilities agent.Setting[[]string] `json:"capabilities,omitzero" doc:"An alias of allowed_action_types."`
}

// JSONSchema states what registration demands, for the API description.
func (in RegisterIn) JSONSchema(s *jsonschema.Schema) {
	in.Settings.JSONSchema(s)
	s.Require("agent_id")
	s.Properties["agent_id"].Pattern = agent.IDPattern
	s.Properties["name"].Line(agent.MaxDisplayName)
	s.Properties["capabilities"].List(agent.MaxEntries, agent.MaxEntry)
	for _, name := range []string{"display_name", "name"} {
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{
			Required: []string{name}, Properties: map[string]*jsonschema.Schema{name: {Type: "string"}},
		})
	}
}

// settings are those of the request with the aliases in place.
func (in RegisterIn) settings() agent.Settings {
	s := in.Settings
	if s.DisplayName.Value() == nil {
		s.DisplayName = in.Name
	}
	if s.AllowedActionTypes.Value() == nil {
		s.AllowedActionTypes = in.Capabilities
	}
	return s
}

// RegisterOut is the answer of agents-register: 201 when the agent was
// created, 200 when it was there.
type RegisterOut struct {
	Success   bool     `json:"success"`
	Created   bool     `json:"created"`
	Agent     Summary  `json:"agent"`
	Message   string   `json:"message"`
	NextSteps []string `json:"next_steps,omitempty"`
}

// Status is 201 or 200.
func (out RegisterOut) Status() int {
	if out.Created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// Register enters an agent as a draft.
func Register() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "agents-register", Method: http.MethodPost, Path: base, Tag: tag,
		Summary: "Register an agent",
		Example: `{"agent_id": "customer-service-agent", "display_name": "Customer Service Agent", "tags": ["support"]}`,
		Auth:    endpoint.KeyOrTokenWrite,
		Reads:   []store.Table{store.Agents, store.Commands}, Writes: written,
		Success: http.StatusCreated, AlsoOK: true,
		Body: endpoint.RequiredBody, Unknown: endpoint.Tolerate, Repeats: true,
	}, register)
}

func register(ctx context.Context, a *app.App, c *command.Command, in RegisterIn) (RegisterOut, error) {
	got, err := a.Agents.Register(ctx, c, agent.ID(in.AgentID), in.settings())
	out := RegisterOut{
		Success: true, Created: got.Created, Agent: summary(got.Agent),
		Message: said(got.Created, "Agent registered", "Agent already exists", got.Agent.ID),
	}
	if got.Created {
		out.NextSteps = NextSteps()
	}
	return out, err
}

// NextSteps returns what to do with a new agent, each step with its operation.
func NextSteps() []string {
	return []string{
		"Set rate limits using PUT /api/registry/agents/{id}/rate-limits",
		"Activate agent using POST /api/registry/agents/{id}/activate",
		"Submit actions using POST /api/v1/actions/submit",
	}
}
