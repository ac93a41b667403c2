package agents_test

import (
	"context"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/command"
	"ascend/shared/domain/tenant"
	"ascend/shared/domain/workflow"
)

func TestEscalation(t *testing.T) {
	s := newServer(t)
	s.Want(201, "POST", registry, `{"agent_id": "my-agent", "display_name": "x"}`)
	const mine = registry + "/my-agent"
	s.Want(200, "GET", mine, "").Has(map[string]string{"/agent/escalation": "null"})

	var d workflow.Definition
	text := `{"name": "W", "type": "single_approval", "approvers": [{"role": "admin"}], "timeout_seconds": 60}`
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	by := tenant.Principal{Org: 4, Kind: tenant.Person, Subject: "sub-admin", Role: tenant.Admin}
	w, err := s.App.Workflows.Create(context.Background(), &command.Command{Claim: command.Confirmed(by), Principal: by, ID: "0123", At: s.App.Now()}, d)
	if err != nil {
		t.Fatal(err)
	}
	all := `{"escalation_webhook_url":"https://h.example/x","escalation_email":"a@b.example","allow_queued_approval":false,"workflow_id":"` + w.ID + `","timeout_seconds":60}`
	s.Want(200, "PUT", mine+"/escalation", all).Has(map[string]string{
		"/success": "true", "/message": `"Escalation updated: my-agent"`, "/agent_id": `"my-agent"`, "/version": `"1.1.0"`, "/escalation": all,
	})
	s.Want(200, "GET", mine, "").Has(map[string]string{"/agent/escalation": all})
	s.Want(200, "PUT", mine+"/escalation", all).Has(map[string]string{"/message": `"Escalation unchanged: my-agent"`, "/version": `"1.1.0"`})
	s.Want(200, "PUT", mine+"/escalation", `{"workflow_id": null}`).Has(map[string]string{"/escalation": "null", "/version": `"1.2.0"`})
	s.Want(200, "GET", mine+"/versions", "").Has(map[string]string{
		"/versions/0/change": `"escalation"`, "/versions/0/changes": `[{"field":"escalation","from":` + all + `,"to":null}]`,
	})

	for body, pointer := range map[string]string{
		`{"workflow_id": "wf_0"}`:                           "/workflow_id",
		`{"workflow_id": 1}`:                                "/workflow_id",
		`{"escalation_webhook_url": "http://h.example"}`:    "/escalation_webhook_url",
		`{"escalation_webhook_url": "https://u@h.example"}`: "/escalation_webhook_url",
		`{"escalation_email": "a"}`:                         "/escalation_email",
		`{"allow_queued_approval": "yes"}`:                  "/allow_queued_approval",
		`{"timeout_seconds": 0}`:                            "/timeout_seconds",
		`{"timeout": 60}`:                                   "/timeout",
	} {
		s.Want(400, "PUT", mine+"/escalation", body).Has(map[string]string{"/errors/0/pointer": `"` + pointer + `"`})
	}
	s.Want(400, "PUT", mine+"/escalation", "")
	s.Want(404, "PUT", registry+"/unknown-agent/escalation", `{}`)
	s.As("manager", "PUT", mine+"/escalation", `{}`).Want(403)
	s.As("key admin", "PUT", mine+"/escalation", `{}`).Want(403)
}
