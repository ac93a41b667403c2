package governance

import (
	"testing"

	"ascend/shared/domain/agent"
	"ascend/shared/domain/cvss"
	"ascend/shared/domain/risk"
)

func TestRiskAndThresholdsAreExplainedInFigures(t *testing.T) {
	for score, want := range map[float64][2]string{
		0:     {"risk 0 of 100, low (ascend-risk/1); CVSS 4.0 medium", "risk 0 is below 30: approved automatically"},
		29.95: {"risk 29.95 of 100, low (ascend-risk/1); CVSS 4.0 medium", "risk 29.95 is below 30: approved automatically"},
		30:    {"risk 30 of 100, low (ascend-risk/1); CVSS 4.0 medium", "risk 30 is below the maximum of 80 and no rule objects: approved"},
		42.5:  {"risk 42.5 of 100, low (ascend-risk/1); CVSS 4.0 medium", "risk 42.5 is below the maximum of 80 and no rule objects: approved"},
		100:   {"risk 100 of 100, low (ascend-risk/1); CVSS 4.0 medium", "risk 100 reaches the maximum of 80: a person must approve"},
	} {
		v := Verdict{
			Risk: risk.Result{Score: score, Level: risk.Low, Model: "ascend-risk/1"}, CVSS: cvss.Result{Score: 4, Severity: cvss.Medium},
			Thresholds: agent.Thresholds{AutoApproveBelow: 30, MaxRiskThreshold: 80},
		}
		if got := [2]string{v.riskCheck().Detail, v.thresholdCheck().Detail}; got != want {
			t.Errorf("%v is explained as %q, want %q", score, got, want)
		}
	}
}
