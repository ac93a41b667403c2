package governance

import "testing"

func TestTheGravestEnvironmentThatAProposalStatesCounts(t *testing.T) {
	for name, c := range map[string]struct {
		proposal Proposal
		want     string
	}{
		"none is stated":                    {Proposal{}, ""},
		"a member of its own":               {Proposal{Environment: "staging"}, "staging"},
		"in the context":                    {Proposal{Context: map[string]any{"environment": "staging"}}, "staging"},
		"the context is graver":             {Proposal{Environment: "development", Context: map[string]any{"environment": "production"}}, "production"},
		"the member is graver":              {Proposal{Environment: "production", Context: map[string]any{"environment": "development"}}, "production"},
		"the indicators are graver than it": {Proposal{Environment: "development", RiskIndicators: map[string]any{"environment": "production"}}, "production"},
	} {
		if got := c.proposal.StatedEnvironment(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
