package functions_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/functions/optest"
	"ascend/shared/domain/tenant"
	"ascend/shared/jsonschema"
)

// soak makes the generated requests many more.
var soak = os.Getenv("ASCEND_SOAK") != ""

// generator makes requests from the table: mostly good ones, to get far, with
// faults of every kind.
type generator struct {
	*rand.Rand
	t       testing.TB
	s       *server
	callers []string
	targets []optest.Target
	values  []string
	bodies  []string
	headers []string
}

// generated is a request before it is a text or an event.
type generated struct {
	who, method, path, query, body string
	headers                        []string
	op                             string
}

func newGenerator(t testing.TB, s *server, seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 3)), t: t, s: s}
	g.callers = s.Names(func(c optest.Caller) bool { return c.Org == ours })
	for _, line := range corpus(t, "bodies.txt") {
		_, body, _ := strings.Cut(line, " ")
		g.bodies = append(g.bodies, body)
	}
	// The giants of the corpora are for the matrices, which send each of them.
	giant := func(s string) bool { return len(s) > 5000 }
	g.values = slices.DeleteFunc(corpus(t, "values.txt"), giant)
	g.headers = slices.DeleteFunc(corpus(t, "headers.txt"), giant)
	g.bodies = slices.DeleteFunc(g.bodies, giant)
	for range 8 {
		g.targets = append(g.targets, s.Target(""))
	}
	return g
}

// chance reports true once in n.
func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

func (g *generator) next() generated {
	r, x := pick(g, g.s.Routes), pick(g, g.targets)
	for r.ID == "openapi" && !g.chance(5) { // whose answer is as long as it is constant
		r = pick(g, g.s.Routes)
	}
	q := generated{op: r.ID, who: "admin", method: r.Method}
	if g.chance(3) {
		q.who = pick(g, g.callers)
	}
	q.path, q.query, q.body = x.About(r)
	if g.chance(6) {
		for _, p := range r.Params() {
			if p.In == "path" {
				q.path = x.In(strings.ReplaceAll(r.Path, "{"+p.Name+"}", escape(g.value(x))))
			}
		}
	}
	for _, p := range r.Params() {
		if p.In == "query" && g.chance(3) {
			q.query += "&" + pick(g, append([]string{p.Name}, p.Aliases...)) + "=" + escape(g.parameter(p.Field.Tag, x))
		}
	}
	switch {
	case r.HasBody() && g.chance(2):
		q.body = g.object(r.In(), x)
	case g.chance(12):
		q.body = x.In(pick(g, g.bodies))
	}
	if g.chance(20) && q.body != "" { // a byte changed, lost or added
		i := g.IntN(len(q.body))
		changed := q.body[:i] + pick(g, []string{"", "\x00", "{", "}", `"`, ",", "9", "\xff"}) + q.body[min(len(q.body), i+g.IntN(2)):]
		if !strings.Contains(changed, optest.Password) || strings.Contains(changed, `"password":"`) { // nobody knows a secret of another name
			q.body = changed
		}
	}
	if g.chance(4) {
		q.headers = append(q.headers, pick(g, []string{"Idempotency-Key", "X-Correlation-ID", "X-SDK-Version"}), "v"+strconv.Itoa(g.IntN(20)))
	}
	if g.chance(8) {
		for one := range strings.SplitSeq(pick(g, g.headers), " | ") {
			name, value, _ := strings.Cut(one, ": ")
			q.headers = append(q.headers, name, value)
		}
	}
	if g.chance(30) {
		q.method = pick(g, []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
	}
	return q
}

// value returns any text.
func (g *generator) value(x optest.Target) string { return x.In(pick(g, g.values)) }

// parameter returns a value that the parameter mostly takes.
func (g *generator) parameter(tag reflect.StructTag, x optest.Target) string {
	if enum, ok := tag.Lookup("enum"); ok && !g.chance(4) {
		return pick(g, strings.Split(enum, ","))
	}
	if g.chance(3) {
		return g.value(x)
	}
	return pick(g, []string{"1", "2", "5", "100", x.ID("agent_id"), "email_send", "2026-01-02", "2030-01-01T00:00:00Z", "1.0.0"})
}

// object is a body for a request type: some of its members, mostly of their types.
func (g *generator) object(t reflect.Type, x optest.Target) string {
	members, err := jsonschema.Members(t)
	g.s.OK(err)
	var parts []string
	for _, m := range members {
		if m.Name != "agent_id" && m.Name != "action_type" && m.Name != "display_name" && !g.chance(4) {
			continue
		}
		value := g.json(jsonKind(m.Field.Type), m.Name, x, 0)
		if g.chance(12) {
			value = g.json(pick(g, []string{"string", "boolean", "array", "object", "integer", "number", "null"}), m.Name, x, 0)
		}
		parts = append(parts, strconv.Quote(m.Name)+":"+value)
	}
	if g.chance(10) {
		parts = append(parts, `"unknown_member":1`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// words lists good values for members of a name.
var words = map[string][]string{
	"action_type": {"email_send", "data_access", "database_delete", "data_read", "deploy", "unheard_of"},
	"agent_type":  {"supervised", "autonomous", "advisory", "mcp_server", "custom"},
	"environment": {"production", "staging", "development"}, "resource": {"database", "production customer PII", "s3://bucket"},
	"nist_control": {"AC-3", "SI-4"}, "mitre_tactic": {"TA0002"}, "estimated_cost_usd": {"0.05", "12"}, "reason": {"because"},
	"type":        {"single_approval", "quorum", "multi_stage"},
	"webhook_url": {"https://example.com/hook"}, "mcp_server_url": {"https://example.com"}, "display_name": {"An agent"},
}

func (g *generator) json(kind, name string, x optest.Target, depth int) string {
	switch kind {
	case "string", "any":
		list := words[name]
		switch {
		case name == "agent_id":
			list = []string{x.ID("agent_id"), x.ID("agent_id"), x.ID("agent_id"), x.Fresh, "unregistered-agent"}
		case list == nil:
			list = []string{"text", x.ID("agent_id"), "1"}
		}
		text := pick(g, list)
		if g.chance(8) {
			text = g.value(x)
		}
		quoted, err := json.Marshal(strings.ToValidUTF8(text, "?"))
		g.s.OK(err)
		return string(quoted)
	case "boolean":
		return pick(g, []string{"true", "false"})
	case "integer":
		return pick(g, []string{"0", "1", "30", "70", "100", "-1", "101", "9007199254740991", "9223372036854775808"})
	case "number":
		return pick(g, []string{"0.5", "1e2", "-0", "1e300", "12345.678901234567890"})
	case "array":
		var list []string
		for range g.IntN(4) {
			list = append(list, g.json(pick(g, []string{"string", "string", "string", "integer", "array"}), name, x, depth+1))
		}
		return "[" + strings.Join(list, ",") + "]"
	case "object":
		if depth > 6 {
			return "{}"
		}
		names := []string{"environment", "amount", "data_classification", "password", "require_human_approval", "tool_name", "n", "list", "in"}
		g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		var list []string
		for _, n := range names[:g.IntN(4)] {
			kind := pick(g, []string{"string", "boolean", "array", "object", "integer", "number", "null"})
			list = append(list, strconv.Quote(n)+":"+g.json(kind, n, x, depth+1))
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	return "null"
}

// event returns the request as API Gateway would hand it over.
func (g *generator) event(q generated) []byte {
	multi := map[string][]string{}
	pairs := slices.Concat(g.s.Callers[q.who].Headers, q.headers)
	if q.body != "" {
		pairs = append(pairs, "Content-Type", "application/json")
	}
	for pair := range slices.Chunk(pairs, 2) {
		multi[pair[0]] = append(multi[pair[0]], strings.ToValidUTF8(pair[1], "?"))
	}
	e := map[string]any{
		"httpMethod": q.method, "path": q.path, "multiValueHeaders": multi, "body": strings.ToValidUTF8(q.body, "?"),
		"requestContext": map[string]any{"identity": map[string]any{"sourceIp": "192.0.2.7"}, "requestId": "r"},
	}
	query := map[string][]string{}
	for pair := range strings.SplitSeq(strings.TrimPrefix(q.query, "&"), "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			query[name] = append(query[name], strings.ToValidUTF8(value, "?"))
		}
	}
	e["multiValueQueryStringParameters"] = query
	if g.chance(3) {
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(q.body)), true
	}
	if g.chance(4) {
		single := map[string]string{}
		for name, values := range multi {
			single[name] = values[0]
		}
		e["headers"] = single
	}
	if g.chance(25) {
		e[pick(g, []string{"path", "httpMethod", "body", "headers", "multiValueHeaders", "requestContext", "isBase64Encoded"})] =
			pick(g, []any{nil, "", "x", 1, true, []string{"a"}, map[string]string{"a": "b"}, "%zz", "/a?b#c"})
	}
	raw, err := json.Marshal(e, json.Deterministic(true))
	g.s.OK(err)
	return raw
}

// TestGeneratedRequestsGetWhatIsPromised is the no-5xx figure of quality.md:
// 20,000 requests over all operations, half of them raw Lambda events; 100,000
// with ASCEND_SOAK set. Every answer is held against the API description.
func TestGeneratedRequestsGetWhatIsPromised(t *testing.T) {
	long(t)
	total, seeds := 20_000, 8 // each over a store of its own, because lists count what is there
	if soak {
		total = 100_000
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			g := newGenerator(t, s, uint64(seed))
			operations, refused := map[string]int{}, 0
			for i := range total / seeds {
				if i%50 == 0 { // what was decided, suspended or deleted
					g.targets[g.IntN(len(g.targets))] = s.Target("")
				}
				q := g.next()
				what := fmt.Sprintf("request %d, %s by %s: %s %.300q %.500q %.300q", i, q.op, q.who, q.method, optest.Join(q.path, q.query), q.body, q.headers)
				a, ok := g.ask(q, i%2 == 0)
				if !ok {
					refused++
					continue
				}
				s.examine(a, what)
				org := ours
				if !s.Callers[q.who].Org.Valid() {
					org = tenant.ID(0)
				}
				s.stayInside(org, a)
				if a.Status < 400 {
					operations[a.Route.ID]++
				}
				if s.failures >= 20 {
					t.Fatal("too many failures to go on") // the seed brings them back
				}
			}
			for _, r := range s.Routes {
				if operations[r.ID] == 0 {
					t.Errorf("no generated request succeeded at %s", r.ID)
				}
			}
			if refused > total/seeds/20 {
				t.Errorf("%d requests were refused before the service", refused)
			}
		})
	}
}

// ask sends a request over HTTP or as an event. It reports false where
// net/http or the Lambda runtime refused it.
func (g *generator) ask(q generated, overHTTP bool) (optest.Answer, bool) {
	if !overHTTP {
		return g.s.event(g.event(q))
	}
	headers := slices.Concat(g.s.Callers[q.who].Headers, q.headers)
	if q.body != "" && !slices.Contains(q.headers, "Content-Type") {
		headers = append(headers, "Content-Type", "application/json")
	}
	r, err := optest.Request(q.method, optest.Join(q.path, q.query), q.body, headers...)
	if err != nil {
		return optest.Answer{}, false
	}
	return g.s.Do(r), true
}
