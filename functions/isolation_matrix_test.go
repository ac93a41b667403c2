package functions_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/functions/optest"
	"ascend/shared/app/page"
	"ascend/shared/endpoint"
	"ascend/shared/jsonschema"
)

// both asks the same about a target of the others and about one that nobody
// has, and wants the same bytes.
func (s *server) both(what string, theirs optest.Target, ask func(optest.Target) optest.Answer) {
	s.Helper()
	unknown := optest.Unknown()
	a := ask(theirs)
	got, want := masked(a, theirs.Masks()...), masked(ask(unknown), unknown.Masks()...)
	if got != want {
		s.Errorf("%s, %s: the answer tells another organisation's from nobody's; answer both alike, as not found:%s", what, a.Request, difference(got, want))
	}
}

func TestAnotherOrganisationsIDsAreUnknown(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	theirs := s.Target("other ")
	before := s.records("other ", theirs)
	for _, r := range s.Routes {
		if !strings.Contains(r.Path, "{") && !r.HasBody() {
			continue // nothing can be named; stayInside watches the lists
		}
		for _, who := range []string{"admin", "key admin", "viewer"} {
			s.both(r.ID+" by "+who, theirs, func(x optest.Target) optest.Answer {
				path, query, body := x.About(r)
				return s.As(who, r.Method, optest.Join(path, query), body)
			})
		}
		if !strings.Contains(r.Path, "{") {
			continue
		}
		who := "admin"
		if due(t, r, s.Callers[who]) != 0 {
			t.Fatalf("an admin may not call %s", r.ID)
		}
		path, query, body := theirs.About(r)
		if a := s.As(who, r.Method, optest.Join(path, query), body); a.Status != 404 {
			t.Errorf("%s of another organisation's: %d: %s", r.ID, a.Status, a.Body)
		}
	}
	if after := s.records("other ", theirs); after != before {
		t.Errorf("what is the others' changed: a write reaches beyond the caller's organisation:%s", difference(after, before))
	}
}

// records returns what an organisation reads of a target and in its lists.
func (s *server) records(org string, x optest.Target) string {
	s.Helper()
	var b strings.Builder
	for _, r := range s.Routes {
		if r.Method == http.MethodGet && (strings.Contains(r.Path, "{") || r.HasPages()) {
			b.Write(counted.ReplaceAll(s.As(org+"admin", r.Method, x.In(r.Path), "").Want(200).Body, nil))
		}
	}
	return b.String()
}

func TestQueriesThatNameAnotherOrganisationsRecordsFindNothing(t *testing.T) {
	long(t)
	s := newServer(t)
	theirs := s.Target("other ")
	s.Target("")
	references := 0
	for _, r := range s.Routes {
		mine := s.Target("")
		for _, p := range r.Params() {
			if p.In != "query" {
				continue
			}
			for _, name := range append([]string{p.Name}, p.Aliases...) {
				for _, param := range optest.Params() {
					references++
					s.both(r.ID+" with "+name, theirs, func(x optest.Target) optest.Answer {
						path, query, body := mine.About(r)
						values, err := url.ParseQuery(query)
						s.OK(err)
						values.Set(name, x.ID(param))
						return s.As("admin", r.Method, optest.Join(path, values.Encode()), body)
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
	long(t)
	s := newServer(t)
	theirs := s.Target("other ")
	for _, r := range s.Routes {
		if !r.HasBody() {
			continue
		}
		mine := s.Target("")
		members, err := jsonschema.Members(r.In())
		s.OK(err)
		for _, m := range members {
			for _, value := range namings() {
				s.both(r.ID+" with "+m.Name, theirs, func(x optest.Target) optest.Answer {
					if strings.Contains(r.Path, "{") { // which changes its target
						mine = s.Target("")
					}
					mine = s.Renew(mine)
					path, query, body := mine.About(r)
					body = member(t, body, m.Name, x.In(value))
					a := s.As("admin", r.Method, optest.Join(path, query), body)
					a.Body = []byte(masked(a, mine.Masks()...))
					return a
				})
			}
		}
	}
}

// namings returns JSON values with placeholders for a target's ids: each as text and,
// where it is one, as a number, and all of them in a list and in an object.
func namings() []string {
	var values, members []string
	for _, param := range optest.Params() {
		text := `"{` + param + `}"`
		values, members = append(values, text), append(members, `"`+param+`": `+text)
		if _, err := strconv.Atoi(optest.Unknown().ID(param)); err == nil {
			values, members = append(values, "{"+param+"}"), append(members, `"id": {`+param+`}`)
		}
	}
	return append(values, `["{agent_id}"]`, "{"+strings.Join(members, ", ")+"}")
}

// member returns a JSON object with one member set.
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
	s := newServer(t)
	for range 3 {
		s.Target("")
		s.Target("other ")
	}
	theirs, mine := s.Target("other "), s.Target("")
	for i := range 2 {
		for org, x := range map[string]optest.Target{"": mine, "other ": theirs} {
			s.As(org+"admin", "PUT", "/api/registry/agents/"+x.ID("agent_id"), fmt.Sprintf(`{"description": "%d"}`, i)).Want(200)
		}
	}
	lists := 0
	for _, r := range s.Routes {
		if !r.HasPages() {
			continue
		}
		lists++
		path, _, _ := theirs.About(r)
		cursor := next(s.As("other admin", r.Method, path+"?limit=1", "").Want(200))
		if cursor == "" {
			t.Errorf("%s gives no cursor", r.ID)
			continue
		}
		s.As("other admin", r.Method, path+"?limit=1&cursor="+cursor, "").Want(200)
		path, _, _ = mine.About(r)
		foreign := s.As("admin", r.Method, path+"?limit=1&cursor="+cursor, "")
		garbage := s.As("admin", r.Method, path+"?limit=1&cursor=AQAAAAAAAAAAAAAA", "")
		if foreign.Status != r.InvalidStatus || masked(foreign) != masked(garbage) {
			t.Errorf("%s: another organisation's cursor: %s, garbage: %s", r.ID, masked(foreign), masked(garbage))
		}
		// A cursor has no secret, so anybody can make one for their own
		// organisation. It must not reach out of it, nor break anything.
		positions := []string{
			"0", "1", "-1", "~", "\x00", "a\x00b", "\xff\xfe", strings.Repeat("9", 300), "agent#", "version#",
			"0 0 " + theirs.ID("agent_id"), "-5 -3 agent", "9999999999999999999 0 x", "1 1 \xff\xff\xff", "9223372036854775807", "-9223372036854775808", "٣",
		}
		for _, param := range optest.Params() {
			positions = append(positions, theirs.ID(param))
		}
		for _, position := range positions {
			for _, list := range []string{"actions", "agents", "workflows", "versions of " + mine.ID("agent_id")} {
				forged := endpoint.NextCursor(ours, list, page.Cursor{After: position})
				a := s.As("admin", r.Method, path+"?limit=2&cursor="+forged, "")
				for _, param := range optest.Params() {
					if strings.Contains(string(a.Body), theirs.ID(param)) {
						t.Errorf("%s with a forged cursor at %q shows the others' %s: %s", r.ID, position, param, a.Body)
					}
				}
			}
		}
	}
	if lists < 4 {
		t.Errorf("only %d lists", lists)
	}
}

// next returns an answer's cursor, in its body or its Link header.
func next(a optest.Answer) string {
	if c := a.Text("/pagination/next_cursor"); c != "" {
		return c
	}
	_, rest, _ := strings.Cut(a.Header.Get("Link"), "cursor=")
	end := strings.IndexAny(rest, "&>")
	if end < 0 {
		return ""
	}
	return rest[:end]
}

// TestAnIdempotencyKeyIsOnesOwn uses a key that another organisation, or
// another operation, has used with something else.
func TestAnIdempotencyKeyIsOnesOwn(t *testing.T) {
	long(t)
	s := newServer(t)
	checked := 0
	for _, r := range s.Routes {
		if r.Method == http.MethodGet {
			continue // which has nothing to repeat
		}
		for _, header := range []string{"Idempotency-Key", "X-Correlation-ID"} {
			for _, same := range []bool{true, false} {
				theirs, mine := s.Target("other "), s.Target("")
				ask := func(who string, x optest.Target, value string) optest.Answer {
					path, query, body := x.About(r)
					if !same && body != "" && strings.HasPrefix(who, "other") {
						body = " " + body
					}
					return s.As(who, r.Method, optest.Join(path, query), body, header, value)
				}
				value := "key-of-" + mine.Fresh
				ask("other admin", theirs, value)
				got := ask("admin", mine, value)
				fresh := s.Target("")
				want := ask("admin", fresh, value+"-fresh")
				got.Header.Del("X-Correlation-Id")
				if g, w := masked(got, mine.Masks()...), masked(want, fresh.Masks()...); g != w || got.Header.Get("Idempotency-Replayed") != "" {
					t.Errorf("%s by admin with a %s that the others used is answered otherwise than with a fresh one:%s", r.ID, header, difference(g, w))
				}
				checked++
				if !r.Repeats || header != "Idempotency-Key" {
					continue
				}
				// And it does what it says: once, for the same caller.
				again := ask("admin", mine, value)
				if again.Header.Get("Idempotency-Replayed") != "true" || again.Status != got.Status || string(again.Body) != string(got.Body) {
					t.Errorf("%s again: %d %s, first: %d %s", r.ID, again.Status, again.Body, got.Status, got.Body)
				}
				path, query, body := mine.About(r)
				if body == "" || r.Body == endpoint.NoBody {
					continue
				}
				if a := s.As("admin", r.Method, optest.Join(path, query), body+" ", header, value); a.Status != 422 || a.Text("/error_code") != "IDEMPOTENCY_KEY_REUSED" {
					t.Errorf("%s with the key and another body: %d %s", r.ID, a.Status, a.Body)
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
	long(t)
	const limit, sends = 2, 6
	for name, refuse := range map[string]func(*server, string, string, string){
		"a viewer, who is refused, sent the same command before": func(s *server, path, body, key string) {
			s.As("viewer", "POST", path, body, "Idempotency-Key", key).Want(403)
		},
		"a revoked key sent the same command before": func(s *server, path, body, key string) {
			s.As("a revoked key", "POST", path, body, "Idempotency-Key", key).Want(401)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			maps.Copy(s.Callers, s.strangers())
			x := s.Target("")
			s.As("admin", "PUT", "/api/registry/agents/"+x.ID("agent_id")+"/rate-limits", fmt.Sprintf(`{"max_actions_per_day": %d}`, limit+1)).Want(200)
			path, body := "/api/v1/actions/submit", x.In(`{"agent_id": "{agent_id}", "action_type": "data_read"}`)
			admitted := 1 // the target's own
			for i := range sends {
				key := fmt.Sprintf("key-%d", i)
				refuse(s, path, body, key)
				a := s.As("key user", "POST", path, body, "Idempotency-Key", key).Want(200)
				if a.Text("/error_code") != "RATE_LIMIT_EXCEEDED" {
					admitted++
				}
			}
			if admitted != limit+1 {
				t.Errorf("%d actions were admitted under a limit of %d", admitted, limit+1)
			}
			usage := s.As("admin", "GET", "/api/registry/agents/"+x.ID("agent_id")+"/usage", "")
			if got := usage.At("/rate_limits/per_day/current"); got != fmt.Sprint(limit+1) {
				t.Errorf("usage shows %s, want %d", got, limit+1)
			}
		})
	}
}

// TestTheKitTellsWhoseRecordsAreRead keeps stayInside from being blind.
func TestTheKitTellsWhoseRecordsAreRead(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	x := s.Target("other ")
	for _, id := range []string{"agents-list", "actions-list", "actions-get", "actions-submit", "agents-register"} {
		r := s.Route(id)
		path, query, body := x.About(r)
		a := s.As("other key admin", r.Method, optest.Join(path, query), body)
		if len(a.Calls) == 0 {
			t.Errorf("%s asked nothing of the store", id)
		}
		for _, call := range a.Calls {
			for _, pk := range partitions(call) {
				if pk != others.String() && !strings.HasPrefix(pk, others.String()+"#") {
					t.Errorf("%s: partition %q", id, pk)
				}
			}
		}
	}
}
