package rules

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrorsComeWithZeroValues holds the functions behind endpoints to the
// idiom that a reader expects: a result beside an error is its zero value, not
// one built from what the failed call returned.
func TestErrorsComeWithZeroValues(t *testing.T) {
	returns := 0
	for _, p := range ownPackages(t) {
		if !strings.HasPrefix(p.path, "ascend/functions") {
			continue
		}
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				r, ok := n.(*ast.ReturnStmt)
				if !ok || len(r.Results) < 2 || !isError(p.info.TypeOf(r.Results[len(r.Results)-1])) {
					return true
				}
				returns++
				for _, result := range r.Results[:len(r.Results)-1] {
					if p.isBuilt(result) {
						t.Errorf("%s: returns a value built beside an error: return the zero value first, where err is not nil", p.position(r))
					}
				}
				return true
			})
		}
	}
	if returns < 50 {
		t.Errorf("only %d returns of an error were looked at", returns)
	}
}

// isError reports whether a returned value of type typ is an error: nil is not.
// A type of another module is unknown here, so whatever is not nil counts.
func isError(typ types.Type) bool {
	if typ == nil || typ == types.Typ[types.Invalid] {
		return true
	}
	return types.Implements(typ, types.Universe.Lookup("error").Type().Underlying().(*types.Interface))
}

// isBuilt reports whether an expression makes a value from others: a literal
// with elements, the address of one, or a call with arguments. A conversion
// keeps the zero value.
func (p source) isBuilt(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.CompositeLit:
		return len(x.Elts) > 0
	case *ast.CallExpr:
		return len(x.Args) > 0 && !p.info.Types[x.Fun].IsType()
	case *ast.UnaryExpr:
		return p.isBuilt(x.X)
	}
	return false
}

// TestLongStructLiteralsAreKeyed keeps two fields of one type from being
// swapped unseen. The rows of a table are exempt: its columns are seen at once.
func TestLongStructLiteralsAreKeyed(t *testing.T) {
	literals := 0
	for _, p := range ownPackages(t) {
		for _, file := range p.files {
			rows := map[ast.Expr]bool{}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				for _, row := range p.rows(literal) {
					rows[row] = true
				}
				if len(literal.Elts) < 3 || rows[literal] || !p.isStruct(literal) {
					return true
				}
				literals++
				if _, keyed := literal.Elts[0].(*ast.KeyValueExpr); !keyed {
					t.Errorf("%s: %d fields without their names", p.position(literal), len(literal.Elts))
				}
				return true
			})
		}
	}
	if literals < 200 {
		t.Errorf("only %d struct literals were looked at", literals)
	}
}

// rows returns the rows of a table: a literal of a slice, an array or a map
// whose elements are structs of a type that only the package, or only the
// table, has. Its rows leave the type out.
func (p source) rows(table *ast.CompositeLit) []ast.Expr {
	list, ok := p.underlying(table).(interface{ Elem() types.Type })
	if !ok {
		return nil
	}
	if named, ok := list.Elem().(*types.Named); ok && named.Obj().Exported() {
		return nil
	}
	var rows []ast.Expr
	for _, x := range table.Elts {
		if pair, ok := x.(*ast.KeyValueExpr); ok {
			x = pair.Value
		}
		if row, ok := x.(*ast.CompositeLit); ok && row.Type == nil {
			rows = append(rows, row)
		}
	}
	return rows
}

func (p source) isStruct(literal ast.Expr) bool {
	typ := p.underlying(literal)
	if pointer, ok := typ.(*types.Pointer); ok { // &T left out in a list
		typ = pointer.Elem().Underlying()
	}
	_, ok := typ.(*types.Struct)
	return ok
}

// underlying returns what the type of an expression is made of, or nil where
// that is another module's.
func (p source) underlying(x ast.Expr) types.Type {
	if typ := p.info.TypeOf(x); typ != nil {
		return typ.Underlying()
	}
	return nil
}

type source struct {
	path  string
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
}

func (p source) position(n ast.Node) token.Position { return p.fset.Position(n.Pos()) }

// ownPackages returns every package of this module without its tests, each
// type-checked from its source. Other modules are not read, so that nothing has
// to be compiled: what the code uses of them has no type.
func ownPackages(t *testing.T) []source {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,Module", "ascend/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	checked := importer{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var listed struct {
			ImportPath, Dir string
			GoFiles         []string
			Module          *struct{ Main bool }
		}
		if err := d.Decode(&listed); err != nil {
			t.Fatal(err)
		}
		if listed.Module == nil || !listed.Module.Main {
			continue
		}
		p := source{path: listed.ImportPath, fset: token.NewFileSet(), info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		}}
		for _, name := range listed.GoFiles {
			file, err := parser.ParseFile(p.fset, filepath.Join(listed.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			p.files = append(p.files, file)
		}
		config := types.Config{Importer: checked, Error: func(error) {}}
		checked[p.path], _ = config.Check(p.path, p.fset, p.files, p.info)
		all = append(all, p)
	}
	return all
}

// An importer knows the packages that were checked so far; go list names a
// package after all that it imports.
type importer map[string]*types.Package

func (i importer) Import(path string) (*types.Package, error) {
	if p := i[path]; p != nil {
		return p, nil
	}
	return nil, errors.New("not of this module")
}
