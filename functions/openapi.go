package functions

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/endpoint"
	"ascend/shared/endpoint/bind"
	"ascend/shared/endpoint/problemjson"
	"ascend/shared/jsonschema"
)

// document is an OpenAPI 3.1 description, as far as ours goes.
type document struct {
	OpenAPI    string                           `json:"openapi"`
	Info       info                             `json:"info"`
	Servers    []server                         `json:"servers"`
	Tags       []tag                            `json:"tags"`
	Paths      map[string]map[string]*operation `json:"paths"`
	Components components                       `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type server struct {
	URL string `json:"url"`
}

type tag struct {
	Name string `json:"name"`
}

type components struct {
	Schemas         map[string]*jsonschema.Schema `json:"schemas"`
	Headers         map[string]header             `json:"headers"`
	Responses       map[string]response           `json:"responses"`
	SecuritySchemes map[string]securityScheme     `json:"securitySchemes"`
}

type securityScheme struct {
	Type         string `json:"type"`
	Scheme       string `json:"scheme,omitzero"`
	BearerFormat string `json:"bearerFormat,omitzero"`
	In           string `json:"in,omitzero"`
	Name         string `json:"name,omitzero"`
	Description  string `json:"description"`
}

type operation struct {
	OperationID string                `json:"operationId"`
	Summary     string                `json:"summary,omitzero"`
	Tags        []string              `json:"tags,omitzero"`
	Auth        string                `json:"x-ascend-auth"`
	KeyScope    string                `json:"x-ascend-key-scope,omitzero"`
	Security    []map[string][]string `json:"security"`
	Parameters  []parameter           `json:"parameters,omitzero"`
	RequestBody *requestBody          `json:"requestBody,omitzero"`
	Responses   map[string]response   `json:"responses"`
}

type parameter struct {
	Name        string             `json:"name"`
	In          string             `json:"in"`
	Description string             `json:"description,omitzero"`
	Required    bool               `json:"required,omitzero"`
	Deprecated  bool               `json:"deprecated,omitzero"`
	Example     string             `json:"example,omitzero"`
	Schema      *jsonschema.Schema `json:"schema"`
}

type requestBody struct {
	Required bool             `json:"required,omitzero"`
	Content  map[string]media `json:"content"`
}

type media struct {
	Schema  *jsonschema.Schema `json:"schema"`
	Example jsontext.Value     `json:"example,omitzero"`
}

type response struct {
	Ref         string            `json:"$ref,omitzero"`
	Description string            `json:"description,omitzero"`
	Headers     map[string]header `json:"headers,omitzero"`
	Content     map[string]media  `json:"content,omitzero"`
}

type header struct {
	Ref         string             `json:"$ref,omitzero"`
	Description string             `json:"description,omitzero"`
	Schema      *jsonschema.Schema `json:"schema,omitzero"`
}

// The names of the security schemes.
const (
	byKey     = "api_key"
	byToken   = "bearer"
	bySession = "session"
)

// OpenAPI returns an OpenAPI 3.1 document of routes and their Go types, the
// same bytes for the same routes. version is that of the build.
func OpenAPI(routes []endpoint.Route, version string) ([]byte, error) {
	schemas := &jsonschema.Generator{
		Components: map[string]*jsonschema.Schema{},
		Names:      map[reflect.Type]string{reflect.TypeFor[problemjson.Problem](): "EndpointProblem"},
	}
	d := document{
		OpenAPI: "3.1.0",
		Info: info{Title: "Ascend", Version: version, Description: fmt.Sprintf("Governance for AI agents: submit actions, have them decided, approved and audited. "+
			"A request's body has at most %d KiB, %d nested levels and %d elements; a number in it has at most %d characters.",
			endpoint.DefaultMaxBody>>10, bind.MaxDepth, bind.MaxElements, bind.MaxNumber)},
		Servers: []server{{URL: "/"}},
		Tags:    []tag{},
		Paths:   map[string]map[string]*operation{},
		Components: components{
			Headers: map[string]header{
				"X-Correlation-ID": {Description: "The request's X-Correlation-ID, or the service's own where none was sent.", Schema: &jsonschema.Schema{Type: "string"}},
				"X-Total-Count":    {Description: "The exact total number of entries. Absent where there are too many to count, and on a page that a cursor leads to.", Schema: &jsonschema.Schema{Type: "integer"}},
				"Link":             {Description: `The next page: <…>; rel="next" (RFC 8288). Absent on the last page.`, Schema: &jsonschema.Schema{Type: "string"}},
			},
			SecuritySchemes: map[string]securityScheme{
				byKey:     {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "An API key. Also accepted as a bearer."},
				byToken:   {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A token of the identity provider."},
				bySession: {Type: "apiKey", In: "cookie", Name: "access_token", Description: "The same token in a cookie. Requests that change state repeat the cookie owai_csrf in the header X-CSRF-Token."},
			},
		},
	}
	shapes := map[string]string{}
	ids := map[string]bool{}
	for _, r := range routes {
		if err := r.Err(); err != nil {
			return nil, err
		}
		shape := shapeOf(r.Path)
		if other := cmp.Or(shapes[shape], r.Path); other != r.Path {
			return nil, fmt.Errorf("the paths %s and %s differ only in names", other, r.Path)
		}
		shapes[shape] = r.Path
		methods := d.Paths[r.Path]
		if methods == nil {
			methods = map[string]*operation{}
			d.Paths[r.Path] = methods
		}
		method := strings.ToLower(r.Method)
		if methods[method] != nil || ids[r.ID] {
			return nil, fmt.Errorf("operation %s is there twice", r.ID)
		}
		ids[r.ID] = true
		op, err := describe(r, schemas)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", r.ID, err)
		}
		methods[method] = op
		if r.Tag != "" && !slices.Contains(d.Tags, tag{r.Tag}) {
			d.Tags = append(d.Tags, tag{r.Tag})
		}
	}
	failure, err := schemas.Of(reflect.TypeFor[problemjson.Problem](), jsonschema.Output)
	if err != nil {
		return nil, err
	}
	d.Components.Responses = map[string]response{"Problem": {
		Description: "A failure (RFC 9457).",
		Headers:     map[string]header{"X-Correlation-ID": {Ref: "#/components/headers/X-Correlation-ID"}},
		Content:     map[string]media{"application/problem+json": {Schema: failure}},
	}}
	d.Components.Schemas = schemas.Components
	return json.Marshal(d, json.Deterministic(true), jsontext.WithIndent("  "))
}

// shapeOf returns a path pattern without the names of its parameters.
func shapeOf(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// describe returns the operation of one route.
func describe(r endpoint.Route, schemas *jsonschema.Generator) (*operation, error) {
	op := &operation{
		OperationID: r.ID, Summary: r.Summary, Auth: r.Auth.String(), KeyScope: r.KeyScope,
		Security: security(r.Auth), Responses: map[string]response{},
	}
	if r.Tag != "" {
		op.Tags = []string{r.Tag}
	}
	for _, p := range r.Params() {
		s, err := schemas.Field(p.Field, jsonschema.Input)
		if err != nil {
			return nil, err
		}
		if s.Type == "string" && s.Enum == nil && s.Format == "" {
			s.MaxLength, s.Pattern = cmp.Or(s.MaxLength, bind.MaxText), jsonschema.LinePattern
		}
		required := p.In == "path" || p.Field.Tag.Get("required") == "true"
		op.Parameters = append(op.Parameters, parameter{
			Name: p.Name, In: p.In, Required: required, Description: p.Field.Tag.Get("doc"), Example: p.Field.Tag.Get("example"), Schema: s.Bare(),
		})
		for _, alias := range p.Aliases {
			op.Parameters = append(op.Parameters, parameter{
				Name: alias, In: p.In, Deprecated: true, Description: "Another name of " + p.Name + ".", Schema: s.Bare(),
			})
		}
	}
	if r.Repeats {
		by := ""
		if r.Auth == endpoint.TokenApprover {
			by = " by the same person"
		}
		op.Parameters = append(op.Parameters, parameter{
			Name: "Idempotency-Key", In: "header", Schema: visible(255),
			Description: "A request repeated" + by + " with the same key and body within 24 hours gets the answer of the first, with the header Idempotency-Replayed: true.",
		})
	}
	op.Parameters = append(op.Parameters, parameter{
		Name: "X-Correlation-ID", In: "header", Schema: visible(128), Description: "Returned with the answer and recorded with the action or change.",
	})
	if r.HasBody() {
		mode := jsonschema.Input
		if r.Unknown == endpoint.Refuse {
			mode = jsonschema.StrictInput
		}
		s, err := schemas.Of(r.In(), mode)
		if err != nil {
			return nil, err
		}
		body := media{Schema: s}
		if r.Example != "" {
			body.Example = jsontext.Value(r.Example)
		}
		op.RequestBody = &requestBody{Required: r.Body == endpoint.RequiredBody, Content: map[string]media{"application/json": body}}
	}
	return op, answers(op, r, schemas)
}

// answers adds the responses of a route.
func answers(op *operation, r endpoint.Route, schemas *jsonschema.Generator) error {
	s, err := schemas.Of(r.Out(), jsonschema.Output)
	if err != nil {
		return err
	}
	if len(r.Others()) > 0 {
		s = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s}}
		for _, t := range r.Others() {
			other, err := schemas.Of(t, jsonschema.Output)
			if err != nil {
				return err
			}
			s.AnyOf = append(s.AnyOf, other)
		}
	}
	headers := map[string]header{"X-Correlation-ID": {Ref: "#/components/headers/X-Correlation-ID"}}
	if r.HasPages() {
		headers["X-Total-Count"] = header{Ref: "#/components/headers/X-Total-Count"}
		headers["Link"] = header{Ref: "#/components/headers/Link"}
	}
	successes := []int{r.Success}
	if r.AlsoOK {
		successes = append(successes, http.StatusOK)
	}
	for _, status := range successes {
		op.Responses[strconv.Itoa(status)] = response{
			Description: http.StatusText(status), Headers: headers, Content: map[string]media{"application/json": {Schema: s}},
		}
	}
	for _, status := range failures(r) {
		op.Responses[strconv.Itoa(status)] = response{Ref: "#/components/responses/Problem"}
	}
	op.Responses["default"] = response{Ref: "#/components/responses/Problem"}
	return nil
}

// failures returns the error statuses that a route can answer.
func failures(r endpoint.Route) []int {
	list := []int{http.StatusBadRequest, r.InvalidStatus, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if r.Auth != endpoint.Public {
		list = append(list, http.StatusUnauthorized, http.StatusForbidden)
	}
	if strings.Contains(r.Path, "{") {
		list = append(list, http.StatusNotFound)
	}
	if r.HasBody() {
		list = append(list, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if r.Repeats {
		list = append(list, http.StatusConflict, http.StatusUnprocessableEntity)
	}
	return list
}

// security returns the credentials that an operation takes; each alone is enough.
func security(a endpoint.Auth) []map[string][]string {
	list := []map[string][]string{}
	if a == endpoint.Public {
		return list
	}
	if a == endpoint.Optional {
		list = append(list, map[string][]string{})
	}
	if a.TakesKeys() {
		list = append(list, map[string][]string{byKey: {}})
	}
	return append(list, map[string][]string{byToken: {}}, map[string][]string{bySession: {}})
}

func visible(most int) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", MinLength: 1, MaxLength: most, Pattern: "^[!-~]+$"}
}
