package functions_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/functions"
	"ascend/functions/optest"
	"ascend/shared/app"
	"ascend/shared/endpoint"
)

// described is the API description as its reader sees it.
type described struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct {
			Name, In string
			Required bool
			Schema   map[string]any
		} `json:"parameters"`
		RequestBody struct {
			Required bool
			Content  map[string]struct{ Schema map[string]any }
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct{ Schemas map[string]map[string]any }
}

// follower makes requests from the API description and from nothing else.
type follower struct {
	*rand.Rand
	t          testing.TB
	components map[string]map[string]any
}

func (f *follower) chance(n int) bool { return f.IntN(n) == 0 }

// resolved returns a schema without reference and alternatives.
func (f *follower) resolved(s map[string]any) map[string]any {
	if ref, ok := s["$ref"].(string); ok {
		return f.resolved(f.components[strings.TrimPrefix(ref, "#/components/schemas/")])
	}
	list, ok := s["anyOf"].([]any)
	if !ok {
		return s
	}
	chosen := f.resolved(list[f.IntN(len(list))].(map[string]any))
	out := map[string]any{}
	maps.Copy(out, s)
	delete(out, "anyOf")
	for k, v := range chosen {
		switch k {
		case "required":
			both := slices.Clone(v.([]any))
			if own, ok := out[k].([]any); ok {
				both = append(both, own...)
			}
			out[k] = both
		case "properties":
			own, _ := out[k].(map[string]any)
			merged := map[string]any{}
			maps.Copy(merged, own)
			for name, p := range v.(map[string]any) {
				member := map[string]any{}
				if of, ok := own[name].(map[string]any); ok {
					maps.Copy(member, of)
				}
				maps.Copy(member, p.(map[string]any))
				merged[name] = member
			}
			out[k] = merged
		default:
			out[k] = v
		}
	}
	return f.resolved(out)
}

// value returns any value that a schema allows.
func (f *follower) value(s map[string]any, depth int) any {
	s = f.resolved(s)
	if c, ok := s["const"]; ok {
		return c
	}
	if enum, ok := s["enum"].([]any); ok {
		return enum[f.IntN(len(enum))]
	}
	kinds, ok := s["type"].([]any)
	if kind, one := s["type"].(string); one {
		kinds, ok = []any{kind}, true
	}
	if !ok {
		kinds = []any{"null", "boolean", "integer", "string", "object", "array"}
	}
	if f.chance(4) && slices.Contains(kinds, any("null")) {
		return nil
	}
	if kinds = slices.DeleteFunc(slices.Clone(kinds), func(k any) bool { return k == "null" }); len(kinds) == 0 {
		return nil
	}
	switch kind := kinds[f.IntN(len(kinds))]; kind {
	case "boolean":
		return f.chance(2)
	case "integer", "number":
		return f.number(s, kind == "integer")
	case "string":
		return f.text(s)
	case "array":
		items, _ := s["items"].(map[string]any)
		list, seen := []any{}, map[string]bool{}
		for range f.count(int(keyword(s, "minItems", 0)), int(keyword(s, "maxItems", 5))) {
			if depth > 4 {
				break
			}
			v := f.value(items, depth+1)
			key, err := json.Marshal(v, json.Deterministic(true))
			if err != nil {
				f.t.Fatal(err)
			}
			if s["uniqueItems"] != true || !seen[string(key)] {
				list, seen[string(key)] = append(list, v), true
			}
		}
		return list
	case "object":
		o := map[string]any{}
		required, _ := s["required"].([]any)
		properties, _ := s["properties"].(map[string]any)
		for name, p := range properties {
			if slices.Contains(required, any(name)) || depth < 5 && f.chance(3) {
				o[name] = f.value(p.(map[string]any), depth+1)
			}
		}
		if s["additionalProperties"] != false && depth < 3 {
			for range f.IntN(3) {
				o[fmt.Sprintf("extra%d", f.IntN(9))] = f.value(map[string]any{}, depth+1)
			}
		}
		return o
	default:
		f.t.Fatalf("the description has the type %v", kind)
		return nil
	}
}

func keyword(s map[string]any, name string, def float64) float64 {
	if n, ok := s[name].(float64); ok {
		return n
	}
	return def
}

// count returns a number between both, often one of them.
func (f *follower) count(low, high int) int {
	switch {
	case f.chance(12):
		return high
	case f.chance(4):
		return low
	}
	return low + f.IntN(min(high-low, 4)+1)
}

func (f *follower) number(s map[string]any, integer bool) any {
	low, high := keyword(s, "minimum", -1e6), keyword(s, "maximum", 1e6)
	switch f.IntN(4) {
	case 0:
		if integer {
			return int64(low)
		}
		return low
	case 1:
		if integer {
			return int64(high)
		}
		return high
	}
	x := low + f.Float64()*(high-low)
	if integer {
		return int64(x)
	}
	if of := keyword(s, "multipleOf", 0); of > 0 {
		return jsontext.Value(fmt.Sprintf("%.6f", x))
	}
	return x
}

// letters are those of texts: of one to four bytes in UTF-8.
var letters = []rune("abcXYZ019 .-_:@/é߿我\U0001f600")

func (f *follower) text(s map[string]any) string {
	low, high := int(keyword(s, "minLength", 0)), int(keyword(s, "maxLength", 300))
	switch s["format"] {
	case "date-time":
		return []string{"2026-01-02T03:04:05Z", "2026-01-02t03:04:05.6+02:00", "2026-12-31T23:59:59.999999Z"}[f.IntN(3)]
	case "email":
		return fmt.Sprintf("p%d@example.com", f.IntN(1000))
	case "uri":
		return "https://example.com/" + fmt.Sprint(f.IntN(1000)) + strings.Repeat("x", f.count(0, high-40))
	}
	pattern, ok := s["pattern"].(string)
	if !ok {
		pattern = `^[\x20-\x7e]*$`
		if f.chance(2) {
			pattern = `^.*$`
		}
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		f.t.Fatalf("the description's pattern %s: %v", pattern, err)
	}
	for range 100 {
		text := f.match(re.Simplify(), f.count(low, high))
		if n := utf8.RuneCountInString(text); low <= n && n <= high {
			return text
		}
	}
	f.t.Fatalf("no text of %d to %d characters was found for %s", low, high, pattern)
	return ""
}

// match returns a text of a regular expression; repetitions take some of most characters.
func (f *follower) match(re *syntax.Regexp, most int) string {
	var b strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		return string(letters[f.IntN(len(letters))])
	case syntax.OpCharClass:
		for range 50 { // mostly a letter that people write
			if r := letters[f.IntN(len(letters))]; inClass(re.Rune, r) {
				return string(r)
			}
		}
		i := f.IntN(len(re.Rune)/2) * 2
		return string(re.Rune[i] + rune(f.IntN(int(min(re.Rune[i+1]-re.Rune[i], 90))+1)))
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			b.WriteString(f.match(sub, most-utf8.RuneCountInString(b.String())-len(re.Sub)/2))
		}
	case syntax.OpAlternate:
		return f.match(re.Sub[f.IntN(len(re.Sub))], most)
	case syntax.OpCapture:
		return f.match(re.Sub[0], most)
	case syntax.OpQuest:
		if f.chance(2) {
			return f.match(re.Sub[0], most)
		}
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		n := max(0, most)
		if re.Op == syntax.OpPlus {
			n = max(1, n)
		}
		for range n {
			b.WriteString(f.match(re.Sub[0], 1))
		}
	}
	return b.String()
}

func inClass(class []rune, r rune) bool {
	for i := 0; i < len(class); i += 2 {
		if class[i] <= r && r <= class[i+1] {
			return true
		}
	}
	return false
}

// across are the refusals of requests whose members do not go together, are too
// large together, or meet a record that forbids them. No keyword states those.
var across = []string{
	"auto_approve_below must not be above", "reason differs between", "must be an object of at most", "configuration must not exceed",
	"min_risk must not be above", "min_approvers must not be above the number of people", "is named twice", "of all stages", "name too few people",
	"no such workflow", "at most 50 workflows",
}

// TestARequestThatFollowsTheDescriptionIsNotRefused makes random requests from
// the API description alone: none may be refused for its form.
func TestARequestThatFollowsTheDescriptionIsNotRefused(t *testing.T) {
	t.Parallel()
	text, err := functions.OpenAPI(functions.Routes(), app.Version)
	if err != nil {
		t.Fatal(err)
	}
	var d described
	if err := json.Unmarshal(text, &d, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	x := s.Target("")
	f := &follower{Rand: rand.New(rand.NewPCG(1, 8)), t: t, components: d.Components.Schemas}
	each := 150
	if testing.Short() {
		each = 20
	}
	for _, r := range s.Routes {
		op := d.Paths[r.Path][strings.ToLower(r.Method)]
		taken, told := 0, map[string]bool{}
		for range each {
			if writes(r) && strings.Contains(r.Path, "{") {
				x = s.Renew(x)
			}
			path, query, headers := r.Path, url.Values{}, []string{}
			for _, p := range op.Parameters {
				switch {
				case p.In == "path":
					value := x.ID(p.Name)
					if f.chance(3) {
						value = f.text(p.Schema)
					}
					path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
				case !p.Required && (p.Name == "cursor" || !f.chance(3)):
				case p.In == "query":
					query.Set(p.Name, fmt.Sprint(f.value(p.Schema, 0)))
				case p.In == "header":
					headers = append(headers, p.Name, f.text(p.Schema))
				}
			}
			for name, others := range map[string][]string{"status_filter": {"status"}, "type_filter": {"type"}} { // aliases must not contradict
				for _, other := range others {
					if query.Has(name) {
						query.Del(other)
					}
				}
			}
			body := ""
			if content, ok := op.RequestBody.Content["application/json"]; ok && (op.RequestBody.Required || f.chance(2)) {
				b, err := json.Marshal(f.value(content.Schema, 0), json.Deterministic(true))
				if err != nil {
					t.Fatal(err)
				}
				if body = string(b); len(body) > 200<<10 {
					continue
				}
				if query.Has("reason") {
					body = "{}"
				}
			}
			a := s.As("admin", r.Method, optest.Join(path, query.Encode()), body, headers...)
			if a.Status != 400 && a.Status != 415 && (a.Status != 422 || a.Text("/error_code") == "IDEMPOTENCY_KEY_REUSED") {
				taken++
				continue
			}
			detail := a.Text("/detail")
			known := a.Text("/error_code") == "INVALID_STATE" || slices.ContainsFunc(across, func(text string) bool { return strings.Contains(detail, text) })
			if !known && !told[detail] {
				told[detail] = true
				t.Errorf("%s %s?%s refuses %.600s %q: %s", r.ID, path, query.Encode(), body, headers, detail)
			}
		}
		if taken == 0 {
			t.Errorf("%s took no request", r.ID)
		}
	}
}

func TestTheDescriptionRefusesWhatTheServiceRefuses(t *testing.T) {
	var route endpoint.Route
	for _, r := range functions.Routes() {
		if r.ID == "agents-register" {
			route = r
		}
	}
	text, err := functions.OpenAPI([]endpoint.Route{route}, app.Version)
	if err != nil {
		t.Fatal(err)
	}
	for _, stated := range []string{`"pattern": "^[A-Za-z0-9._:@-]{3,64}$"`, `"maxLength": 255`, `"maxItems": 200`, `"maximum": 100`, `"format": "uri"`, `"format": "email"`, `"supervised"`} {
		if !strings.Contains(string(text), stated) {
			t.Errorf("the description of agents-register lacks %s", stated)
		}
	}
}
