package endpoint

import (
	"context"
	"net/http"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
)

type search struct {
	Org    string     `path:"org" json:"-"`
	Serial int64      `path:"serial" json:"-" min:"1" max:"9007199254740991"`
	Status string     `query:"status_filter,status" json:"-" enum:"open,closed"`
	Limit  int        `query:"limit" json:"-" default:"100" min:"1" max:"1000"`
	Since  time.Time  `query:"since" json:"-"`
	Until  *time.Time `query:"until" json:"-" until:"true"`
	Risk   *int       `query:"risk" json:"-" min:"0"`
	Small  int8       `query:"small" json:"-"`
}

func searchKit(t testing.TB, method string, got *search) *kit {
	s := Spec{ID: "things-search", Method: method, Path: "/orgs/{org}/things/{serial}", Auth: Token}
	return newKit(t, Define(s, func(_ context.Context, _ *app.App, _ *command.Command, in search) (done, error) {
		*got = in
		return done{}, nil
	}))
}

func TestParametersAreBound(t *testing.T) {
	var got search
	k := searchKit(t, "GET", &got)
	k.send(t, "GET", "/orgs/a%2Fb%20c/things/12?status=open&limit=5&since=2026-01-02&until=2026-01-02&risk=15&extra=1", "").want(t, 200, "")
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	if got.Org != "a/b c" || got.Serial != 12 || got.Status != "open" || got.Limit != 5 || !got.Since.Equal(day) ||
		!got.Until.Equal(day.Add(24*time.Hour-1)) || *got.Risk != 15 {
		t.Errorf("bound %+v", got)
	}
	k.send(t, "GET", "/orgs/a/things/1?since=2026-01-02T03:04:05%2B02:00", "").want(t, 200, "")
	if got.Limit != 100 || got.Until != nil || got.Risk != nil || got.Since.Format(time.RFC3339) != "2026-01-02T01:04:05Z" {
		t.Errorf("defaults %+v", got)
	}
}

func TestBadParametersAreNamed(t *testing.T) {
	var got search
	k := searchKit(t, "GET", &got)
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'x'
	}
	for _, row := range []struct{ path, pointers, detail string }{
		{"/orgs/a/things/x", "/path/serial", "serial must be an integer"},
		{"/orgs/a/things/007", "/path/serial", "serial must be an integer"},
		{"/orgs/a/things/+7", "/path/serial", "serial must be an integer"},
		{"/orgs/a/things/0", "/path/serial", "serial must be between 1 and 9007199254740991"},
		{"/orgs/a/things/99999999999999999999", "/path/serial", "serial is out of range"},
		{"/orgs/a%00b/things/1", "/path/org", "org must be printable UTF-8 text"},
		{"/orgs/a%ffb/things/1", "/path/org", "org must be printable UTF-8 text"},
		{"/orgs/" + string(long) + "/things/1", "/path/org", "org is too long"},
		{"/orgs/a/things/1?limit=0", "/query/limit", "limit must be between 1 and 1000"},
		{"/orgs/a/things/1?limit=1001&risk=-1", "/query/limit /query/risk", "limit must be between 1 and 1000"},
		{"/orgs/a/things/1?limit=", "/query/limit", "limit must be an integer"},
		{"/orgs/a/things/1?limit=1&limit=2", "/query/limit", "limit is given more than once"},
		{"/orgs/a/things/1?status=open&status_filter=closed", "/query/status_filter", "status_filter contradicts its alias status"},
		{"/orgs/a/things/1?status=x", "/query/status_filter", "status_filter must be one of open, closed"},
		{"/orgs/a/things/1?since=now", "/query/since", "since must be a time such as 2026-01-02T15:04:05Z or a date such as 2026-01-02"},
		{"/orgs/a/things/1?risk=-1", "/query/risk", "risk must be at least 0"},
		{"/orgs/a/things/1?small=200", "/query/small", "small is out of range"},
		{"/orgs/a/things/1?limit=%zz", "", "the query string is malformed"},
		{"/orgs/a/things/1?a;b", "", "the query string is malformed"},
	} {
		a := k.send(t, "GET", row.path, "")
		a.want(t, 400, problem.CodeValidation)
		if a.pointers() != row.pointers || a.problem.Detail != row.detail {
			t.Errorf("%s: %q %q, want %q %q", row.path, a.pointers(), a.problem.Detail, row.pointers, row.detail)
		}
	}
}

func TestUnknownParametersAreRefusedWhereGovernanceIsConfigured(t *testing.T) {
	var got search
	k := searchKit(t, "PUT", &got)
	a := k.send(t, "PUT", "/orgs/a/things/1?limits=5&zz=1&limit=3", "")
	a.want(t, 400, problem.CodeValidation)
	if a.pointers() != "/query/limits /query/zz" {
		t.Errorf("named %q", a.pointers())
	}
}

func TestDefinitionsAreChecked(t *testing.T) {
	good := Spec{ID: "a-b", Method: http.MethodPost, Path: "/a/{id}", Auth: Token, Body: RequiredBody}
	type in struct {
		ID   string `path:"id" json:"-"`
		Name string `json:"name"`
	}
	if r := Define(good, handler[in]); r.Err() != nil {
		t.Fatal(r.Err())
	}
	change := func(f func(*Spec)) Spec { s := good; f(&s); return s }
	rows := map[string]Route{
		"no auth":        Define(change(func(s *Spec) { s.Auth = 0 }), handler[in]),
		"unknown auth":   Define(change(func(s *Spec) { s.Auth = 99 }), handler[in]),
		"no id":          Define(change(func(s *Spec) { s.ID = "" }), handler[in]),
		"dashes":         Define(change(func(s *Spec) { s.ID = "a--b" }), handler[in]),
		"bad path":       Define(change(func(s *Spec) { s.Path = "a/{id}" }), handler[in]),
		"bad segment":    Define(change(func(s *Spec) { s.Path = "/a%41/{id}" }), handler[in]),
		"bad name":       Define(change(func(s *Spec) { s.Path = "/a/{id}/{B}" }), handler[in]),
		"open name":      Define(change(func(s *Spec) { s.Path = "/a/{id" }), handler[in]),
		"empty segment":  Define(change(func(s *Spec) { s.Path = "/a//{id}" }), handler[in]),
		"method":         Define(change(func(s *Spec) { s.Method = "post" }), handler[in]),
		"status 204":     Define(change(func(s *Spec) { s.Success = 204 }), handler[in]),
		"invalid 418":    Define(change(func(s *Spec) { s.InvalidStatus = 418 }), handler[in]),
		"no body":        Define(change(func(s *Spec) { s.Body = NoBody }), handler[in]),
		"public repeats": Define(change(func(s *Spec) { s.Auth, s.Repeats = Public, true }), handler[in]),
		"no handler":     Define[in, done](good, nil),
		"path unbound": Define(good, handler[struct {
			Name string `json:"name"`
		}]),
		"path of no such name": Define(good, handler[struct {
			ID    string `path:"id" json:"-"`
			Other string `path:"other" json:"-"`
			Name  string `json:"name"`
		}]),
		"a body could set a path field": Define(good, handler[struct {
			ID   string `path:"id"`
			Name string `json:"name"`
		}]),
		"default out of bounds": Define(good, handler[struct {
			ID    string `path:"id" json:"-"`
			Limit int    `query:"limit" json:"-" default:"0" min:"1"`
			Name  string `json:"name"`
		}]),
		"one query parameter twice": Define(good, handler[struct {
			ID   string `path:"id" json:"-"`
			A    string `query:"a" json:"-"`
			B    string `query:"b,a" json:"-"`
			Name string `json:"name"`
		}]),
		"a rule that cannot tell absence": Define(good, handler[struct {
			ID    string `path:"id" json:"-"`
			Count int    `json:"count" min:"1"`
		}]),
		"an unnamed member": Define(good, handler[struct {
			ID    string `path:"id" json:"-"`
			Count int
		}]),
		"enum of a number": Define(good, handler[struct {
			ID    string `path:"id" json:"-"`
			Count int    `json:"count" enum:"1,2"`
		}]),
		"a channel": Define(good, handler[struct {
			ID   string   `path:"id" json:"-"`
			C    chan int `query:"c" json:"-"`
			Name string   `json:"name"`
		}]),
	}
	for name, r := range rows {
		if r.Err() == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := New(app.New(nil, app.Options{}), ClaimFunc(testClaim), discard, r); err == nil {
			t.Errorf("%s: served", name)
		}
	}
}

func handler[In any](context.Context, *app.App, *command.Command, In) (done, error) {
	return done{}, nil
}
