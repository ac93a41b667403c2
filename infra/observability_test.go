package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/functions"
)

// A sum of metrics by name has no value while one of them was never reported.
func TestAlarmsOnSumsCountWhatThereIs(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		for _, id := range stack.of("AWS::CloudWatch::Alarm") {
			queries, _ := stack.Resources[id].Properties["Metrics"].([]any)
			var returned []any
			for _, q := range queries {
				if at(q, "ReturnData") != false {
					returned = append(returned, q)
				}
			}
			if queries == nil {
				continue
			}
			if len(returned) != 1 || at(returned[0], "Expression") != "SUM(METRICS())" || len(queries) > 10 {
				t.Errorf("%s watches %s of %d metrics", id, text(returned), len(queries)-1)
			}
		}
	})
}

// expressions are those of the dashboard's graphs.
func expressions(t *testing.T, stack *template) (all []string) {
	t.Helper()
	for _, id := range stack.of("AWS::CloudWatch::Dashboard") {
		var body struct {
			Widgets []struct{ Properties struct{ Metrics [][]any } }
		}
		if err := json.Unmarshal([]byte(text(stack.Resources[id].Properties["DashboardBody"])), &body, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		for _, w := range body.Widgets {
			for _, line := range w.Properties.Metrics {
				if e, ok := at(line[0], "expression").(string); ok {
					all = append(all, e)
				}
			}
		}
	}
	return all
}

// CloudWatch searches for what is in quotes as the whole of a name, and for
// what is not as one of the words that a name is made of.
func TestGraphsOfFunctionsFindAllOfThem(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		found := expressions(t, stack)
		if stack.env.Alarms != nil && len(found) == 0 {
			t.Error("no graph searches for functions")
		}
		term := regexp.MustCompile(`FunctionName=([^ ']+)`)
		for _, e := range found {
			terms := term.FindAllStringSubmatch(e, -1)
			if len(terms) != 2 || !strings.Contains(e, "{AWS/Lambda,FunctionName}") {
				t.Errorf("%s finds functions of other stacks", e)
			}
			for _, id := range stack.of("AWS::Lambda::Function") {
				name := text(stack.Resources[id].Properties["FunctionName"])
				for _, one := range terms {
					if !slices.Contains(strings.Split(name, "-"), one[1]) {
						t.Errorf("%s does not find %s", e, name)
					}
				}
			}
		}
	})
}

func TestWorkersAreGivenTimeToSayThatTheirsIsOver(t *testing.T) {
	everywhere(t, func(t *testing.T, stack *template) {
		for _, w := range functions.Workers() {
			f := stack.function(w.ID)
			if f == nil {
				continue // that it may be left out is another test's
			}
			gives, _ := f.Properties["Timeout"].(float64)
			if left := gives - w.Timeout.Seconds(); left < 1 || left > 2 {
				t.Errorf("%s works for %v of %v s", w.ID, w.Timeout, gives)
			}
		}
	})
}
