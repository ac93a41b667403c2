package functions

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint"
)

type part struct {
	Name  string `json:"name" required:"true" maxlen:"5"`
	Count *int   `json:"count,omitzero" min:"1" max:"9"`
}

// tree holds itself. The validator's own rendering of requests cannot follow
// that, so it is only in the document that is validated as a whole.
type tree struct {
	Name  string           `json:"name"`
	Below []tree           `json:"below,omitzero"`
	Named map[string]*tree `json:"named,omitzero"`
}

type order struct {
	ID      string           `path:"order_id" json:"-" maxlen:"8"`
	Copies  int              `query:"copies" json:"-" default:"1" min:"1" doc:"How many."`
	Kind    string           `json:"kind" enum:"a,b" doc:"Which kind."`
	Parts   []part           `json:"parts" required:"true" maxlen:"2"`
	Named   map[string]*part `json:"named"`
	Context map[string]any   `json:"context"`
	Raw     jsontext.Value   `json:"raw"`
	At      time.Time        `json:"at"`
	Hidden  *part            `json:"hidden"`
}

type placed struct {
	ID     string         `json:"id"`
	Role   tenant.Role    `json:"role" enum:"admin,user"`
	First  *part          `json:"first"`
	Parts  []part         `json:"parts"`
	Score  float64        `json:"score"`
	At     time.Time      `json:"at"`
	Free   map[string]any `json:"free"`
	Reason string         `json:"reason,omitzero"`
}

type orders struct {
	endpoint.Page `default:"10" max:"20"`
	Status        string `query:"status_filter,status" json:"-" enum:"open,closed"`
}

func exampleRoutes() []endpoint.Route {
	return []endpoint.Route{
		endpoint.Define(endpoint.Spec{
			ID: "orders-place", Method: "POST", Path: "/orders/{order_id}", Summary: "Places an order.", Tag: "Orders",
			Auth: endpoint.KeyOrTokenWrite, Body: endpoint.RequiredBody, Repeats: true, InvalidStatus: 422, Success: 201,
		}, func(_ context.Context, _ *app.App, c *command.Command, in order) (placed, error) {
			if in.ID == "gone" {
				return placed{}, problem.NotFound(problem.CodeNotFound, "no such order")
			}
			return placed{ID: in.ID, Role: tenant.Admin, Parts: in.Parts, At: c.At}, nil
		}),
		endpoint.Define(endpoint.Spec{
			ID: "orders-list", Method: "GET", Path: "/orders", Tag: "Orders", Auth: endpoint.Optional,
		}, func(_ context.Context, _ *app.App, _ *command.Command, in orders) (endpoint.Paged[placed], error) {
			total := 2
			return endpoint.Paged[placed]{Items: []placed{{Role: tenant.User, First: &part{Name: "n"}}}, Total: &total, Next: "?cursor=x"}, nil
		}),
		endpoint.Define(endpoint.Spec{
			ID: "orders-drop", Method: "DELETE", Path: "/orders/{order_id}", Tag: "Orders", Auth: endpoint.TokenAdmin,
			Body: endpoint.OptionalBody, Unknown: endpoint.Tolerate,
		}, func(_ context.Context, _ *app.App, _ *command.Command, in order) (placed, error) {
			return placed{Role: tenant.User}, nil
		}),
		endpoint.Define(endpoint.Spec{ID: "alive", Method: "GET", Path: "/alive", Auth: endpoint.Public},
			func(context.Context, *app.App, *command.Command, struct{}) (any, error) { return "yes", nil }),
	}
}

func render(t *testing.T, routes []endpoint.Route) (validator.Validator, []byte) {
	t.Helper()
	b, err := OpenAPI(routes, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(b)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return v, b
}

func TestTheDocumentIsValidOpenAPI31(t *testing.T) {
	all := append(exampleRoutes(), endpoint.Define(endpoint.Spec{ID: "trees-add", Method: "POST", Path: "/trees", Auth: endpoint.Token, Body: endpoint.RequiredBody},
		func(_ context.Context, _ *app.App, _ *command.Command, in tree) (tree, error) { return in, nil }))
	v, b := render(t, all)
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%v", e)
		}
	}
	again, _ := OpenAPI(all, "1.2.3")
	if !bytes.Equal(b, again) {
		t.Error("rendered otherwise the second time")
	}
	broken, err := libopenapi.NewDocument(bytes.Replace(b, []byte(`"responses": {`), []byte(`"respones": {`), 1)) //nolint:misspell // a broken document
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := validator.NewValidator(broken); v != nil {
		if ok, _ := v.ValidateDocument(); ok {
			t.Error("the validator accepts anything")
		}
	}
}

func TestTheTableIsDescribedAndServed(t *testing.T) {
	routes := Routes()
	v, _ := render(t, routes)
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%v", e)
		}
	}
	nobody := endpoint.ClaimFunc(func(*http.Request) (command.Claim, error) { return command.Claim{}, nil })
	if _, err := endpoint.New(app.New(nil, app.Options{}), nobody, slog.New(slog.DiscardHandler), routes...); err != nil {
		t.Error(err)
	}
}

// The document and the service must say the same of each request.
func TestTheDocumentAndTheServiceAgree(t *testing.T) {
	routes := exampleRoutes()
	v, _ := render(t, routes)
	creds := endpoint.ClaimFunc(func(r *http.Request) (command.Claim, error) {
		return command.Confirmed(tenant.Principal{Org: 1, Kind: tenant.Person, Role: tenant.Admin}), nil
	})
	h, err := endpoint.New(app.New(nil, app.Options{}), creds, slog.New(slog.DiscardHandler), routes...)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		method, target, body string
		status               int
	}{
		{"POST", "/orders/o1", `{"parts":[{"name":"n","count":1}],"kind":"a","named":{"k":{"name":"x"}},"context":{"a":[1]},"raw":1,"at":"2026-01-02T03:04:05Z"}`, 201},
		{"POST", "/orders/o1?copies=2", `{"parts":[{"name":"n","count":null}],"kind":null,"named":null,"hidden":null}`, 201},
		{"POST", "/orders/o1", `{"parts":[{"name":"n"}],"kind":""}`, 201},
		{"POST", "/orders/gone", `{"parts":[{"name":"n"}]}`, 404},
		{"POST", "/orders/o1", `{"kind":"a"}`, 422},
		{"POST", "/orders/o1", `{"parts":[{"name":"n"}],"kind":"c"}`, 422},
		{"POST", "/orders/o1", `{"parts":[{"name":"n"}],"typo":1}`, 422},
		{"POST", "/orders/o1", `{"parts":[{"name":"n","typo":1}]}`, 422},
		{"POST", "/orders/o1", `{"parts":[{"name":"123456"}]}`, 422},
		{"POST", "/orders/o1", `{"parts":[{"name":"n","count":10}]}`, 422},
		{"POST", "/orders/o1", `{"parts":[{"name":"n"},{"name":"n"},{"name":"n"}]}`, 422},
		{"POST", "/orders/o1", `{"parts":[]}`, 422},
		{"POST", "/orders/o1", `{"parts":[{"name":""}]}`, 422},
		{"POST", "/orders/123456789", `{"parts":[{"name":"n"}]}`, 422},
		{"GET", "/orders?limit=20&status=open", "", 200},
		{"GET", "/orders?limit=21", "", 400},
		{"GET", "/orders?limit=x", "", 400},
		{"GET", "/orders?status_filter=shut", "", 400},
		{"DELETE", "/orders/o1", "", 200},
		{"DELETE", "/orders/o1", `{"parts":[{"name":"n","extra":1}],"extra":1}`, 200},
		{"DELETE", "/orders/o1", `{"parts":5}`, 400},
		{"GET", "/alive", "", 200},
	} {
		request := func() *http.Request {
			r := httptest.NewRequest(row.method, row.target, nil)
			if row.body != "" {
				r = httptest.NewRequest(row.method, row.target, strings.NewReader(row.body))
				r.Header.Set("Content-Type", "application/json")
			}
			r.Header.Set("Authorization", "Bearer token")
			r.Header.Set("X-API-Key", "key")
			r.AddCookie(&http.Cookie{Name: "access_token", Value: "token"})
			return r
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request())
		if w.Code != row.status {
			t.Errorf("%s %s %s: %d, want %d: %s", row.method, row.target, row.body, w.Code, row.status, w.Body)
		}
		takes, errs := v.ValidateHttpRequest(request())
		if refused := row.status == 400 || row.status == 422; takes == refused {
			t.Errorf("%s %s %s: answered %d, the document allows it: %v %v", row.method, row.target, row.body, w.Code, takes, errs)
		}
		if ok, errs := v.ValidateHttpResponse(request(), w.Result()); !ok {
			t.Errorf("%s %s %s: the answer %s is not as documented: %v", row.method, row.target, row.body, w.Body, errs)
		}
	}
}

func TestTheDocumentSaysWhatTheRoutesSay(t *testing.T) {
	_, b := render(t, exampleRoutes())
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	place := d.Paths["/orders/{order_id}"]["post"]
	if place.OperationID != "orders-place" || place.Auth != "key_or_token_write" || !place.RequestBody.Required || len(place.Security) != 3 {
		t.Errorf("%+v", place)
	}
	for _, status := range []string{"201", "400", "401", "403", "404", "409", "413", "415", "422", "500", "503", "default"} {
		if _, ok := place.Responses[status]; !ok {
			t.Errorf("no answer %s", status)
		}
	}
	var names []string
	for _, p := range d.Paths["/orders"]["get"].Parameters {
		names = append(names, p.In+" "+p.Name)
	}
	if got := strings.Join(names, ", "); got != "query limit, query offset, query cursor, query status_filter, query status, header X-Correlation-ID" {
		t.Errorf("parameters %s", got)
	}
	if len(d.Paths["/orders"]["get"].Security) != 4 || len(d.Paths["/alive"]["get"].Security) != 0 || len(d.Tags) != 1 {
		t.Errorf("%+v", d.Paths["/alive"]["get"])
	}
}

func TestRoutesThatCannotBeDescribedAreRefused(t *testing.T) {
	define := func(id, path string) endpoint.Route {
		return endpoint.Define(endpoint.Spec{ID: id, Method: "GET", Path: path, Auth: endpoint.Public},
			func(context.Context, *app.App, *command.Command, struct{}) (io.Reader, error) { return nil, nil })
	}
	type byX struct {
		X string `path:"x" json:"-"`
	}
	type byY struct {
		Y string `path:"y" json:"-"`
	}
	x := endpoint.Define(endpoint.Spec{ID: "x", Method: "GET", Path: "/a/{x}", Auth: endpoint.Public},
		func(context.Context, *app.App, *command.Command, byX) (string, error) { return "", nil })
	y := endpoint.Define(endpoint.Spec{ID: "y", Method: "PUT", Path: "/a/{y}", Auth: endpoint.Public},
		func(context.Context, *app.App, *command.Command, byY) (string, error) { return "", nil })
	channel := endpoint.Define(endpoint.Spec{ID: "c", Method: "GET", Path: "/c", Auth: endpoint.Public},
		func(context.Context, *app.App, *command.Command, struct{}) (chan int, error) { return nil, nil })
	for name, routes := range map[string][]endpoint.Route{
		"a mistaken one": {define("a", "a")}, "one id twice": {define("a", "/a"), define("a", "/b")}, "one path twice": {define("a", "/a"), define("b", "/a")},
		"paths that differ in names": {x, y}, "an answer that is no JSON": {channel},
	} {
		if _, err := OpenAPI(routes, "1"); err == nil {
			t.Errorf("%s: described", name)
		}
	}
}
