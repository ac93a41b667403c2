package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/agent"
)

func escalation(t *testing.T, body string) (e *agent.Escalation, invalid []string) {
	t.Helper()
	var s agent.EscalationSettings
	if err := json.Unmarshal([]byte(body), &s, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	e, fields := s.Escalation()
	for _, f := range fields {
		invalid = append(invalid, f.Pointer)
	}
	return e, invalid
}

func TestEscalationSettingsSayAllOfAnEscalation(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"nothing is none", `{}`, `null`},
		{"nulls are none", `{"escalation_webhook_url": null, "escalation_email": null, "allow_queued_approval": null, "workflow_id": null, "timeout_seconds": null}`, `null`},
		{"waiting is allowed by default", `{"escalation_email": "a@b.example"}`,
			`{"escalation_webhook_url":null,"escalation_email":"a@b.example","allow_queued_approval":true}`},
		{"all of it", `{"escalation_webhook_url": "https://h.example/x?y=1", "escalation_email": "a@b.example", "allow_queued_approval": false, "workflow_id": "wf_1", "timeout_seconds": 2592000}`,
			`{"escalation_webhook_url":"https://h.example/x?y=1","escalation_email":"a@b.example","allow_queued_approval":false,"workflow_id":"wf_1","timeout_seconds":2592000}`},
		{"only that waiting is allowed", `{"allow_queued_approval": true}`,
			`{"escalation_webhook_url":null,"escalation_email":null,"allow_queued_approval":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, invalid := escalation(t, c.body)
			got, err := json.Marshal(e)
			if err != nil || string(got) != c.want || invalid != nil {
				t.Errorf("got %s, refused %v, %v\nwant %s", got, invalid, err, c.want)
			}
		})
	}
}

func TestEscalationSettingsOutOfBoundsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"plain http", `{"escalation_webhook_url": "http://h.example"}`, "/escalation_webhook_url"},
		{"credentials in the URL", `{"escalation_webhook_url": "https://u:p@h.example"}`, "/escalation_webhook_url"},
		{"no host", `{"escalation_webhook_url": "https:///x"}`, "/escalation_webhook_url"},
		{"not a URL", `{"escalation_webhook_url": ""}`, "/escalation_webhook_url"},
		{"not an address", `{"escalation_email": "nobody"}`, "/escalation_email"},
		{"a name beside the address", `{"escalation_email": "N <a@b.example>"}`, "/escalation_email"},
		{"an address too long", `{"escalation_email": "` + strings.Repeat("a", 250) + `@b.example"}`, "/escalation_email"},
		{"an empty workflow", `{"workflow_id": ""}`, "/workflow_id"},
		{"no time", `{"timeout_seconds": 0}`, "/timeout_seconds"},
		{"more than 30 days", `{"timeout_seconds": 2592001}`, "/timeout_seconds"},
		{"several at once", `{"escalation_email": "", "timeout_seconds": -1}`, "/escalation_email /timeout_seconds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if e, invalid := escalation(t, c.body); e != nil || !slices.Equal(invalid, strings.Fields(c.want)) {
				t.Errorf("refused %v, want %s", invalid, c.want)
			}
		})
	}
}
