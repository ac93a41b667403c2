package functions_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/endpoint"
	"ascend/shared/jsonschema"
)

// strange is a target that nobody has.
var strange = target{agent: "agent-nobody-has", action: "3021614606207", fresh: "fresh-nobody-has", workflow: "wf_0123456789abcdef0123456789abcdef"}

// echoes are what of two targets an answer may echo, so that it can be masked.
func echoes(x target) []string {
	return []string{x.agent, "<agent>", x.action, "<action>", x.fresh, "<fresh>", x.workflow, "<workflow>"}
}

// both asks the same about a target of the others and about one that nobody
// has, and wants the same bytes.
func (h *house) both(what string, theirs target, ask func(target) answer) {
	h.Helper()
	got, want := ask(theirs).masked(echoes(theirs)...), ask(strange).masked(echoes(strange)...)
	if got != want {
		h.Errorf("%s: what is another organisation's is told from what is nobody's:\n%.900s\n%.900s", what, got, want)
	}
}

func TestAnotherOrganisationsIDsAreUnknown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	theirs := h.target("other ")
	before := h.records("other ", theirs)
	for _, r := range h.routes {
		if !strings.Contains(r.Path, "{") && !r.HasBody() {
			continue // nothing can be named; stayInside watches the lists
		}
		for _, who := range []string{"admin", "key admin", "viewer"} {
			h.both(r.ID+" by "+who, theirs, func(x target) answer {
				path, query, body := x.about(t, r)
				return h.as(who, r.Method, join(path, query), body)
			})
		}
		if !strings.Contains(r.Path, "{") {
			continue
		}
		who := "admin"
		if due(t, r, h.callers[who]) != 0 {
			t.Fatalf("an admin may not call %s", r.ID)
		}
		path, query, body := theirs.about(t, r)
		if a := h.as(who, r.Method, join(path, query), body); a.status != 404 {
			t.Errorf("%s of another organisation's: %d: %s", r.ID, a.status, a.body)
		}
	}
	if after := h.records("other ", theirs); after != before {
		t.Errorf("what is the others' changed:\n%s\n%s", before, after)
	}
}

// records is what an organisation reads of a target.
func (h *house) records(org string, x target) string {
	h.Helper()
	var b strings.Builder
	for _, path := range []string{
		"/api/registry/agents/{agent_id}", "/api/registry/agents/{agent_id}/versions", "/api/registry/agents/{agent_id}/usage",
		"/api/v1/actions/{action_id}", "/api/v1/actions/{action_id}/status", "/api/sdk/approval/{approval_request_id}", "/api/registry/agents", "/api/v1/actions",
		"/api/governance/workflows", "/api/governance/workflows/{workflow_id}",
	} {
		b.Write(counted.ReplaceAll(h.want(200, h.as(org+"admin", "GET", x.in(path), "")).body, nil))
	}
	return b.String()
}

func TestQueriesThatNameAnotherOrganisationsRecordsFindNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	theirs := h.target("other ")
	h.target("")
	references := 0
	for _, r := range h.routes {
		mine := h.target("")
		for _, p := range r.Params() {
			if p.In != "query" {
				continue
			}
			for _, name := range append([]string{p.Name}, p.Aliases...) {
				for _, value := range []string{"{agent_id}", "{action_id}", "{workflow_id}"} {
					references++
					h.both(r.ID+" with "+name, theirs, func(x target) answer {
						path, query, body := mine.about(t, r)
						values, err := url.ParseQuery(query)
						h.no(err)
						values.Set(name, x.in(value))
						return h.as("admin", r.Method, join(path, values.Encode()), body)
					})
				}
			}
		}
	}
	if references < 20 {
		t.Errorf("only %d references", references)
	}
}

// TestBodiesThatNameAnotherOrganisationsRecordsFindNothing puts the others' ids
// into every member of every body, one at a time, as text and as number.
func TestBodiesThatNameAnotherOrganisationsRecordsFindNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	theirs := h.target("other ")
	for _, r := range h.routes {
		if !r.HasBody() {
			continue
		}
		mine := h.target("")
		members, err := jsonschema.Members(r.In())
		h.no(err)
		for _, m := range members {
			for _, value := range []string{`"{agent_id}"`, `"{workflow_id}"`, `"{action_id}"`, `{action_id}`, `["{agent_id}"]`, `{"agent_id": "{agent_id}", "id": {action_id}}`} {
				h.both(r.ID+" with "+m.Name, theirs, func(x target) answer {
					if strings.Contains(r.Path, "{") || strings.Contains(samples[r.ID].body, "{fresh}") { // which changes its target
						mine = h.target("")
					}
					path, query, body := mine.about(t, r)
					body = member(t, body, m.Name, x.in(value))
					a := h.as("admin", r.Method, join(path, query), body)
					a.body = []byte(a.masked(echoes(mine)...))
					return a
				})
			}
		}
	}
}

// member is a JSON object with one member set.
func member(t testing.TB, body, name, value string) string {
	t.Helper()
	members := map[string]any{}
	if body != "" {
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatal(err)
		}
	}
	delete(members, name)
	text, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	rest := strings.TrimPrefix(string(text), "{")
	if rest != "}" {
		value += ","
	}
	return fmt.Sprintf("{%q: %s%s", name, value, rest)
}

func TestAnotherOrganisationsCursorIsAnyGarbage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 3 {
		h.target("")
		h.target("other ")
	}
	theirs, mine := h.target("other "), h.target("")
	for range 2 {
		for org, x := range map[string]target{"": mine, "other ": theirs} {
			h.want(200, h.as(org+"admin", "PUT", "/api/registry/agents/"+x.agent, fmt.Sprintf(`{"description": "%d"}`, h.made)))
			h.made++
		}
	}
	lists := 0
	for _, r := range h.routes {
		if !r.HasPages() {
			continue
		}
		lists++
		path, _, _ := theirs.about(t, r)
		cursor := next(h.want(200, h.as("other admin", r.Method, path+"?limit=1", "")))
		if cursor == "" {
			t.Errorf("%s gives no cursor", r.ID)
			continue
		}
		h.want(200, h.as("other admin", r.Method, path+"?limit=1&cursor="+cursor, ""))
		path, _, _ = mine.about(t, r)
		foreign := h.as("admin", r.Method, path+"?limit=1&cursor="+cursor, "")
		garbage := h.as("admin", r.Method, path+"?limit=1&cursor=AQAAAAAAAAAAAAAA", "")
		if foreign.status != r.InvalidStatus || foreign.masked() != garbage.masked() {
			t.Errorf("%s: another organisation's cursor: %s, garbage: %s", r.ID, foreign.masked(), garbage.masked())
		}
		// A cursor has no secret, so anybody can make one for their own
		// organisation. It must not reach out of it, nor break anything.
		for _, position := range []string{
			theirs.action, theirs.agent, theirs.workflow, "0", "1", "-1", "~", "\x00", "a\x00b", "\xff\xfe", strings.Repeat("9", 300), "agent#", "version#",
			"0 0 " + theirs.agent, "-5 -3 agent", "9999999999999999999 0 x", "1 1 \xff\xff\xff", "9223372036854775807", "-9223372036854775808", "٣",
		} {
			for _, list := range []string{"actions", "agents", "workflows", "versions of " + mine.agent} {
				forged := endpoint.NextCursor(ours, list, position)
				a := h.as("admin", r.Method, path+"?limit=2&cursor="+forged, "")
				if strings.Contains(string(a.body), theirs.agent) || strings.Contains(string(a.body), theirs.action) || strings.Contains(string(a.body), theirs.workflow) {
					t.Errorf("%s with a forged cursor at %q shows the others': %s", r.ID, position, a.body)
				}
			}
		}
	}
	if lists < 4 {
		t.Errorf("only %d lists", lists)
	}
}

// next is an answer's cursor, in its body or its Link header.
func next(a answer) string {
	if c := a.text("/pagination/next_cursor"); c != "" {
		return c
	}
	_, rest, _ := strings.Cut(a.header.Get("Link"), "cursor=")
	end := strings.IndexAny(rest, "&>")
	if end < 0 {
		return ""
	}
	return rest[:end]
}

// TestAnIdempotencyKeyIsOnesOwn uses a key that another organisation, or
// another operation, has used with something else.
func TestAnIdempotencyKeyIsOnesOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	checked := 0
	for _, r := range h.routes {
		if r.Method == http.MethodGet {
			continue // which has nothing to repeat
		}
		for _, header := range []string{"Idempotency-Key", "X-Correlation-ID"} {
			for _, same := range []bool{true, false} {
				theirs, mine := h.target("other "), h.target("")
				ask := func(who string, x target, value string) answer {
					path, query, body := x.about(t, r)
					if !same && body != "" && strings.HasPrefix(who, "other") {
						body = " " + body
					}
					return h.as(who, r.Method, join(path, query), body, header, value)
				}
				value := fmt.Sprintf("key-%d", h.made)
				ask("other admin", theirs, value)
				got := ask("admin", mine, value)
				fresh := h.target("")
				want := ask("admin", fresh, value+"-fresh")
				got.header.Del("X-Correlation-Id")
				if g, w := got.masked(echoes(mine)...), want.masked(echoes(fresh)...); g != w || got.header.Get("Idempotency-Replayed") != "" {
					t.Errorf("%s with the others' %s: %s, with a fresh one: %s", r.ID, header, g, w)
				}
				checked++
				if !r.Repeats || header != "Idempotency-Key" {
					continue
				}
				// And it does what it says: once, for the same caller.
				again := ask("admin", mine, value)
				if again.header.Get("Idempotency-Replayed") != "true" || again.status != got.status || string(again.body) != string(got.body) {
					t.Errorf("%s again: %d %s, first: %d %s", r.ID, again.status, again.body, got.status, got.body)
				}
				path, query, body := mine.about(t, r)
				if body == "" || r.Body == endpoint.NoBody {
					continue
				}
				if a := h.as("admin", r.Method, join(path, query), body+" ", header, value); a.status != 422 || a.text("/error_code") != "IDEMPOTENCY_KEY_REUSED" {
					t.Errorf("%s with the key and another body: %d %s", r.ID, a.status, a.body)
				}
			}
		}
	}
	t.Logf("%d cells", checked)
}

// TestARefusedSubmissionLeavesNothingToLeanOn: admission runs beside the
// credential's check and is taken back where that refuses. What it leaves must
// not count for a later command, or two credentials together, or a lost
// answer, lift an agent's limit (invariant I6).
func TestARefusedSubmissionLeavesNothingToLeanOn(t *testing.T) {
	t.Parallel()
	const limit, sends = 2, 6
	for name, refuse := range map[string]func(*house, string, string, string){
		"a viewer, who is refused, sent the same command before": func(h *house, path, body, key string) {
			h.want(403, h.as("viewer", "POST", path, body, "Idempotency-Key", key))
		},
		"a revoked key sent the same command before": func(h *house, path, body, key string) {
			h.want(401, h.as("a revoked key", "POST", path, body, "Idempotency-Key", key))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			maps.Copy(h.callers, h.strangers())
			x := h.target("")
			h.want(200, h.as("admin", "PUT", "/api/registry/agents/"+x.agent+"/rate-limits", fmt.Sprintf(`{"max_actions_per_day": %d}`, limit+1)))
			path, body := "/api/v1/actions/submit", x.in(`{"agent_id": "{agent_id}", "action_type": "data_read"}`)
			admitted := 1 // the target's own
			for i := range sends {
				key := fmt.Sprintf("key-%d", i)
				refuse(h, path, body, key)
				a := h.want(200, h.as("key user", "POST", path, body, "Idempotency-Key", key))
				if a.text("/error_code") != "RATE_LIMIT_EXCEEDED" {
					admitted++
				}
			}
			if admitted != limit+1 {
				t.Errorf("%d actions were admitted under a limit of %d", admitted, limit+1)
			}
			usage := h.as("admin", "GET", "/api/registry/agents/"+x.agent+"/usage", "")
			if got := usage.at("/rate_limits/per_day/current"); got != fmt.Sprint(limit+1) {
				t.Errorf("usage shows %s, want %d", got, limit+1)
			}
		})
	}
}

// TestTheKitTellsWhoseRecordsAreRead keeps stayInside from being blind.
func TestTheKitTellsWhoseRecordsAreRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := h.target("other ")
	for _, ask := range []struct{ method, path, body string }{
		{"GET", "/api/registry/agents", ""},
		{"GET", "/api/v1/actions", ""},
		{"GET", "/api/v1/actions/{action_id}", ""},
		{"POST", "/api/v1/actions/submit", submission.body},
		{"POST", "/api/registry/agents", samples["agents-register"].body},
	} {
		a := h.as("other key admin", ask.method, x.in(ask.path), x.in(ask.body))
		if len(a.calls) == 0 {
			t.Errorf("%s %s asked nothing of the store", ask.method, ask.path)
		}
		for _, call := range a.calls {
			for _, pk := range partitions(call) {
				if pk != others.String() && !strings.HasPrefix(pk, others.String()+"#") {
					t.Errorf("%s %s: partition %q", ask.method, ask.path, pk)
				}
			}
		}
	}
}
