package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Env is the service that scripts are played against, and who plays.
type Env struct {
	BaseURL  string // such as http://127.0.0.1:8080; may have a path
	Examples fs.FS  // the documented examples; nil: RunDir takes those beside its folder

	// Credentials are what "as: name" sends and ${name} stands for. Of the first
	// organisation: "key", an API key of role admin that admin's person made; the
	// JWTs "admin" and "manager", with an MFA claim (amr), of two persons, and
	// "admin-no-mfa" of a third without one; "user" and "viewer"; "expired",
	// properly signed. Of the second, both of role admin: "other-key" and "other-admin".
	Credentials map[string]string
}

// RunDir plays every *.http file of a folder as a subtest of its own.
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
	for _, s := range steps {
		if s.let != "" {
			if p.vars[s.let], err = p.expand(s.value); err != nil {
				return fmt.Errorf("%s:%d: %w", name, s.line, err)
			}
			continue
		}
		for range s.repeat {
			if err := p.play(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

type player struct {
	name string
	env  Env
	vars map[string]string
}

func (p *player) play(ctx context.Context, s step) error {
	a, err := p.send(ctx, s)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", p.name, s.line, err)
	}
	var faults []error
	fault := func(line int, text string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %s: %w", p.name, line, text, err))
		}
	}
	request := s.method + " " + brief(s.target, 120)
	if !slices.Contains(s.status, a.status) {
		fault(s.line, request, fmt.Errorf("answered %d, want %v", a.status, s.status))
	}
	if !s.raw {
		fault(s.line, request, p.check(a))
	}
	if len(faults) == 0 {
		for _, e := range s.expect {
			fault(e.line, e.text, p.hold(a, &e))
		}
	}
	if len(faults) > 0 {
		faults = append(faults, fmt.Errorf("\tthe answer to %s was %d %s", request, a.status, brief(string(a.body), 1500)))
	}
	return errors.Join(faults...)
}

// scriptClient follows no redirects, which are answers as others.
var scriptClient = http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (p *player) send(ctx context.Context, s step) (*answer, error) {
	r, err := p.request(ctx, s)
	if err != nil {
		return nil, err
	}
	response, err := scriptClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, 32<<20)); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	_ = json.Unmarshal(a.body, &a.json) // check minds what is no JSON
	if a.url, err = url.Parse(r.URL.Scheme + "://" + r.URL.Host + r.URL.Opaque); err != nil {
		a.url = r.URL
	}
	return a, nil
}

func (p *player) request(ctx context.Context, s step) (*http.Request, error) {
	target, err := p.expand(s.target)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(p.env.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("the base URL: %w", err)
	}
	body, err := p.body(s)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, s.method, base.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	// Opaque is sent as it is: a hostile path must arrive hostile.
	r.URL = &url.URL{Scheme: base.Scheme, Host: base.Host, Opaque: strings.TrimSuffix(base.Path, "/") + target}
	if after, found := strings.CutPrefix(target, base.Scheme+"://"+base.Host); found {
		r.URL.Opaque = after
	} else if !strings.HasPrefix(target, "/") {
		return nil, fmt.Errorf("the target %q is not of %s", target, p.env.BaseURL)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.as != "" {
		credential := p.env.Credentials[s.as]
		switch {
		case credential == "":
			return nil, fmt.Errorf("the environment has no credential %q", s.as)
		case strings.HasSuffix(s.as, "key"):
			r.Header.Set("X-API-Key", credential)
		default:
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
	return r, nil
}

// body returns the body as written, or the documented request with members replaced.
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
	var members map[string]jsontext.Value // into which the second is merged
	if err := errors.Join(json.Unmarshal(example, &members), json.Unmarshal([]byte(changes), &members)); err != nil {
		return "", fmt.Errorf("replace members of %s: %w", name, err)
	}
	text, err := json.Marshal(members, json.Deterministic(true))
	return string(text), err
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand fills in the variables of a text.
func (p *player) expand(text string) (string, error) {
	var faults []error
	out := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		made, err := p.variable(found[2 : len(found)-1])
		faults = append(faults, err)
		return made
	})
	return out, errors.Join(faults...)
}

func (p *player) variable(name string) (string, error) {
	word, rest, _ := strings.Cut(name, " ")
	switch word {
	case "repeat":
		count, text, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 || text == "" {
			return "", fmt.Errorf("${%s} is not a count and a text", name)
		}
		return strings.Repeat(strings.ReplaceAll(text, `\x7d`, "}"), n), nil
	case "hex":
		raw, err := hex.DecodeString(rest)
		return string(raw), err
	case "time":
		d, err := time.ParseDuration(rest)
		if err != nil {
			return "", err
		}
		return time.Now().UTC().Add(d).Format(time.RFC3339), nil
	}
	if value, ok := p.vars[name]; ok {
		return value, nil
	}
	if value := p.env.Credentials[name]; value != "" {
		return value, nil
	}
	return "", fmt.Errorf("no variable or credential %q", name)
}
