package endpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// Page is embedded in the request of a list. The tags on the embedding are
// those of the limit:
//
//	endpoint.Page `default:"100" max:"1000"`
type Page struct {
	Limit  int    `query:"limit" json:"-" min:"1" doc:"The maximum number of entries to return."`
	Offset int    `query:"offset" json:"-" min:"0" max:"1000000" doc:"The number of entries to skip. A cursor costs less."`
	Cursor string `query:"cursor" json:"-" maxlen:"512" doc:"Where to continue: the cursor from the Link header or the pagination of the previous page."`

	target *url.URL
}

// cursorVersion leads every cursor; another one is not understood.
const cursorVersion = 1

// NextCursor returns the cursor to the entries of an organisation's list after a
// position, usually the sort key of the last entry answered. A cursor has no
// power of its own, so it carries no signature: it moves within what the
// caller may read anyway.
func NextCursor(org tenant.ID, list, position string) string {
	b := append([]byte{cursorVersion}, cursorSum(org, list, position)...)
	return base64.RawURLEncoding.EncodeToString(append(b, position...))
}

// Position returns where the page starts, "" for the beginning. A cursor of another
// organisation or list is as invalid as any other text.
func (p Page) Position(org tenant.ID, list string) (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	const head = 1 + 8
	b, err := base64.RawURLEncoding.Strict().DecodeString(p.Cursor)
	if err != nil || len(b) <= head || b[0] != cursorVersion || !slices.Equal(b[1:head], cursorSum(org, list, string(b[head:]))) {
		return "", problem.InvalidFields(problem.Field{Pointer: "/query/cursor", Detail: "cursor is not a cursor of this list"})
	}
	if p.Offset != 0 {
		return "", problem.InvalidFields(problem.Field{Pointer: "/query/offset", Detail: "offset cannot be combined with a cursor"})
	}
	return string(b[head:]), nil
}

// cursorSum returns a checksum of a position in a list of an organisation. It
// detects typing errors and cursors of other lists.
func cursorSum(org tenant.ID, list, position string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q", org, list, position))
	return sum[:8]
}

// Next returns the reference to the next page: this request with another cursor. It
// is a query alone, which RFC 3986 §5.2.2 resolves against the address that was
// asked for, so that it holds behind any prefix, such as API Gateway's stage.
func (p Page) Next(cursor string) string {
	if p.target == nil {
		return ""
	}
	query := p.target.Query()
	query.Del("offset")
	query.Set("cursor", cursor)
	return "?" + query.Encode()
}

// List answers a bare JSON array with paging headers. The zero Total and Next
// mean that none is known and that this is the last page.
type List[T any] struct {
	Items []T
	Total *int   // X-Total-Count
	Next  string // reference for Link: rel="next", from Page.Next
}

// Body returns the array.
func (l List[T]) Body() any { return l.Items }

// Headers sets X-Total-Count and Link (RFC 8288).
func (l List[T]) Headers(h http.Header) { PageHeaders(h, l.Total, l.Next) }

// PageHeaders sets X-Total-Count where total is known and Link rel="next"
// (RFC 8288) where there is a next page.
func PageHeaders(h http.Header, total *int, next string) {
	if total != nil {
		h.Set("X-Total-Count", strconv.Itoa(*total))
	}
	if next != "" {
		h.Set("Link", "<"+next+`>; rel="next"`)
	}
}

// Pagination tells where a part of a list stands in the whole (seeds/002), and
// beside it the cursor to the part that follows, which costs the same however
// far it is. Total is what was counted when the list was first asked for.
type Pagination struct {
	Total      int    `json:"total"`
	Limit      int    `json:"limit"`
	Offset     int    `json:"offset"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor,omitzero"`
}
