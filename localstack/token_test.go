package main

import (
	"strings"
	"syscall"
	"testing"
)

func TestTheTokenCommandMakesOtherPeopleAndOrganisations(t *testing.T) {
	s := launch(t, t.TempDir())
	must[object](t, s.key(), "POST", "/api/registry/agents", `{"agent_id": "token-agent", "display_name": "Token"}`)

	issue := func() (credentials map[string]string) {
		return map[string]string{
			"viewer":        s.command("token", "-role=viewer", "-email=viewer@ascend.example"),
			"another admin": s.command("token", "-org=2", "-email=admin@other.example"),
			"another key":   s.command("token", "-org=2", "-email=admin@other.example", "-key"),
		}
	}
	check := func(t *testing.T, credentials map[string]string) {
		viewer, otherAdmin, otherKey := s.as(credentials["viewer"]), s.as(credentials["another admin"]), s.as(credentials["another key"])
		for _, test := range []struct {
			name   string
			who    client
			method string
			path   string
			body   string
			want   int
		}{
			{"a viewer reads", viewer, "GET", "/api/registry/agents/token-agent", "", 200},
			{"a viewer does not write", viewer, "POST", "/api/v1/actions/submit", `{"agent_id": "token-agent", "action_type": "email_send"}`, 403},
			{"another organisation's admin sees nothing of the first", otherAdmin, "GET", "/api/registry/agents/token-agent", "", 404},
			{"nor does its key", otherKey, "GET", "/api/registry/agents/token-agent", "", 404},
			{"its key registers", otherKey, "POST", "/api/registry/agents", `{"agent_id": "other-agent", "display_name": "Other"}`, 201},
			{"again, which is no error", otherKey, "POST", "/api/registry/agents", `{"agent_id": "other-agent", "display_name": "Other"}`, 200},
			{"its admin activates", otherAdmin, "POST", "/api/registry/agents/other-agent/activate", "", 200},
			{"its key submits", otherKey, "POST", "/api/v1/actions/submit", `{"agent_id": "other-agent", "action_type": "email_send"}`, 200},
			{"the first organisation sees nothing of it", s.key(), "GET", "/api/registry/agents/other-agent", "", 404},
			{"its admin deletes", otherAdmin, "DELETE", "/api/registry/agents/other-agent", "", 200},
		} {
			r, err := test.who.call(test.method, test.path, "", test.body)
			if err != nil || r.status != test.want {
				t.Errorf("%s: answered %d %s, %v; want %d", test.name, r.status, r.body, err, test.want)
			}
		}
	}

	var running, stopped map[string]string
	t.Run("while the server runs", func(t *testing.T) {
		running = issue()
		check(t, running)
	})
	if err := s.kill(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	stopped = issue()
	if running["another key"] == stopped["another key"] {
		t.Error("two keys are one")
	}
	s = launch(t, s.data)
	t.Run("while it does not", func(t *testing.T) { check(t, stopped) })
	t.Run("from before a restart", func(t *testing.T) { check(t, running) })
}

func TestTheTokenCommandRefusesWhatIsNot(t *testing.T) {
	data := t.TempDir()
	for _, args := range [][]string{
		{"token", "-role=owner"}, {"token", "-role="}, {"token", "-org=0"}, {"token", "-org=-1"}, {"token", "-org=-1", "-key"}, {"tokens"},
	} {
		got := runToEnd(t, []string{"DATA=" + data}, args...)
		if got.code == 0 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%v ended with %d, printed %q and said %q", args, got.code, got.stdout, got.stderr)
		}
	}
}
