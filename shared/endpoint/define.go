package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/domain/problem"
)

// runner runs the handler of a route on a bound request.
type runner func(context.Context, *app.App, *app.Command, *input) (answer, error)

// input is what a request gives to bind.
type input struct {
	path   []string // values of the path's parameters, decoded, in order
	url    *url.URL
	query  url.Values
	header http.Header
	body   []byte
}

// answer is what a handler gives to write.
type answer struct {
	status int
	body   []byte
	header http.Header // further headers; nil: none
	done   bool        // the handler was reached
}

// Define makes a route of a Spec and the function that serves it. Mistakes in
// them are reported by New.
//
// Fields of In are bound by their tags:
//
//	path:"action_id"           the path's parameter of that name
//	query:"status_filter,type" a query parameter and its aliases
//	header:"X-Signature"       a header
//	body:"raw"                 the bytes of the body as sent, for a []byte
//	json:"agent_id"            a member of the body, which is then a JSON object
//
// All but the last carry json:"-" beside. Path, query and header fields are
// strings, integers, floats, booleans, times (RFC 3339, or YYYY-MM-DD for
// midnight UTC; with until:"true" for the day's last nanosecond), types with
// UnmarshalText, pointers to these (nil when absent) and slices of strings.
// Rules hold for all, also deep inside the body, and are documented:
//
//	required:"true"  default:"100"  min:"1"  max:"1000"
//	minlen:"3"  maxlen:"64"  enum:"a,b"  doc:"What it is."
//
// Lengths are characters of a string or elements of a list or map. A default
// is for query and header fields only. Strings in path, query and header are
// at most 256 bytes unless maxlen says otherwise. A body's numbers in fields of
// type any arrive as jsontext.Value, exactly as sent. An embedded Page adds pagination.
//
// Out is answered as JSON. It may have methods Status() int to replace
// Spec.Success, Headers(http.Header) to add headers, and Body() any to answer
// something else than itself, of the type that Body has on a zero Out or of
// one of those that Others() []any lists.
func Define[In, Out any](s Spec, do func(ctx context.Context, a *app.App, c *app.Command, in In) (Out, error)) Route {
	r := Route{in: reflect.TypeFor[In](), out: bodyType(reflect.TypeFor[Out]())}
	if o, ok := any(*new(Out)).(otherer); ok {
		for _, other := range o.Others() {
			r.others = append(r.others, reflect.TypeOf(other))
		}
	}
	r.err = s.check()
	r.Spec = s
	p, err := newPlan(&s, r.in)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("operation %s: %w", s.ID, err)
	}
	if do == nil && r.err == nil {
		r.err = fmt.Errorf("operation %s: no handler", s.ID)
	}
	r.plan = p
	r.run = func(ctx context.Context, a *app.App, c *app.Command, req *input) (answer, error) {
		var in In
		if err := p.bind(reflect.ValueOf(&in).Elem(), req); err != nil {
			return answer{}, err
		}
		out, err := do(ctx, a, c, in)
		if err != nil {
			return answer{done: true}, err
		}
		return encode(s.Success, &out)
	}
	return r
}

// The methods that an answer may have.
type (
	statuser interface{ Status() int }
	headerer interface{ Headers(http.Header) }
	bodier   interface{ Body() any }
	otherer  interface{ Others() []any }
)

// encode makes the answer's body before anything is written.
func encode[Out any](status int, from *Out) (answer, error) {
	var out any = from // its methods are those of Out, and json copies what is no pointer
	if kind := reflect.TypeFor[Out]().Kind(); kind == reflect.Pointer || kind == reflect.Interface {
		out = *from
	}
	a := answer{status: status, done: true}
	if s, ok := out.(statuser); ok {
		a.status = s.Status()
	}
	if h, ok := out.(headerer); ok {
		a.header = http.Header{}
		h.Headers(a.header)
	}
	if b, ok := out.(bodier); ok {
		out = b.Body()
	}
	body, err := json.Marshal(out, json.Deterministic(true))
	if err == nil && (a.status < 200 || a.status > 599) {
		err = fmt.Errorf("%d is no status", a.status)
	}
	if err != nil {
		return answer{done: true}, &problem.Error{
			Code: problem.CodeInternal, Detail: "the answer could not be written",
			Err: fmt.Errorf("encode the answer: %w", err),
		}
	}
	a.body = body
	return a, nil
}

// bodyType is the type of what an Out answers.
func bodyType(out reflect.Type) reflect.Type {
	if out.Kind() == reflect.Interface || !out.Implements(reflect.TypeFor[bodier]()) {
		return out
	}
	zero := reflect.New(out).Elem()
	if out.Kind() == reflect.Pointer {
		zero = reflect.New(out.Elem())
	}
	if b := zero.Interface().(bodier).Body(); b != nil {
		return reflect.TypeOf(b)
	}
	return reflect.TypeFor[any]()
}

// pathNames lists the parameters of a pattern in order.
func pathNames(pattern string) []string {
	var names []string
	for segment := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}
