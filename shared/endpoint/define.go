package endpoint

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/endpoint/bind"
)

// runner runs the handler of a route on a bound request.
type runner func(context.Context, *app.App, *command.Command, *input) (answer, error)

// answer is what is written.
type answer struct {
	status int
	body   []byte
	header http.Header // further headers; nil: none
}

// Define returns the route of a Spec and the function that serves it. Mistakes
// in them are reported by New.
//
// The fields of In are bound by their tags, as package bind says. An embedded
// Page adds pagination.
//
// Out is answered as JSON. It may have methods Status() int to replace
// Spec.Success, Headers(http.Header) to add headers, and Body() any to answer
// something else than itself, of the type that Body has on a zero Out or of
// one of those that Others() []any lists.
func Define[In, Out any](s Spec, do func(ctx context.Context, a *app.App, c *command.Command, in In) (Out, error)) Route {
	r := Route{in: reflect.TypeFor[In](), out: bodyType(reflect.TypeFor[Out]())}
	if o, ok := any(*new(Out)).(otherer); ok {
		for _, other := range o.Others() {
			r.others = append(r.others, reflect.TypeOf(other))
		}
	}
	r.err = s.check()
	r.Spec = s
	var err error
	if r.binder, err = newBinder(&s, r.in); err != nil && r.err == nil {
		r.err = fmt.Errorf("operation %s: %w", s.ID, err)
	}
	if do == nil && r.err == nil {
		r.err = fmt.Errorf("operation %s: no handler", s.ID)
	}
	page := pageOf(r.in)
	r.run = func(ctx context.Context, a *app.App, c *command.Command, req *input) (answer, error) {
		var in In
		v := reflect.ValueOf(&in).Elem()
		if page != nil {
			v.FieldByIndex(page).Addr().Interface().(*Page).target = req.url
		}
		if err := r.binder.Bind(v, req.Request); err != nil {
			return answer{}, err
		}
		out, err := do(ctx, a, c, in)
		if err != nil {
			return answer{}, err
		}
		return encode(s.Success, &out)
	}
	return r
}

func newBinder(s *Spec, in reflect.Type) (*bind.Binder, error) {
	b, err := bind.New(in, bind.Options{
		Path: pathNames(s.Path), BodyRequired: s.Body == RequiredBody,
		RefuseMembers: s.Unknown == Refuse, RefuseQuery: s.Unknown == Refuse && s.Method != http.MethodGet,
	})
	if err == nil && b.HasBody() != (s.Body != NoBody) {
		err = fmt.Errorf("Spec.Body and the json fields of %v disagree", in)
	}
	return b, err
}

// pageOf returns where a request type embeds a Page; nil for nowhere.
func pageOf(in reflect.Type) []int {
	if in.Kind() == reflect.Struct {
		if f, ok := in.FieldByName("Page"); ok && f.Anonymous && f.Type == reflect.TypeFor[Page]() {
			return f.Index
		}
	}
	return nil
}

// The methods that an answer may have.
type (
	statusSetter interface{ Status() int }
	headerer     interface{ Headers(http.Header) }
	bodier       interface{ Body() any }
	otherer      interface{ Others() []any }
	sizer        interface{ encodedSize() int } // so that a large body is not copied as it grows
)

// encode returns the answer with its body, before anything is written.
func encode[Out any](status int, from *Out) (answer, error) {
	var out any = from // its methods are those of Out, and json copies what is no pointer
	if kind := reflect.TypeFor[Out]().Kind(); kind == reflect.Pointer || kind == reflect.Interface {
		out = *from
	}
	a := answer{status: status}
	if s, ok := out.(statusSetter); ok {
		a.status = s.Status()
	}
	if h, ok := out.(headerer); ok {
		a.header = http.Header{}
		h.Headers(a.header)
	}
	room := 4 << 10
	if s, ok := out.(sizer); ok {
		room = s.encodedSize()
	}
	body := bytes.NewBuffer(make([]byte, 0, room))
	if b, ok := out.(bodier); ok {
		out = b.Body()
	}
	err := json.MarshalWrite(body, out, json.Deterministic(true))
	if err == nil && (a.status < 200 || a.status > 599) {
		err = fmt.Errorf("%d is no status", a.status)
	}
	if err != nil {
		return answer{}, problem.Internal("encode the answer", err)
	}
	a.body = body.Bytes()
	return a, nil
}

// bodyType returns the type of what an Out answers.
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

// pathNames returns the parameters of a pattern in order.
func pathNames(pattern string) []string {
	var names []string
	for segment := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}
