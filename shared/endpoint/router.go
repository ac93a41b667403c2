package endpoint

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxPath bounds a request's path in bytes, as sent.
const maxPath = 2048

// node is a place in the tree of path segments. It routes as net/http's
// ServeMux does, but never redirects: a path names an operation or does not.
type node struct {
	fixed  map[string]*node
	param  *node
	routes map[string]*Route // by method
}

// add enters a route; two routes of one method and shape are a mistake.
func (n *node) add(r *Route) error {
	for segment := range strings.SplitSeq(r.Path[1:], "/") {
		if strings.HasPrefix(segment, "{") {
			if n.param == nil {
				n.param = &node{}
			}
			n = n.param
			continue
		}
		if n.fixed == nil {
			n.fixed = map[string]*node{}
		}
		if n.fixed[segment] == nil {
			n.fixed[segment] = &node{}
		}
		n = n.fixed[segment]
	}
	if n.routes == nil {
		n.routes = map[string]*Route{}
	}
	if other := n.routes[r.Method]; other != nil {
		return fmt.Errorf("operations %s and %s are both %s %s", other.ID, r.ID, r.Method, r.Path)
	}
	n.routes[r.Method] = r
	return nil
}

// found is what the tree knows of a path.
type found struct {
	route   *Route
	values  []string // of the path's parameters
	allowed []string // methods of this path where route is nil; none: no such path
}

// find looks up an escaped path; HEAD is answered as GET. A trailing slash is
// the same path without it.
func (n *node) find(method, path string) found {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	f := found{}
	if len(path) > maxPath || !strings.HasPrefix(path, "/") {
		return f
	}
	path = path[1:]
	if path != "" {
		path = strings.TrimSuffix(path, "/")
	}
	if !n.match(method, path, &f) {
		f.values = nil
		slices.Sort(f.allowed)
		f.allowed = slices.Compact(f.allowed)
	}
	return f
}

func (n *node) match(method, path string, f *found) bool {
	segment, rest, more := strings.Cut(path, "/")
	value, err := url.PathUnescape(segment)
	if err != nil || segment == "" {
		return false
	}
	if n.fixed != nil {
		if next := n.fixed[value]; next != nil && next.step(method, rest, more, f) {
			return true
		}
	}
	if n.param == nil {
		return false
	}
	f.values = append(f.values, value)
	if n.param.step(method, rest, more, f) {
		return true
	}
	f.values = f.values[:len(f.values)-1]
	return false
}

func (n *node) step(method, rest string, more bool, f *found) bool {
	if more {
		return n.match(method, rest, f)
	}
	if f.route = n.routes[method]; f.route != nil {
		return true
	}
	for m := range n.routes {
		f.allowed = append(f.allowed, m)
		if m == http.MethodGet {
			f.allowed = append(f.allowed, http.MethodHead)
		}
	}
	return false
}
