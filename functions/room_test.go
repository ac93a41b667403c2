package functions_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ascend/functions/optest"
	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
)

// secretive returns a submission as large as the front end lets it be, with so many
// members under a telling name: of each, redaction makes eleven bytes more.
func secretive(x optest.Target, members int) string {
	var b strings.Builder
	b.WriteString(`{"agent_id": "` + x.ID("agent_id") + `", "action_type": "database_delete", "require_approval": true, "parameters": {`)
	for i := range members {
		fmt.Fprintf(&b, `"pwd%04d":1,`, i)
	}
	b.WriteString(`"content":"`)
	return b.String() + strings.Repeat("x", endpoint.DefaultMaxBody-b.Len()-len(`"}}`)) + `"}}`
}

// TestWhatIsAcceptedAsPendingCanAlwaysBeEnded: a record grows beyond the body
// that asked for it, by redaction, by what is kept of the agent and of the
// workflow, and by each thing that people say. One that leaves no room for them
// is refused; the largest that is accepted comes to any end.
func TestWhatIsAcceptedAsPendingCanAlwaysBeEnded(t *testing.T) {
	long(t)
	longest := `{"reason": "` + strings.Repeat(`\n`, 2000) + `"}`
	for name, prepare := range map[string]func(*server, *optest.Target){
		"an agent with long lists": func(s *server, x *optest.Target) {
			list := make([]string, 60)
			for i := range list {
				list[i] = fmt.Sprintf(`"%s%03d"`, strings.Repeat("b", 250), i)
			}
			s.As("admin", "PUT", "/api/registry/agents/"+x.ID("agent_id"), `{"blocked_resources": [`+strings.Join(list, ",")+`]}`).Want(200)
		},
		"an agent that nobody registered, and a long workflow": func(s *server, x *optest.Target) {
			*x = x.With("agent_id", "unregistered")
			stages := make([]string, 4)
			for i := range stages {
				people := make([]string, 18)
				for n := range people {
					people[n] = fmt.Sprintf(`{"email": "%s%02d@x.example"}`, strings.Repeat("p", 230), n)
				}
				stages[i] = fmt.Sprintf(`{"name": "s", "timeout_seconds": 60, "approvers": [{"role": "manager"}, %s]}`, strings.Join(people, ","))
			}
			s.As("admin", "POST", "/api/governance/workflows", `{"name": "W", "type": "multi_stage", "priority": 0,
				"stages": [`+strings.Join(stages, ",")+`], "trigger_conditions": {"agent_ids": ["unregistered"]}}`).Want(201)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			x := s.Target("")
			prepare(s, &x)
			submit := func(members int) optest.Answer {
				t.Helper()
				return s.As("key admin", "POST", "/api/v1/actions/submit", secretive(x, members))
			}
			fit, not := 0, 9_900
			for fit < not-1 {
				n := (fit + not) / 2
				switch a := submit(n); {
				case a.Status == http.StatusOK && a.Text("/status") == "pending_approval":
					fit = n
				case a.Status == http.StatusUnprocessableEntity && a.Text("/error_code") == problem.CodeValidation &&
					strings.Contains(a.Text("/detail"), "the limit is 390000"):
					not = n
				default:
					t.Fatalf("%d members: %d %.600s", n, a.Status, a.Body)
				}
			}
			t.Logf("accepted with %d members under telling names, refused with %d", fit, not)
			if fit == 0 || not == 9_900 {
				t.Fatal("the bound lies elsewhere")
			}
			pending := func() string {
				t.Helper()
				return submit(fit - 2).Want(200).At("/id") // times are of several lengths
			}
			approved, rejected, expired, revoked := pending(), pending(), pending(), pending()
			for i := 0; ; i++ {
				who := fmt.Sprint("approver-", i)
				s.manager(who, true, time.Hour)
				a := s.As(who, "POST", "/api/v1/actions/"+approved+"/approve", longest).Want(200)
				if a.Text("/status") == "approved" {
					break
				}
			}
			s.As("manager", "POST", "/api/v1/actions/"+rejected+"/reject", longest).Want(200)
			if x.ID("agent_id") != "unregistered" {
				s.As("admin", "POST", "/api/registry/agents/"+x.ID("agent_id")+"/suspend?reason=odd", "").Want(200)
				if a := s.As("key admin", "GET", "/api/v1/actions/"+revoked, "").Want(200); a.Text("/status") != "denied" {
					t.Errorf("revoked, it is %s", a.Text("/status"))
				}
			}
			late := time.Now()
			s.App.Now = func() time.Time { return late }
			for range 4 {
				late = late.Add(24 * time.Hour)
				if _, err := s.App.Approvals.ExpireDue(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			late = time.Now()
			if a := s.As("key admin", "GET", "/api/v1/actions/"+expired, "").Want(200); a.Text("/status") != "denied" {
				t.Errorf("expired, it is %s", a.Text("/status"))
			}
		})
	}
}

func TestAReasonIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	x := s.Target("")
	for _, verb := range []string{"approve", "reject"} {
		a := s.As("manager", "POST", "/api/v1/actions/"+x.ID("action_id")+"/"+verb, `{"reason": "`+strings.Repeat("因", 1334)+`"}`)
		if a.Status != http.StatusUnprocessableEntity || a.At("/errors/0/pointer") != `"/reason"` {
			t.Errorf("%s: %d %s", verb, a.Status, a.Body)
		}
	}
	s.As("manager", "POST", "/api/v1/actions/"+x.ID("action_id")+"/reject", `{"reason": "`+strings.Repeat("因", 1333)+`"}`).Want(200)
}
