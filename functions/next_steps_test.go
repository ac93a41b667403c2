package functions_test

import (
	"slices"
	"strings"
	"testing"

	"ascend/functions"
	"ascend/functions/agents"
	"ascend/shared/endpoint"
)

func TestNextStepsNameOperationsThatExist(t *testing.T) {
	for _, step := range agents.NextSteps() {
		_, call, _ := strings.Cut(step, " using ")
		if !slices.ContainsFunc(functions.Routes(), func(r endpoint.Route) bool {
			return call == r.Method+" "+strings.Replace(r.Path, "{agent_id}", "{id}", 1)
		}) {
			t.Errorf("%q names no operation", step)
		}
	}
}
