package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/go-json-experiment/json"

	"ascend/functions"
)

// template is a stack as CloudFormation gets it.
type template struct {
	env        Environment
	size       int
	Parameters map[string]map[string]any
	Resources  map[string]*resource
	Outputs    map[string]map[string]any
}

type resource struct {
	Type                string
	Properties          map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// templates are the stacks of all environments, by name.
var templates map[string]*template

// TestMain synthesizes every environment once; the zips hold only names.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ascend-infra-")
	if err != nil {
		log.Fatal(err)
	}
	code := 1
	if templates, err = synthesized(dir); err != nil {
		log.Print(err)
	} else {
		code = m.Run()
	}
	jsii.Close()
	if err := os.RemoveAll(dir); err != nil {
		log.Print(err)
	}
	os.Exit(code)
}

func synthesized(dir string) (map[string]*template, error) {
	zips := filepath.Join(dir, "functions")
	if err := os.MkdirAll(filepath.Join(zips, "arm64"), 0o755); err != nil {
		return nil, err
	}
	for _, id := range allIDs() {
		if err := os.WriteFile(filepath.Join(zips, "arm64", id+".zip"), []byte(id), 0o644); err != nil {
			return nil, err
		}
	}
	app := newApp(filepath.Join(dir, "cdk"))
	for _, env := range Environments("arm64") {
		if err := newStack(app, env, zips); err != nil {
			return nil, err
		}
	}
	app.Synth(nil)
	all := map[string]*template{}
	for _, env := range Environments("arm64") {
		b, err := os.ReadFile(filepath.Join(dir, "cdk", "ascend-"+env.Name+".template.json"))
		if err != nil {
			return nil, err
		}
		t := &template{env: env, size: len(b)}
		if err := json.Unmarshal(b, t); err != nil {
			return nil, err
		}
		all[env.Name] = t
	}
	return all, nil
}

// allIDs are those of all functions.
func allIDs() []string {
	var ids []string
	for _, r := range functions.Routes() {
		ids = append(ids, r.ID)
	}
	for _, w := range functions.Workers() {
		ids = append(ids, w.ID)
	}
	return ids
}

// everywhere runs a test on the template of every environment.
func everywhere(t *testing.T, do func(*testing.T, *template)) {
	for _, env := range Environments("arm64") {
		t.Run(env.Name, func(t *testing.T) { do(t, templates[env.Name]) })
	}
}

// of are the logical ids of a type's resources, sorted.
func (t *template) of(kind string) []string {
	var ids []string
	for id, r := range t.Resources {
		if r.Type == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// named finds the resource of a type with a property of a value.
func (t *template) named(kind, property, value string) (id string, r *resource) {
	for _, id := range t.of(kind) {
		if text(t.Resources[id].Properties[property]) == value {
			return id, t.Resources[id]
		}
	}
	return "", nil
}

func (t *template) function(id string) *resource {
	_, f := t.named("AWS::Lambda::Function", "FunctionName", "ascend-"+t.env.Name+"-"+id)
	return f
}

// role is the role of a function.
func (t *template) role(id string) *resource {
	if f := t.function(id); f != nil {
		return t.Resources[target(f.Properties["Role"])]
	}
	return nil
}

// at follows members of objects; nil where there is none.
func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// text writes a value of a template, whose references become ${…}.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			return "${" + ref + "}"
		}
		if attr, ok := v["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("${%v.%v}", attr[0], attr[1])
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			var parts []string
			for _, part := range join[1].([]any) {
				parts = append(parts, text(part))
			}
			return strings.Join(parts, join[0].(string))
		}
	}
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// target is the resource that a value refers to.
func target(v any) string {
	if ref, ok := at(v, "Ref").(string); ok {
		return ref
	}
	if attr, ok := at(v, "Fn::GetAtt").([]any); ok {
		return attr[0].(string)
	}
	return ""
}

// texts writes one value or several.
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return nil
		}
		list = []any{v}
	}
	var all []string
	for _, one := range list {
		all = append(all, text(one))
	}
	return all
}

// statements are all the policy statements in a value, wherever they are.
func statements(v any) []map[string]any {
	var list []map[string]any
	switch v := v.(type) {
	case map[string]any:
		if found, ok := v["Statement"].([]any); ok {
			for _, s := range found {
				list = append(list, s.(map[string]any))
			}
			return list
		}
		for _, name := range sortedKeys(v) {
			list = append(list, statements(v[name])...)
		}
	case []any:
		for _, one := range v {
			list = append(list, statements(one)...)
		}
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
