package jsonschema

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Member is a member of the JSON object that a struct is read from or written to.
type Member struct {
	Name  string
	Field reflect.StructField
	Index []int // of the field, through embedded structs
	Omit  bool  // left out when zero or empty
}

// Members returns the members of a struct type in order, as package json sees
// them: those of embedded structs are its own. Every exported field needs a
// plain JSON name or json:"-".
func Members(t reflect.Type) ([]Member, error) {
	var members []Member
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if f.Anonymous && name == "" {
			if f.Type.Kind() != reflect.Struct {
				return nil, fmt.Errorf("%v embeds %v, which is not a struct", t, f.Type)
			}
			inner, err := Members(f.Type)
			if err != nil {
				return nil, err
			}
			for _, m := range inner {
				m.Index = append([]int{i}, m.Index...)
				members = append(members, m)
			}
			continue
		}
		if name == "" || strings.ContainsAny(name, `'"\`) || strings.Contains(options, "embed") || strings.Contains(options, "inline") {
			return nil, fmt.Errorf("field %s of %v needs a plain json name", f.Name, t)
		}
		members = append(members, Member{Name: name, Field: f, Index: []int{i}, Omit: strings.Contains(options, "omit")})
	}
	return shallowest(members), nil
}

// shallowest returns the members that none of the same name nearer to the outer
// struct hides.
func shallowest(members []Member) []Member {
	depth := map[string]int{}
	for _, m := range members {
		if d, ok := depth[m.Name]; !ok || len(m.Index) < d {
			depth[m.Name] = len(m.Index)
		}
	}
	return slices.DeleteFunc(members, func(m Member) bool { return len(m.Index) > depth[m.Name] })
}
