package functions_test

import (
	"reflect"
	"slices"
	"strconv"
	"testing"

	"ascend/functions"
	"ascend/functions/optest"
	"ascend/shared/endpoint"
)

// aliases returns the ids of all paths of an operation, the operation's own first.
func aliases(of string) []string {
	ids := []string{of}
	for _, r := range functions.Routes() {
		if r.AliasOf == of {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func TestAnAliasIsItsOperationAtAnotherPath(t *testing.T) {
	routes := functions.Routes()
	for _, alias := range routes {
		if alias.AliasOf == "" {
			continue
		}
		i := slices.IndexFunc(routes, func(r endpoint.Route) bool { return r.ID == alias.AliasOf })
		if i < 0 {
			t.Errorf("%s is an alias of %s, which is not in the table", alias.ID, alias.AliasOf)
			continue
		}
		same := alias.Spec
		same.ID, same.Path, same.AliasOf = routes[i].ID, routes[i].Path, ""
		if !reflect.DeepEqual(same, routes[i].Spec) || alias.In() != routes[i].In() || alias.Out() != routes[i].Out() {
			t.Errorf("%s differs from %s in more than its path:\n%+v\n%+v", alias.ID, alias.AliasOf, same, routes[i].Spec)
		}
	}
	if got := aliases("actions-submit"); len(got) != 3 {
		t.Errorf("the paths of actions-submit are those of %v, want three", got)
	}
}

// Case A11: published clients fall back from one path to the next within one command.
func TestOneKeyOverAllPathsOfSubmitIsOneAction(t *testing.T) {
	for name, header := range map[string]string{"an Idempotency-Key": "Idempotency-Key", "the repeat rule": "X-Correlation-ID"} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			x := s.Target("")
			count := func() int {
				n, err := strconv.Atoi(s.As("admin", "GET", "/api/v1/actions?agent_id="+x.ID("agent_id"), "").Header.Get("X-Total-Count"))
				s.OK(err)
				return n
			}
			_, _, body := x.About(s.Route("actions-submit"))
			before, first := count(), "none"
			for i, id := range aliases("actions-submit") {
				a := s.As("key user", "POST", s.Route(id).Path, body, header, "one-command").Want(200)
				if i == 0 {
					first = a.At("/action_id")
				}
				replayed := ""
				if i > 0 && header == "Idempotency-Key" {
					replayed = "true"
				}
				if got := a.At("/action_id"); got != first || a.Header.Get("Idempotency-Replayed") != replayed {
					t.Errorf("%s answers action %s, replayed %q; want %s, %q", id, got, a.Header.Get("Idempotency-Replayed"), first, replayed)
				}
			}
			if after := count(); after != before+1 {
				t.Errorf("%d actions were made, want one", after-before)
			}
			other := s.As("key user", "POST", s.Route("sdk-agent-action").Path, body, header, "another-command").Want(200)
			if other.At("/action_id") == first {
				t.Error("another command answers the same action")
			}
			conflict := s.As("key user", "POST", s.Route("sdk-agent-action").Path, member(t, body, "description", `"something else"`), header, "one-command")
			if header == "Idempotency-Key" && conflict.Status != 422 || header != "Idempotency-Key" && conflict.At("/action_id") == first {
				t.Errorf("the key with another body at an alias: %d %s", conflict.Status, conflict.Body)
			}
		})
	}
}

func TestEveryCallerWithoutTheRightIsToldSoWhateverTheySend(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	x := s.Target("")
	all := s.strangers()
	for _, name := range []string{"a revoked key", "an expired key", "a key without record", "an expired token"} {
		s.Callers[name] = all[name]
	}
	large := `{"agent_id": "` + string(slices.Repeat([]byte("a"), 300<<10)) + `"}`
	for _, r := range s.Routes {
		if r.Auth == endpoint.Public || r.Auth == endpoint.Optional {
			continue
		}
		path, query, good := x.About(r)
		for _, row := range []struct {
			name, query, body string
			headers           []string
		}{
			{"cut JSON", query, `{"agent_id": "`, nil},
			{"no object", query, `[]`, nil},
			{"an empty object", query, `{}`, nil},
			{"members of other types", query, `{"agent_id": 1, "action_type": [], "name": {}, "reason": 5}`, nil},
			{"a value that the use case refuses", query, member(t, orObject(good), "agent_id", `"a b"`), nil},
			{"a text too long", query, member(t, orObject(good), "description", `"`+string(slices.Repeat([]byte("a"), 5000))+`"`), nil},
			{"too large", query, large, nil},
			{"another media type", query, "x=1", []string{"Content-Type", "application/x-www-form-urlencoded"}},
			{"compressed", query, good, []string{"Content-Encoding", "gzip"}},
			{"a malformed query", query + "&a=%zz", good, nil},
			{"a bad limit", query + "&limit=x", good, nil},
			{"a malformed key", query, good, []string{"Idempotency-Key", "a b"}},
		} {
			for _, who := range []string{"a revoked key", "an expired key", "a key without record", "an expired token", "viewer", "root"} {
				want := due(t, r, s.Callers[who])
				if want == 0 {
					continue // whom the operation lets through
				}
				a := s.As(who, r.Method, optest.Join(path, row.query), row.body, row.headers...)
				if a.Status != want {
					t.Errorf("%s of %s by %s: %d, want %d: %.200s", row.name, r.ID, who, a.Status, want, a.Body)
				}
			}
		}
	}
}

func orObject(body string) string {
	if body == "" {
		return "{}"
	}
	return body
}
