// Package rules tests the source itself: which package may import which, and what
// AWS refuses in the state machine that LocalStack would deploy.
package rules

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers are the folders from the inside out. A package imports its own layer
// and those before it, never a later one.
var layers = []struct {
	name    string
	folders []string
}{
	{"domain", []string{"ascend/shared/domain", "ascend/shared/jsonschema"}},
	{"events", []string{"ascend/events"}},
	{"seam", []string{"=ascend/shared/store", "ascend/shared/retry"}},
	{"app", []string{"ascend/shared/app"}},
	{"adapters", []string{
		"ascend/shared/store", "ascend/shared/keys", "ascend/shared/identity", "ascend/shared/endpoint",
		"ascend/shared/executions", "ascend/shared/bus", "ascend/shared/worker", "ascend/shared/app/apptest",
	}},
	{"functions", []string{"ascend/functions"}},
	{"wire", []string{"ascend/shared/wire"}},
	{"programs", []string{"ascend/functions/cmd", "ascend/functions/gen", "ascend/functions/optest", "ascend/localstack", "ascend/infra"}},
}

// forbidden are the packages from outside the module that inner layers may not import.
var forbidden = map[string][]string{
	"domain": {"net/http", "os", "log", "log/slog", "database/sql", "github.com/aws/", "go.etcd.io/"},
	"events": {"net/http", "os", "log", "log/slog", "github.com/aws/", "go.etcd.io/"},
	"seam":   {"net/http", "os", "log", "log/slog", "github.com/aws/", "go.etcd.io/"},
	"app":    {"net/http", "os", "log", "log/slog", "github.com/aws/", "go.etcd.io/"},
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "ascend/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		from, ok := layerOf(names[0])
		if !ok {
			continue
		}
		seen++
		for _, imported := range names[1:] {
			if to, ok := layerOf(imported); ok && to > from {
				t.Errorf("%s (%s) imports %s (%s)", names[0], layers[from].name, imported, layers[to].name)
			}
			for _, world := range forbidden[layers[from].name] {
				if imported == world || strings.HasSuffix(world, "/") && strings.HasPrefix(imported, world) {
					t.Errorf("%s (%s) imports %s", names[0], layers[from].name, imported)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// TestFunctionsCarryOnlyWhatTheyNeed looks at what each Lambda is linked of: it
// is unpacked and started at every cold start.
func TestFunctionsCarryOnlyWhatTheyNeed(t *testing.T) {
	const (
		api        = "ascend/shared/wire"
		background = "ascend/shared/wire/background"
	)
	unneeded := map[string][]string{
		api: {
			"github.com/aws/aws-sdk-go-v2/service/sfn", "github.com/aws/aws-sdk-go-v2/service/eventbridge", background,
			"github.com/aws/aws-sdk-go-v2/config", "ascend/shared/store/embedded",
		},
		background: {"ascend/shared/endpoint", "ascend/shared/identity", "github.com/aws/aws-sdk-go-v2/config", "ascend/shared/store/embedded"},
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`, "ascend/functions/cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		by := api
		if slices.Contains(names, background) {
			by = background
		}
		seen[by]++
		for _, name := range unneeded[by] {
			if slices.Contains(names, name) {
				t.Errorf("%s carries %s", names[0], name)
			}
		}
	}
	if seen[api] < 20 || seen[background] < 5 {
		t.Errorf("looked at %v", seen)
	}
}

func TestNoPackageHasANameThatSaysNothing(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.Name}} {{.ImportPath}}`, "ascend/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if slices.Contains([]string{"util", "utils", "common", "types", "helpers", "models", "shared"}, name) {
			t.Errorf("package %s (%s) is named for nothing", name, path)
		}
	}
}

// layerOf finds the most specific layer of a package.
func layerOf(path string) (layer int, ok bool) {
	longest := -1
	for i, l := range layers {
		for _, folder := range l.folders {
			exact := strings.HasPrefix(folder, "=")
			folder = strings.TrimPrefix(folder, "=")
			inside := path == folder || !exact && strings.HasPrefix(path, folder+"/")
			if size := len(folder); inside && (size > longest || size == longest && exact) {
				longest, layer = size, i
			}
		}
	}
	return layer, longest >= 0
}

func Example_layers() {
	for _, path := range []string{"ascend/shared/domain/risk", "ascend/events", "ascend/shared/store", "ascend/shared/store/dynamo", "ascend/functions/cmd/health"} {
		i, _ := layerOf(path)
		fmt.Println(path, "is", layers[i].name)
	}
	// Output:
	// ascend/shared/domain/risk is domain
	// ascend/events is events
	// ascend/shared/store is seam
	// ascend/shared/store/dynamo is adapters
	// ascend/functions/cmd/health is programs
}
