package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ascend/functions/optest"
)

const base = "/api/governance/workflows"

func TestAWorkflowIsShownAsDefinedAndAsItsStages(t *testing.T) {
	s := optest.New(t)
	s.App.Now = func() time.Time { return time.Date(2026, 1, 20, 14, 30, 52, 123456789, time.UTC) }
	for _, c := range []struct{ name, body, want string }{
		{
			"the documented one", optest.Documented(t, "workflows-create.request"),
			`{"id":"<id>","name":"Manager Approval","type":"single_approval","approvers":[{"role":"manager"}],"timeout_seconds":3600,"min_approvers":1,` +
				`"stages":[{"name":"approval","approvers":[{"role":"manager"}],"timeout_seconds":3600,"min_approvers":1}],"priority":100,"trigger_conditions":null,` +
				`"created_at":"2026-01-20T14:30:52.123Z","created_by":"admin@example.com"}`,
		},
		{
			"several stages",
			`{"name": "M", "type": "multi_stage", "priority": 5, "trigger_conditions": {"min_risk": 70, "action_types": ["a"]},
			  "stages": [{"name": "one", "approvers": [{"email": "a@x.example"}], "timeout_seconds": 1}, {"name": "two", "approvers": [{"role": "admin"}], "timeout_seconds": 2, "min_approvers": 2}]}`,
			`{"id":"<id>","name":"M","type":"multi_stage",` +
				`"stages":[{"name":"one","approvers":[{"email":"a@x.example"}],"timeout_seconds":1,"min_approvers":1},{"name":"two","approvers":[{"role":"admin"}],"timeout_seconds":2,"min_approvers":2}],` +
				`"priority":5,"trigger_conditions":{"min_risk":70,"action_types":["a"]},"created_at":"2026-01-20T14:30:52.123Z","created_by":"admin@example.com"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := s.Want(201, "POST", base, c.body).Has(map[string]string{"/success": "true"})
			shown, id := made.At("/workflow"), made.Text("/workflow/id")
			if got := strings.Replace(shown, id, "<id>", 1); got != c.want {
				t.Errorf("created\n%s, want\n%s", got, c.want)
			}
			want := fmt.Sprintf(`{"success":true,"workflow":%s}`, shown)
			if got := s.As("key user", "GET", base+"/"+id, "").Want(200); strings.TrimSpace(string(got.Body)) != want {
				t.Errorf("read\n%s, want\n%s", got.Body, want)
			}
			if got := s.As("viewer", "GET", base, "").Want(200); !strings.Contains(string(got.Body), shown) {
				t.Errorf("listed\n%s, want in it\n%s", got.Body, shown)
			}
		})
	}
}
