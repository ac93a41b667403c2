package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	scriptsDir  = "../testdata/scripts"
	examplesDir = "../testdata/documented"
)

// everybody has every credential that Env names.
var everybody = map[string]string{
	"key": "x", "admin": "x", "admin-no-mfa": "x", "manager": "x", "user": "x", "viewer": "x", "expired": "x", "other-key": "x", "other-admin": "x",
}

// readScripts parses every script of the project.
func readScripts(t *testing.T) map[string][]step {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.http", "router/*.http"} {
		some, err := filepath.Glob(filepath.Join(scriptsDir, pattern))
		if err != nil || len(some) == 0 {
			t.Fatalf("no scripts: %v", err)
		}
		files = append(files, some...)
	}
	scripts := map[string][]step{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := parse(string(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		scripts[file] = steps
	}
	return scripts
}

func TestEveryScriptIsWellFormedAndNamesOnlyWhatThereIs(t *testing.T) {
	for file, steps := range readScripts(t) {
		known := map[string]bool{"unique": true}
		for _, s := range steps {
			known[s.let] = true
			if s.as != "" && everybody[s.as] == "" {
				t.Errorf("%s:%d: no credential is called %q", file, s.line, s.as)
			}
			texts := append([]string{s.value, s.target, s.example}, s.body...)
			for _, h := range s.headers {
				texts = append(texts, h[1])
			}
			for _, e := range s.expect {
				texts = append(texts, e.text)
				if e.op == "capture" {
					known[e.value] = true
				}
			}
			for _, text := range texts {
				for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
					if everybody[m[1]] == "" && !known[m[1]] && !regexp.MustCompile(`^(repeat|hex|time) `).MatchString(m[1]) {
						t.Errorf("%s:%d: ${%s} is nothing", file, s.line, m[1])
					}
				}
			}
		}
	}
}

func TestEveryScriptFailsAgainstAServiceThatAgreesToEverything(t *testing.T) {
	yes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"success": true}`)
	}))
	defer yes.Close()
	env := Env{
		BaseURL: yes.URL, Examples: os.DirFS(examplesDir), Credentials: everybody,
	}
	for file := range readScripts(t) {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := Play(t.Context(), file, string(script), env); err == nil {
			t.Errorf("%s passes", file)
		}
	}
}

func TestEveryDocumentedExampleIsPlayed(t *testing.T) {
	used := map[string]bool{}
	for _, steps := range readScripts(t) {
		for _, s := range steps {
			name, _, _ := strings.Cut(s.example, " ")
			used[name] = true
			for _, e := range s.expect {
				if e.op == "shape" {
					used[e.value] = true
				}
			}
		}
	}
	examples, err := filepath.Glob(filepath.Join(examplesDir, "*.json"))
	if err != nil || len(examples) < 2 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range examples {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); name != "overrides" && !used[name] {
			t.Errorf("no script plays %s", name)
		}
	}
}

// The status codes that are documented for each operation (the Errors tables
// of seeds/000, 001, 002 and 004, and decisions 4 and 36), but for 409, which
// decision 8 replaces, and 500, which no request should bring about.
func TestEveryDocumentedStatusOfEveryOperationIsPlayed(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       []int
	}{
		{"POST", `/api/v1/actions/submit`, []int{200, 401, 403, 422}},
		{"GET", `/api/v1/actions`, []int{200, 401, 422}},
		{"GET", `/api/v1/actions/[^/]+`, []int{200, 401, 404}},
		{"GET", `/api/v1/actions/[^/]+/status`, []int{200, 401, 404}},
		{"POST", `/api/v1/actions/[^/]+/approve`, []int{200, 400, 401, 403, 404}},
		{"POST", `/api/v1/actions/[^/]+/reject`, []int{200, 400, 401, 403, 404}},
		{"POST", `/api/registry/agents`, []int{200, 201, 400, 401}},
		{"GET", `/api/registry/agents`, []int{200, 400, 401}},
		{"GET", `/api/registry/agents/[^/]+`, []int{200, 401, 404}},
		{"PUT", `/api/registry/agents/[^/]+`, []int{200, 400, 401, 403, 404}},
		{"DELETE", `/api/registry/agents/[^/]+`, []int{200, 401, 403, 404}},
		{"POST", `/api/registry/agents/[^/]+/activate`, []int{200, 401, 403, 404}},
		{"POST", `/api/registry/agents/[^/]+/suspend`, []int{200, 401, 403, 404}},
		{"POST", `/api/registry/agents/[^/]+/deactivate`, []int{200, 401, 403, 404}},
		{"GET", `/api/registry/agents/[^/]+/versions`, []int{200, 401, 404}},
		{"POST", `/api/registry/agents/[^/]+/rollback`, []int{200, 400, 401, 403, 404}},
		{"PUT", `/api/registry/agents/[^/]+/rate-limits`, []int{200, 400, 401, 403, 404}},
		{"GET", `/api/registry/agents/[^/]+/usage`, []int{200, 401, 404}},
		{"POST", `/api/risk/evaluate`, []int{200, 401}},
		{"POST", `/api/sdk/agent-action`, []int{200, 401}},
		{"GET", `/health`, []int{200}},
		{"GET", `/api/deployment-info`, []int{200, 401}},
		{"GET", `/openapi.json`, []int{200}},
	} {
		path := regexp.MustCompile(`^` + c.path + `(\?.*)?$`)
		var played []int
		for _, steps := range readScripts(t) {
			for _, s := range steps {
				if s.method == c.method && path.MatchString(s.target) && len(s.status) == 1 {
					played = append(played, s.status[0])
				}
			}
		}
		for _, status := range c.status {
			if !slices.Contains(played, status) {
				t.Errorf("no script expects %d of %s %s", status, c.method, c.path)
			}
		}
	}
}
