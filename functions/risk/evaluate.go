// Package risk serves the operation that scores an action without submitting it.
package risk

import (
	"context"
	"net/http"

	"ascend/functions/actions"
	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/governance"
	"ascend/shared/domain/risk"
	"ascend/shared/endpoint"
)

// Evaluation is the score of a proposed action: all four factors, which sum to
// the score before floors, and its CVSS score.
type Evaluation struct {
	Score        float64         `json:"score"`
	Level        string          `json:"level" enum:"low,medium,high,critical"`
	Factors      actions.Factors `json:"factors"`
	BeforeFloors float64         `json:"before_floors"`
	Floors       []risk.Floor    `json:"floors"`
	Model        string          `json:"model"`
	CVSSScore    float64         `json:"cvss_score"`
	CVSSSeverity string          `json:"cvss_severity"`
	CVSSVector   string          `json:"cvss_vector"`
}

// Evaluate serves POST /api/risk/evaluate: score an action without submitting it.
func Evaluate() endpoint.Route {
	return endpoint.Define(endpoint.Spec{
		ID: "risk-evaluate", Method: http.MethodPost, Path: "/api/risk/evaluate", Tag: "Risk",
		Summary: "Score a proposed action without submitting it",
		Example: actions.Example,
		Auth:    endpoint.KeyOrToken, Body: endpoint.RequiredBody, Unknown: endpoint.Tolerate,
	}, evaluate)
}

func evaluate(_ context.Context, _ *app.App, _ *command.Command, in actions.SubmitIn) (Evaluation, error) {
	proposal, err := in.Proposal()
	if err != nil {
		return Evaluation{}, err
	}
	v := governance.Assess(proposal)
	return Evaluation{
		Score: v.Risk.Score, Level: v.Risk.Level, Factors: actions.FactorsOf(v.Risk),
		BeforeFloors: v.Risk.BeforeFloors, Floors: v.Risk.Floors, Model: v.Risk.Model,
		CVSSScore: v.CVSS.Score, CVSSSeverity: v.CVSS.Severity, CVSSVector: v.CVSS.Vector,
	}, nil
}
