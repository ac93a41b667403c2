package actions

import (
	"cmp"
	"maps"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/catalog"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/problem"
	"ascend/shared/jsonschema"
)

// SubmitIn is the request of actions-submit. agent_id and action_type are
// required; what else is documented as required has a default (decision 20).
// Members that are not listed are ignored.
type SubmitIn struct {
	AgentID      string `json:"agent_id" doc:"The agent that wants to act."`
	ActionType   string `json:"action_type" maxlen:"128" doc:"What it wants to do, such as email_send."`
	Description  string `json:"description" maxlen:"4096"`
	ToolName     string `json:"tool_name" maxlen:"256"`
	AgentName    string `json:"agent_name" maxlen:"256"`
	TargetSystem string `json:"target_system" maxlen:"1024"`

	Resource     string `json:"resource" maxlen:"1024"`
	Target       string `json:"target_resource" maxlen:"1024" doc:"An alias of resource."`
	ResourceType string `json:"resource_type" maxlen:"256"`
	ResourceID   any    `json:"resource_id" doc:"A string or a number."`
	Environment  string `json:"environment" maxlen:"64"`

	ActionDetails  map[string]any `json:"action_details"`
	Parameters     map[string]any `json:"parameters"`
	Metadata       map[string]any `json:"metadata"`
	Context        map[string]any `json:"context"`
	RiskIndicators map[string]any `json:"risk_indicators"`

	ContainsPII      bool `json:"contains_pii"`
	RequireApproval  bool `json:"require_approval" doc:"Ask for a person, whatever the risk."`
	EstimatedCostUSD any  `json:"estimated_cost_usd" doc:"A decimal number, as a number or a string."`

	NISTControl string `json:"nist_control" maxlen:"32" doc:"Overrides the mapping, such as AC-3."`
	MITRETactic string `json:"mitre_tactic" maxlen:"16" doc:"Overrides the mapping, such as TA0002."`

	OrchestrationSession any    `json:"orchestration_session_id"`
	ParentAction         any    `json:"parent_action_id"`
	OrchestrationDepth   int    `json:"orchestration_depth" min:"0" max:"5"`
	MCPServer            string `json:"mcp_server_name" maxlen:"256"`
	ModelID              any    `json:"model_id"`

	// Callers cannot set their own risk: these are ignored and the answer says so.
	RiskScore any `json:"risk_score"`
	RiskLevel any `json:"risk_level"`
}

// JSONSchema states what Proposal demands, for the API description.
func (SubmitIn) JSONSchema(s *jsonschema.Schema) {
	p := s.Properties
	s.Require("agent_id", "action_type")
	p["agent_id"].Pattern = agent.IDPattern
	p["action_type"].Pattern = `\S`
	p["nist_control"].Pattern, p["nist_control"].MaxLength = catalog.ControlPattern(), catalog.MaxControl
	p["mitre_tactic"].Pattern = `^(TA00(0[1-9]|1[01]|4[023]))?$`
	for _, id := range []string{"resource_id", "orchestration_session_id", "parent_action_id", "model_id"} {
		p[id].Type, p[id].MaxLength = []string{"string", "number", "null"}, maxID
	}
	cost := p["estimated_cost_usd"]
	cost.Type, cost.Pattern, cost.MultipleOf = []string{"string", "number", "null"}, `^([0-9]{1,9}([.][0-9]{1,6})?)?$`, 0.000001
	cost.Between(0, 999_999_999.999999)
}

// Proposal checks the submission and puts defaults where clients leave out
// what is documented as required.
func (s SubmitIn) Proposal() (governance.Proposal, error) {
	if err := s.missing(); err != nil {
		return governance.Proposal{}, err
	}
	var invalid problem.Fields
	text := func(pointer string, v any) string {
		t, ok := idText(v)
		if !ok {
			invalid.Add(pointer, "%s must be a string or a number of at most %d characters", pointer[1:], maxID)
		}
		return t
	}
	cost, ok := decimal(s.EstimatedCostUSD)
	if !ok {
		invalid.Add("/estimated_cost_usd", "estimated_cost_usd must be a decimal number from 0 to 999999999.999999")
	}
	invalid = append(invalid, agent.ID(s.AgentID).Validate()...)
	if s.NISTControl != "" && !catalog.ValidControl(s.NISTControl) {
		invalid.Add("/nist_control", "nist_control must name a NIST SP 800-53 control, such as AC-3")
	}
	if s.MITRETactic != "" && !catalog.ValidTactic(s.MITRETactic) {
		invalid.Add("/mitre_tactic", "mitre_tactic must name a MITRE ATT&CK tactic, such as TA0002")
	}

	resource := cmp.Or(s.Resource, s.Target)
	p := governance.Proposal{
		AgentID: agent.ID(s.AgentID), AgentName: s.AgentName, ActionType: strings.TrimSpace(s.ActionType),
		TargetSystem: s.TargetSystem, Resource: resource, ResourceType: s.ResourceType, ResourceID: text("/resource_id", s.ResourceID),
		Environment: s.Environment, Parameters: merge(s.ActionDetails, s.Parameters), Metadata: s.Metadata,
		Context: s.Context, RiskIndicators: s.RiskIndicators, ContainsPII: s.ContainsPII, RequireApproval: s.RequireApproval,
		EstimatedCostUSD: cost, NISTControl: s.NISTControl, MITRETactic: s.MITRETactic,
		OrchestrationSession: text("/orchestration_session_id", s.OrchestrationSession),
		ParentAction:         text("/parent_action_id", s.ParentAction),
		OrchestrationDepth:   s.OrchestrationDepth, MCPServer: s.MCPServer, ModelID: text("/model_id", s.ModelID),
	}
	p.ToolName = cmp.Or(s.ToolName, detail(p.Parameters, "tool_name"), s.TargetSystem, p.ActionType)
	p.Description = cmp.Or(s.Description, detail(p.Parameters, "description"), strings.TrimSpace(p.ActionType+" "+resource))
	if s.RiskScore != nil {
		p.Ignored = append(p.Ignored, "risk_score")
	}
	if s.RiskLevel != nil {
		p.Ignored = append(p.Ignored, "risk_level")
	}
	if err := invalid.Err(); err != nil {
		return governance.Proposal{}, err
	}
	return p, nil
}

// missing names the required fields that are absent, in the words of seeds/004.
func (s SubmitIn) missing() error {
	var invalid problem.Fields
	invalid.Required("/agent_id", s.AgentID)
	invalid.Required("/action_type", s.ActionType)
	if len(invalid) == 0 {
		return nil
	}
	var names []string
	for _, f := range invalid {
		names = append(names, f.Pointer[1:])
	}
	err := problem.InvalidFields(invalid...)
	err.Detail = "Missing required fields: " + strings.Join(names, ", ")
	return err
}

// merge joins the two names for an action's arguments; action_details wins.
func merge(details, parameters map[string]any) map[string]any {
	if len(parameters) == 0 {
		return details
	}
	all := make(map[string]any, len(details)+len(parameters))
	for _, m := range []map[string]any{parameters, details} {
		maps.Copy(all, m)
	}
	return all
}

// detail returns a text among the arguments, as long as its field may be.
func detail(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return strings.ToValidUTF8(s[:min(len(s), 256)], "")
}

// maxID is how many characters an id may have that is a string or a number.
const maxID = 256

// idText reads an id that clients send as a string or a number.
func idText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, utf8.RuneCountInString(v) <= maxID
	case jsontext.Value:
		return v.String(), len(v) <= maxID
	}
	return "", false
}

// decimal reads an amount of money without ever making it binary: at most nine
// digits before and six after the point, no sign, no exponent.
func decimal(v any) (string, bool) {
	s, ok := idText(v)
	if !ok || s == "" {
		return "", ok
	}
	if _, number := v.(jsontext.Value); number && strings.ContainsAny(s, "eE") { // as some clients write 0.00005
		amount, _ := new(big.Rat).SetString(s) // never fails: it is a number, bounded by package bind
		if new(big.Rat).Mul(amount, big.NewRat(1_000_000, 1)).IsInt() {
			s = strings.TrimRight(strings.TrimRight(amount.FloatString(6), "0"), ".")
		}
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits := func(s string, most int) bool {
		return len(s) <= most && strings.Trim(s, "0123456789") == ""
	}
	return s, whole != "" && digits(whole, 9) && digits(fraction, 6) && !strings.HasSuffix(s, ".")
}
