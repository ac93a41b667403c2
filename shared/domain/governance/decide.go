// Package governance decides on proposed actions. Decide is a pure function of
// its Input: no I/O, no clock, no randomness. It evaluates and explains every
// check; the first refusal in the order of decisions.md decision 13 gives the
// reason, and no failure of a check can approve.
package governance

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/catalog"
	"ascend/shared/domain/cvss"
	"ascend/shared/domain/risk"
)

// Model is the version of the rules of Decide. It changes when the same input may
// get another verdict.
const Model = "ascend-governance/1"

// Decide returns the verdict on a proposal (status rule SEC-106 of seeds/004,
// with the deviation of decision 15: an explicit rule beats the score).
func Decide(in Input) Verdict {
	v := Assess(in.Proposal)
	v.Model, v.Thresholds = Model, in.Agent.Thresholds
	v.Checks = []Check{
		agentState(in.Agent, in.Proposal.AgentID),
		killSwitch(in.KillSwitch),
		actionType(in.Agent, in.Proposal.ActionType),
		resources(in.Agent, in.Proposal),
		rateLimits(in.Admission, in.Agent),
		v.riskCheck(),
		v.findings("policies", FromPolicy, in.Findings),
		v.findings("smart_rules", FromSmartRule, in.Findings),
		callersWish(in.Proposal),
		v.thresholdCheck(),
	}
	v.PolicyDecision = policyDecision(in.Findings)
	v.settle()

	high := v.Risk.Level == risk.High || v.Risk.Level == risk.Critical
	flagged := slices.ContainsFunc(in.Findings, func(f Finding) bool { return f.Effect == Flag })
	v.Alert = high && in.Agent.AlertOnHighRisk || flagged
	v.MFA = v.Risk.Score > float64(v.Thresholds.RequiresMFAAbove)
	return v
}

// Assess scores a proposal regardless of the agent: the verdict has its CVSS
// score, risk and framework, and no status.
func Assess(p Proposal) Verdict {
	var v Verdict
	entry := catalog.Lookup(p.ActionType)
	control, tactic := cmp.Or(p.NISTControl, entry.Control), cmp.Or(p.MITRETactic, entry.Tactic)
	v.Framework = Framework{
		NISTControl: control, NISTDescription: catalog.NISTTitle(control),
		MITRETactic: tactic, MITRETechnique: entry.Technique,
		Recommendation: entry.Recommendation(),
		Overridden:     control != entry.Control || tactic != entry.Tactic,
	}
	v.CVSS = scored(entry.Vector)
	v.Risk = risk.Evaluate(riskInput(p, v.CVSS.Score))
	return v
}

// scored returns a vector's score, the highest for an invalid vector.
func scored(vector string) cvss.Result {
	r, err := cvss.Score(vector)
	if err != nil {
		return cvss.Result{Score: 10, Severity: cvss.Critical, Vector: vector}
	}
	return r
}

// settle sets the status: that of the first refusal, else of the first hold, else
// approved.
func (v *Verdict) settle() {
	for _, r := range []struct {
		result  Result
		outcome Status
	}{{Refuse, Denied}, {Hold, Pending}} {
		if i := slices.IndexFunc(v.Checks, func(c Check) bool { return c.Result == r.result }); i >= 0 {
			c := v.Checks[i]
			v.Status, v.Reason, v.Code, v.DecidedBy = r.outcome, c.Detail, c.code, c.by
			v.Enforcement, v.RetryAfterSeconds = string(r.outcome), c.retry
			if c.src == string(Escalate) {
				v.Enforcement = "escalated"
			}
			return
		}
	}
	last := v.Checks[len(v.Checks)-1]
	v.Status, v.Reason, v.DecidedBy, v.Enforcement = Approved, last.Detail, last.by, "auto_approved"
}

func (v *Verdict) riskCheck() Check {
	detail := "risk " + score(v.Risk.Score) + " of 100, " + v.Risk.Level + " (" + v.Risk.Model + ")" +
		"; CVSS " + strconv.FormatFloat(v.CVSS.Score, 'f', 1, 64) + " " + v.CVSS.Severity
	return Check{Name: "risk", Result: Pass, Detail: detail}
}

func (v *Verdict) thresholdCheck() Check {
	t, s := v.Thresholds, v.Risk.Score
	c := Check{Name: "thresholds", Result: Pass, by: "threshold"}
	switch {
	case s >= float64(t.MaxRiskThreshold):
		c.Result = Hold
		c.Detail = "risk " + score(s) + " reaches the maximum of " + strconv.Itoa(t.MaxRiskThreshold) + ": a person must approve"
	case s < float64(t.AutoApproveBelow):
		c.by = "auto_approve"
		c.Detail = "risk " + score(s) + " is below " + strconv.Itoa(t.AutoApproveBelow) + ": approved automatically"
	default:
		c.Detail = "risk " + score(s) + " is below the maximum of " + strconv.Itoa(t.MaxRiskThreshold) + " and no rule objects: approved"
	}
	return c
}

// findings returns the check of the matching rules of one source: any refusal
// wins, then any request for approval, regardless of the risk.
func (v *Verdict) findings(name, source string, all []Finding) Check {
	c := Check{Name: name, Result: NotConfigured, Detail: "no rule matches", by: source}
	for _, f := range ordered(all, source) {
		result := Pass
		switch f.Effect {
		case Allow, Flag:
		case RequireApproval, Escalate:
			result = Hold
		default: // Deny, Block, and whatever is not known
			result = Refuse
		}
		if severity(result) <= severity(c.Result) {
			continue
		}
		c.Result, c.src = result, string(f.Effect)
		c.Detail = fmt.Sprintf("%s %q (%s) says %s", source, f.Name, f.Rule, f.Effect)
		if result == Refuse {
			c.code = CodePolicy
		}
		if result == Hold && v.WorkflowID == "" {
			v.WorkflowID = f.WorkflowID
		}
	}
	return c
}

func severity(r Result) int {
	return slices.Index([]Result{NotConfigured, Pass, Hold, Refuse}, r)
}

// ordered returns the findings of a source, the one that decides first.
func ordered(all []Finding, source string) []Finding {
	var own []Finding
	for _, f := range all {
		if f.Source == source {
			own = append(own, f)
		}
	}
	slices.SortStableFunc(own, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Rule, b.Rule))
	})
	return own
}

// policyDecision returns the decision of the policies alone, Allow when none matches.
func policyDecision(all []Finding) Effect {
	decided := Allow
	for i, f := range ordered(all, FromPolicy) {
		if f.Effect == Deny || f.Effect == Block {
			return Deny
		}
		if i == 0 {
			decided = f.Effect
		}
	}
	return decided
}

func riskInput(p Proposal, cvssScore float64) risk.Input {
	in := risk.FromContext(plain(p.Context), plain(p.RiskIndicators), map[string]any{
		"environment": p.Environment, "contains_pii": p.ContainsPII,
	})
	in.ActionType, in.CVSSScore = p.ActionType, cvssScore
	in.Resource, in.ResourceType, in.ResourceID, in.TargetSystem = p.Resource, p.ResourceType, p.ResourceID, p.TargetSystem
	return in
}

// plain returns m with numbers as text, which the risk model reads: a proposal
// holds them as jsontext.Value.
func plain(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		if raw, ok := v.(jsontext.Value); ok {
			v = string(raw)
		}
		out[name] = v
	}
	return out
}

// score formats a risk score without trailing zeros.
func score(s float64) string { return strconv.FormatFloat(s, 'g', 4, 64) }
