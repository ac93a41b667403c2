package agents_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/agents"
	"ascend/shared/app/apptest"
	"ascend/shared/domain/agent"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

func TestEscalationIsAConfigurationOfTheAgent(t *testing.T) {
	f := apptest.New(t)
	ctx := context.Background()
	register(f, "my-agent")
	add := func(p tenant.Principal) string {
		w, err := f.Workflows.Create(ctx, f.Command(p), apptest.Definition(t, apptest.PlainWorkflow))
		if err != nil {
			t.Fatal(err)
		}
		return w.ID
	}
	ours, foreign := add(apptest.Admin), add(apptest.OtherAdmin)
	set := func(body string) (agents.Change, error) {
		var s agent.EscalationSettings
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		return f.Agents.SetEscalation(ctx, f.Command(apptest.Admin), "my-agent", s)
	}
	for _, step := range []struct {
		body, version, workflow string
		changed                 bool
	}{
		{`{"workflow_id": "` + ours + `", "timeout_seconds": 60}`, "1.1.0", ours, true},
		{`{"workflow_id": "` + ours + `", "timeout_seconds": 60, "allow_queued_approval": true}`, "1.1.0", ours, false},
		{`{"escalation_email": "a@b.example"}`, "1.2.0", "", true},
		{`{}`, "1.3.0", "none", true},
		{`{"escalation_email": null}`, "1.3.0", "none", false},
	} {
		got, err := set(step.body)
		id := "none"
		if e := got.Agent.Config.Escalation; e != nil {
			id = e.WorkflowID
		}
		if err != nil || got.Agent.Version != step.version || got.Changed != step.changed || id != step.workflow {
			t.Errorf("%s: version %s, changed %v, workflow %s, %v", step.body, got.Agent.Version, got.Changed, id, err)
		}
	}
	for _, body := range []string{`{"workflow_id": "wf_0"}`, `{"workflow_id": "` + foreign + `"}`, `{"timeout_seconds": 0}`} {
		if _, err := set(body); apptest.Kind(err) != problem.KindInvalid || len(problem.As(err).Fields) != 1 {
			t.Errorf("%s: %v", body, err)
		}
	}
	back, err := f.Agents.Rollback(ctx, f.Command(apptest.Admin), "my-agent", "1.1.0")
	if err != nil || back.Agent.Config.Escalation == nil || back.Agent.Config.Escalation.WorkflowID != ours {
		t.Errorf("rolled back to %+v, %v", back.Agent.Config.Escalation, err)
	}
	if got := events(f, "my-agent"); strings.Count(got, "agent.updated") != 4 {
		t.Errorf("audited: %s", got)
	}
}
