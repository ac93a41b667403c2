package functions_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/endpoint"
)

// secretive is a submission as large as the front end lets it be, with so many
// members under a telling name: of each, redaction makes eleven bytes more.
func secretive(x target, members int) string {
	var b strings.Builder
	b.WriteString(`{"agent_id": "` + x.agent + `", "action_type": "database_delete", "require_approval": true, "parameters": {`)
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
	t.Parallel()
	longest := `{"reason": "` + strings.Repeat(`\n`, 2000) + `"}`
	for name, prepare := range map[string]func(*house, *target){
		"an agent with long lists": func(h *house, x *target) {
			list := make([]string, 60)
			for i := range list {
				list[i] = fmt.Sprintf(`"%s%03d"`, strings.Repeat("b", 250), i)
			}
			h.want(200, h.as("admin", "PUT", "/api/registry/agents/"+x.agent, `{"blocked_resources": [`+strings.Join(list, ",")+`]}`))
		},
		"an agent that nobody registered, and a long workflow": func(h *house, x *target) {
			x.agent = "unregistered"
			stages := make([]string, 4)
			for i := range stages {
				people := make([]string, 18)
				for n := range people {
					people[n] = fmt.Sprintf(`{"email": "%s%02d@x.example"}`, strings.Repeat("p", 230), n)
				}
				stages[i] = fmt.Sprintf(`{"name": "s", "timeout_seconds": 60, "approvers": [{"role": "manager"}, %s]}`, strings.Join(people, ","))
			}
			h.want(201, h.as("admin", "POST", "/api/governance/workflows", `{"name": "W", "type": "multi_stage", "priority": 0,
				"stages": [`+strings.Join(stages, ",")+`], "trigger_conditions": {"agent_ids": ["unregistered"]}}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			x := h.target("")
			prepare(h, &x)
			submit := func(members int) answer {
				t.Helper()
				return h.as("key admin", "POST", "/api/v1/actions/submit", secretive(x, members))
			}
			fit, not := 0, 9_900
			for fit < not-1 {
				n := (fit + not) / 2
				switch a := submit(n); {
				case a.status == http.StatusOK && a.text("/status") == "pending_approval":
					fit = n
				case a.status == http.StatusUnprocessableEntity && a.text("/error_code") == problem.CodeValidation &&
					strings.Contains(a.text("/detail"), "at most 390000"):
					not = n
				default:
					t.Fatalf("%d members: %d %.600s", n, a.status, a.body)
				}
			}
			t.Logf("accepted with %d members under telling names, refused with %d", fit, not)
			if fit == 0 || not == 9_900 {
				t.Fatal("the bound lies elsewhere")
			}
			pending := func() string {
				t.Helper()
				return h.want(200, submit(fit-2)).at("/id") // times are of several lengths
			}
			approved, rejected, expired, revoked := pending(), pending(), pending(), pending()
			for i := 0; ; i++ {
				who := fmt.Sprint("approver-", i)
				h.manager(who, true, time.Hour)
				a := h.want(200, h.as(who, "POST", "/api/v1/actions/"+approved+"/approve", longest))
				if a.text("/status") == "approved" {
					break
				}
			}
			h.want(200, h.as("manager", "POST", "/api/v1/actions/"+rejected+"/reject", longest))
			if x.agent != "unregistered" {
				h.want(200, h.as("admin", "POST", "/api/registry/agents/"+x.agent+"/suspend?reason=odd", ""))
				if a := h.want(200, h.as("key admin", "GET", "/api/v1/actions/"+revoked, "")); a.text("/status") != "denied" {
					t.Errorf("revoked, it is %s", a.text("/status"))
				}
			}
			late := time.Now()
			h.app.Now = func() time.Time { return late }
			for range 4 {
				late = late.Add(24 * time.Hour)
				if _, err := h.app.Approvals.ExpireDue(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			late = time.Now()
			if a := h.want(200, h.as("key admin", "GET", "/api/v1/actions/"+expired, "")); a.text("/status") != "denied" {
				t.Errorf("expired, it is %s", a.text("/status"))
			}
		})
	}
}

func TestAReasonIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := h.target("")
	for _, verb := range []string{"approve", "reject"} {
		a := h.as("manager", "POST", "/api/v1/actions/"+x.action+"/"+verb, `{"reason": "`+strings.Repeat("因", 1334)+`"}`)
		if a.status != http.StatusUnprocessableEntity || a.at("/errors/0/pointer") != `"/reason"` {
			t.Errorf("%s: %d %s", verb, a.status, a.body)
		}
	}
	h.want(200, h.as("manager", "POST", "/api/v1/actions/"+x.action+"/reject", `{"reason": "`+strings.Repeat("因", 1333)+`"}`))
}
