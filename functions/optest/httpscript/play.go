package httpscript

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Env is the service that scripts are played against, and who plays. Every
// credential must be given; a script that needs one that is missing fails.
// Scripts know it by the name in brackets, in "as: name" and as ${name}.
type Env struct {
	BaseURL  string       // such as http://127.0.0.1:8080; may have a path
	Client   *http.Client // nil: one with a time limit of 30 s; redirects are never followed
	Examples fs.FS        // the documented examples; RunDir fills it in

	// The first organisation. Key must have been created by Admin's person.
	// Manager must be another person than Admin, and AdminNoMFA another than both.
	Key        string // [key] an API key of role admin
	Admin      string // [admin] a JWT of role admin with an MFA claim (amr)
	AdminNoMFA string // [admin-no-mfa] a JWT of role admin without one
	Manager    string // [manager] a JWT of role manager with an MFA claim
	User       string // [user] a JWT of role user
	Viewer     string // [viewer] a JWT of role viewer
	Expired    string // [expired] a JWT of the first organisation, properly signed, that has expired

	// The second organisation.
	OtherKey   string // [other-key] an API key of role admin
	OtherAdmin string // [other-admin] a JWT of role admin with an MFA claim
}

func (e Env) credential(name string) (string, error) {
	value, known := map[string]string{
		"key": e.Key, "admin": e.Admin, "admin-no-mfa": e.AdminNoMFA, "manager": e.Manager, "user": e.User,
		"viewer": e.Viewer, "expired": e.Expired, "other-key": e.OtherKey, "other-admin": e.OtherAdmin,
	}[name]
	switch {
	case !known:
		return "", fmt.Errorf("no credential is called %q", name)
	case value == "":
		return "", fmt.Errorf("the environment has no credential %q", name)
	}
	return value, nil
}

// RunDir plays every *.http file of a folder as a subtest of its own. The
// documented examples are taken from ../documented beside the folder unless
// env has them.
func RunDir(t *testing.T, dir string, env Env) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.http"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	if env.Examples == nil {
		env.Examples = os.DirFS(filepath.Join(dir, "../documented"))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			t.Parallel()
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := Play(t.Context(), file, string(script), env); err != nil {
				t.Error(err)
			}
		})
	}
}

// Play plays one script. The error names each expectation that was not met as
// name:line; the script ends at the first request with such.
func Play(ctx context.Context, name, script string, env Env) error {
	steps, err := parse(script)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p := &player{name: name, env: env, vars: map[string]string{"unique": strings.ToLower(rand.Text()[:12])}}
	p.client = http.Client{Timeout: 30 * time.Second}
	if env.Client != nil {
		p.client = *env.Client
	}
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, s := range steps {
		if s.let != "" {
			if p.vars[s.let], err = p.expand(s.value); err != nil {
				return fmt.Errorf("%s:%d: %w", name, s.line, err)
			}
			continue
		}
		for range s.repeat {
			if err := p.await(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

type player struct {
	name   string
	env    Env
	client http.Client
	vars   map[string]string
}

// await plays a request, again and again while it may still come to what is expected.
func (p *player) await(ctx context.Context, s step) error {
	deadline := time.Now().Add(s.wait)
	for {
		err := p.play(ctx, s)
		if err == nil || !time.Now().Before(deadline) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *player) play(ctx context.Context, s step) error {
	a, err := p.send(ctx, s)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", p.name, s.line, err)
	}
	var faults []error
	fault := func(line int, text string, err error) {
		faults = append(faults, fmt.Errorf("%s:%d: %s: %w", p.name, line, text, err))
	}
	request := s.method + " " + brief(s.target, 120)
	if !slices.Contains(s.status, a.status) {
		fault(s.line, request, fmt.Errorf("answered %d, want %v", a.status, s.status))
	}
	if s.raw {
		_ = json.Unmarshal(a.body, &a.json) // a raw answer need not be JSON
	} else if err := a.check(); err != nil {
		fault(s.line, request, err)
	}
	if len(faults) == 0 {
		for _, e := range s.expect {
			if err := p.hold(a, e.text); err != nil {
				fault(e.line, e.text, err)
			}
		}
	}
	if len(faults) > 0 {
		faults = append(faults, fmt.Errorf("\tthe answer to %s was %d %s", request, a.status, brief(string(a.body), 1500)))
	}
	return errors.Join(faults...)
}

func (p *player) send(ctx context.Context, s step) (*answer, error) {
	target, err := p.expand(s.target)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(p.env.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("the base URL: %w", err)
	}
	// Opaque is sent as it is: a hostile path must arrive hostile.
	u := &url.URL{Scheme: base.Scheme, Host: base.Host}
	if after, found := strings.CutPrefix(target, base.Scheme+"://"+base.Host); found {
		u.Opaque = after
	} else if strings.HasPrefix(target, "/") {
		u.Opaque = strings.TrimSuffix(base.Path, "/") + target
	} else {
		return nil, fmt.Errorf("the target %q is not of %s", target, p.env.BaseURL)
	}
	body, err := p.body(s)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, s.method, base.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.URL = u
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.as != "" {
		credential, err := p.env.credential(s.as)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(s.as, "key") {
			r.Header.Set("X-API-Key", credential)
		} else {
			r.Header.Set("Authorization", "Bearer "+credential)
		}
	}
	for _, h := range s.headers {
		value, err := p.expand(h[1])
		if err != nil {
			return nil, err
		}
		r.Header.Set(h[0], value)
	}
	response, err := p.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, 32<<20)); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	a.url, err = url.Parse(base.Scheme + "://" + base.Host + u.Opaque)
	if err != nil {
		a.url = base
	}
	return a, nil
}

// body is the body as written, or the documented request with members replaced.
func (p *player) body(s step) (string, error) {
	if s.example == "" {
		return p.expand(strings.TrimRight(strings.Join(s.body, "\n"), " \n"))
	}
	name, changes, _ := strings.Cut(s.example, " ")
	example, err := fs.ReadFile(p.env.Examples, name+".json")
	if err != nil {
		return "", fmt.Errorf("the documented request: %w", err)
	}
	if changes == "" {
		return string(example), nil
	}
	if changes, err = p.expand(changes); err != nil {
		return "", err
	}
	var members, replaced map[string]jsontext.Value
	if err := errors.Join(json.Unmarshal(example, &members), json.Unmarshal([]byte(changes), &replaced)); err != nil {
		return "", fmt.Errorf("replace members of %s: %w", name, err)
	}
	for member, value := range replaced {
		members[member] = value
	}
	text, err := json.Marshal(members, json.Deterministic(true))
	return string(text), err
}
