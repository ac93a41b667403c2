package httpscript

import (
	"regexp"
	"slices"
	"strconv"
)

var pathPart = regexp.MustCompile(`\.([^.\[\]]+)|\["([^"]*)"\]|\[(-?\d+)\]|\[(\*)\]|\[([^=\]]+)=([^\]]*)\]|\.`)

// lookUp is everything that a path finds in a decoded JSON value.
func lookUp(v any, path string) []any {
	found := []any{v}
	for _, part := range pathPart.FindAllStringSubmatch(path, -1) {
		var next []any
		for _, at := range found {
			next = append(next, follow(at, part)...)
		}
		found = next
	}
	return found
}

func follow(at any, part []string) []any {
	object, _ := at.(map[string]any)
	list, _ := at.([]any)
	name, index, each, key, want := part[1]+part[2], part[3], part[4], part[5], part[6]
	switch {
	case name != "":
		if v, ok := object[name]; ok {
			return []any{v}
		}
	case index != "":
		i, _ := strconv.Atoi(index)
		if i < 0 {
			i += len(list)
		}
		if i >= 0 && i < len(list) {
			return []any{list[i]}
		}
	case each != "":
		return list
	case key != "":
		i := slices.IndexFunc(list, func(element any) bool {
			member, _ := element.(map[string]any)
			got, ok := member[key]
			return ok && (got == want || show(got) == want)
		})
		if i >= 0 {
			return []any{list[i]}
		}
	default: // a lone dot
		return []any{at}
	}
	return nil
}
