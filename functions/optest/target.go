package optest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/endpoint"
)

// resource is what a path parameter names. All that tests know of one is here: how a target
// is made, which id nobody has, where an answer names one. A new kind of path parameter is
// one entry in resources.
type resource struct {
	param   string // its name in paths; members of bodies that name one are called the same
	unknown string // has the form of an id, and nobody has it
	create  string // the operation whose example makes one
	by      string // who makes it; "": an admin
	at      string // where the answer of create names it
	then    string // the operation that makes it ready, if any
	shared  bool   // the targets of an organisation share one, the second that was made
}

// resources are in the order in which a target's are made.
var resources = []resource{
	{
		param: "agent_id", unknown: "agent-nobody-has",
		create: "agents-register", by: "key admin", at: "/agent/agent_id", then: "agents-activate",
	},
	{
		param: "workflow_id", unknown: "wf_0123456789abcdef0123456789abcdef",
		create: "workflows-create", at: "/workflow/id", shared: true,
	},
	{
		param: "action_id", unknown: "3021614606207",
		create: "actions-submit", by: "key admin", at: "/action_id",
	},
	{
		param: "approval_request_id", unknown: "apr_3021614606207",
		create: "actions-submit", by: "key admin", at: "/approval_request_id",
	},
}

// Password stands in for what agents' arguments hold and nobody may keep. Every example
// that has parameters is sent with it.
const Password = "canary-hunter2-correct-horse"

// Target is what requests are about: one of each resource, with its id by path parameter.
// The agent is active, and its action, which the admin's key submitted, awaits approval.
type Target struct {
	ids   map[string]string
	Fresh string // an id for what a request makes
}

// Target makes one of an organisation, "" for ours or "other ".
func (s *Server) Target(org string) Target {
	s.Helper()
	s.made++
	x := Target{ids: map[string]string{}, Fresh: fmt.Sprintf("agent-%d", s.made)}
	answers := map[string]Answer{}
	for _, kind := range resources {
		if kind.shared && s.shared[org+kind.param] != "" {
			x.ids[kind.param] = s.shared[org+kind.param]
			continue
		}
		who := "admin"
		if kind.by != "" {
			who = kind.by
		}
		a, ok := answers[kind.create]
		if !ok || kind.shared {
			a = s.create(org+who, kind.create, x)
			answers[kind.create] = a
		}
		if kind.shared {
			a = s.create(org+who, kind.create, x)
			s.shared[org+kind.param] = strings.Trim(a.At(kind.at), `"`)
		}
		if x.ids[kind.param] = strings.Trim(a.At(kind.at), `"`); x.ids[kind.param] == "" {
			s.Fatalf("the answer of %s has no %s: correct the entry of {%s} in functions/optest/target.go: %s", kind.create, kind.at, kind.param, a.Body)
		}
		if kind.then != "" {
			s.create(org+"admin", kind.then, x)
		}
	}
	return s.Renew(x)
}

// create sends the example of an operation.
func (s *Server) create(who, id string, x Target) Answer {
	s.Helper()
	r := s.Route(id)
	path, query, body := x.About(r)
	a := s.As(who, r.Method, Join(path, query), body)
	if a.Status >= 300 {
		s.Fatalf("a target is made by the example of %s, which is answered %d: %s", id, a.Status, a.Body)
	}
	return a
}

// Route returns the operation of an id.
func (s *Server) Route(id string) endpoint.Route {
	s.Helper()
	i := slices.IndexFunc(s.Routes, func(r endpoint.Route) bool { return r.ID == id })
	if i < 0 {
		s.Fatalf("there is no operation %s", id)
	}
	return s.Routes[i]
}

// Renew returns the target with another fresh id.
func (s *Server) Renew(x Target) Target {
	s.made++
	x.Fresh = fmt.Sprintf("fresh-%d", s.made)
	return x
}

// Unknown returns a target that nobody has.
func Unknown() Target {
	x := Target{ids: map[string]string{}, Fresh: "fresh-nobody-has"}
	for _, kind := range resources {
		x.ids[kind.param] = kind.unknown
	}
	return x
}

// Params returns the path parameters that targets know.
func Params() []string {
	var list []string
	for _, kind := range resources {
		list = append(list, kind.param)
	}
	return list
}

// ID returns the id for a path parameter.
func (x Target) ID(param string) string { return x.ids[param] }

// With returns the target with another id.
func (x Target) With(param, id string) Target {
	x.ids = maps.Clone(x.ids)
	x.ids[param] = id
	return x
}

// After returns the target with the ids of what an answer names.
func (x Target) After(a Answer) Target {
	for _, kind := range resources {
		if id := strings.Trim(a.At(kind.at), `"`); id != "" {
			x = x.With(kind.param, id)
		}
	}
	return x
}

// In fills a text in with the target's ids, as {agent_id} and {fresh}.
func (x Target) In(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	pairs := []string{"{fresh}", x.Fresh}
	for param, id := range x.ids {
		pairs = append(pairs, "{"+param+"}", id)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Masks returns the target's ids, each followed by what stands for it, so that answers
// about two targets can be compared.
func (x Target) Masks() []string {
	masks := []string{x.Fresh, "<fresh>"}
	for _, kind := range resources {
		masks = append(masks, x.ids[kind.param], "<"+kind.param+">")
	}
	return masks
}

// About returns a request of an operation about the target: its example, with the target's
// ids, and a fresh one for what it makes.
func (x Target) About(r endpoint.Route) (path, query, body string) {
	for _, p := range r.Params() {
		if value := p.Field.Tag.Get("example"); value != "" && p.In == "query" {
			query = p.Name + "=" + value
		}
	}
	if r.HasPages() {
		query = "limit=3"
	}
	return x.In(r.Path), query, x.body(r)
}

func (x Target) body(r endpoint.Route) string {
	var members map[string]jsontext.Value
	if json.Unmarshal([]byte(r.Example), &members) != nil {
		return r.Example
	}
	for _, kind := range resources {
		id := x.ids[kind.param]
		if r.ID == kind.create {
			id = x.Fresh
		}
		if old, ok := members[kind.param]; ok {
			if old.Kind() == '"' {
				id = `"` + id + `"`
			}
			members[kind.param] = jsontext.Value(id)
		}
	}
	if old, ok := members["parameters"]; ok {
		members["parameters"] = jsontext.Value(`{"password": "` + Password + `", ` + string(old[1:]))
	}
	text, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return r.Example
	}
	return string(text)
}

// Join returns a path with its query.
func Join(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
