package endpoint

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxPath bounds a request's path in bytes, as sent.
const maxPath = 2048

// router finds routes by method and path as net/http's ServeMux does, but never
// redirects: a path names an operation or does not.
type router struct{ mux http.ServeMux }

// add enters a route. It fails where another route matches the same requests.
func (rt *router) add(r *Route) (err error) {
	defer func() {
		if v := recover(); v != nil { // ServeMux panics on a pattern that is malformed or clashes
			err = fmt.Errorf("operation %s: %v", r.ID, v)
		}
	}()
	rt.mux.Handle(r.Method+" "+r.Path, entry{route: r})
	return nil
}

// entry makes a Route what ServeMux stores.
type entry struct {
	http.Handler // nil: found, never called
	route        *Route
}

// found is what the router knows of a path.
type found struct {
	route  *Route
	values []string // of the path's parameters, decoded
	allow  string   // the methods of this path where route is nil; "": no such path
}

// find looks up an escaped path. HEAD is answered as GET, and one slash at the
// end of a path is ignored.
func (rt *router) find(method, path string) found {
	if len(path) > maxPath {
		return found{}
	}
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return found{}
	}
	r := &http.Request{Method: method, URL: &url.URL{Path: decoded, RawPath: path}}
	handler, _ := rt.mux.Handler(r)
	e, ok := handler.(entry)
	if !ok { // ServeMux's own answer: 404, 405 with Allow, or a redirect to a cleaner path
		w := discarded{}
		handler.ServeHTTP(w, r)
		return found{allow: http.Header(w).Get("Allow")}
	}
	f := found{route: e.route}
	if !strings.Contains(e.route.Path, "{") {
		return f
	}
	names, segments := strings.Split(e.route.Path, "/"), strings.Split(path, "/")
	for i, name := range names {
		if strings.HasPrefix(name, "{") {
			value, _ := url.PathUnescape(segments[i]) // of a path that was decoded above
			f.values = append(f.values, value)
		}
	}
	return f
}

// discarded is a ResponseWriter that keeps the headers alone.
type discarded http.Header

func (d discarded) Header() http.Header         { return http.Header(d) }
func (d discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d discarded) WriteHeader(int)             {}
