package events

// SecurityHighRisk is sent for every submission of risk level high or critical,
// whatever was decided on it and whoever is to be alerted: it is for watching.
type SecurityHighRisk struct {
	Action
	CVSSScore      float64 `json:"cvss_score"`
	CVSSSeverity   string  `json:"cvss_severity"`
	NISTControl    string  `json:"nist_control"`
	MITRETactic    string  `json:"mitre_tactic"`
	MITRETechnique string  `json:"mitre_technique"`
	Recommendation string  `json:"recommendation"`
}

// AlertTriggered is sent when the decision on a submission asks for somebody's
// attention: the agent alerts on high risk and the risk is high, or a policy
// flags the action.
type AlertTriggered struct {
	Action
	Severity string `json:"severity" enum:"low,medium,high,critical" doc:"The action's risk level."`
	Message  string `json:"message"`
}
