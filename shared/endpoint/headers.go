package endpoint

import "net/http"

// The values of fixed headers, shared by all answers and never changed.
var (
	jsonType   = []string{"application/json"}
	noStore    = []string{"no-store"}
	noSniff    = []string{"nosniff"}
	denyFrames = []string{"DENY"}
	hsts       = []string{"max-age=31536000; includeSubDomains"}
	policy     = []string{"default-src 'self'; frame-ancestors 'none'"}
	xssBlock   = []string{"1; mode=block"}
)

// secure sets the headers that every answer carries (facts.md §1.1).
func secure(h http.Header) {
	h["Cache-Control"] = noStore
	h["Content-Security-Policy"] = policy
	h["Strict-Transport-Security"] = hsts
	h["X-Content-Type-Options"] = noSniff
	h["X-Frame-Options"] = denyFrames
	h["X-Xss-Protection"] = xssBlock
}
