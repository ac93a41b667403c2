package endpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/page"
	"ascend/shared/domain/exact"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
	"ascend/shared/endpoint/bind"
)

// MaxPageBytes bounds the items of one page as Lambda sends them, because an
// answer of a Lambda has at most 6 MB (AWS Lambda Developer Guide, "Lambda quotas").
const MaxPageBytes = 4 << 20

// Page is embedded in the request of a list. The tags on the embedding are
// those of the limit:
//
//	endpoint.Page `default:"100" max:"1000"`
type Page struct {
	Limit  int    `query:"limit" json:"-" min:"1" doc:"The maximum number of entries to return. A page of large entries has fewer."`
	Offset int    `query:"offset" json:"-" min:"0" max:"1000000" doc:"The number of entries to skip. A cursor costs less and reaches further."`
	Cursor string `query:"cursor" json:"-" maxlen:"512" doc:"Where to continue: the cursor from the Link header or the pagination of the previous page."`

	target *url.URL
}

// Paged is a part of a list, as a bare JSON array with paging headers. An
// answer of another shape takes Items and Pagination.
type Paged[T any] struct {
	Items      []T
	Pagination Pagination
	Total      *int   // X-Total-Count: exact and counted for this answer, else nil
	Next       string // reference for Link: rel="next"; "" on the last page
	AtLeast    int    // the total, at least, where not all entries were counted

	room int // that the encoded items need
}

// Pagination tells where a part of a list stands in the whole (seeds/002), and
// beside it the cursor to the part that follows, which costs the same however far it is.
type Pagination struct {
	Total      *int   `json:"total,omitzero" doc:"The total number of entries when the first page was read. Absent where there were too many to count."`
	Limit      int    `json:"limit"`
	Offset     int    `json:"offset"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor,omitzero"`
}

// List answers the part of an organisation's list that p asks for. show returns
// an item as the answer shows it.
func List[T, V any](ctx context.Context, p Page, org tenant.ID, list page.List[T], show func(T) V) (Paged[V], error) {
	r := page.Range{Limit: p.Limit, Offset: p.Offset}
	if p.Cursor != "" {
		cursor, err := readCursor(p.Cursor, org, list.Name)
		if err != nil {
			return Paged[V]{}, err
		}
		if p.Offset != 0 {
			return Paged[V]{}, problem.InvalidField("/query/offset", "offset cannot be combined with a cursor")
		}
		r.Cursor = &cursor
	}
	out := Paged[V]{Items: []V{}}
	var size escaped
	var unsized error
	part, err := page.Read(ctx, list, r, func(item T) bool {
		v := show(item)
		if unsized = json.MarshalWrite(&size, v); unsized != nil {
			return false
		}
		if size += escaped(len(",")); size > MaxPageBytes && len(out.Items) > 0 {
			return false
		}
		out.Items, out.room = append(out.Items, v), int(size)
		return true
	})
	if unsized != nil {
		return Paged[V]{}, problem.Internal("encode an entry of a list", unsized)
	}
	if err != nil {
		return Paged[V]{}, err
	}
	out.Pagination = Pagination{Limit: p.Limit, Offset: part.Offset, HasMore: part.Next != nil}
	if out.AtLeast = part.Total; len(out.Items) > 0 {
		out.AtLeast = max(part.Total, part.Offset+len(out.Items))
	}
	if part.Exact {
		out.Pagination.Total = &part.Total
		if r.Cursor == nil {
			out.Total = &part.Total
		}
	}
	if part.Next != nil {
		out.Pagination.NextCursor = NextCursor(org, list.Name, *part.Next)
		out.Next = p.next(out.Pagination.NextCursor)
	}
	return out, nil
}

// escaped counts the bytes written to it as the runtime of Lambda sends them: in a
// JSON string, which escapes quotes, backslashes and two separators of lines.
type escaped int

func (n *escaped) Write(b []byte) (int, error) {
	*n += escaped(len(b) + bytes.Count(b, []byte(`"`)) + bytes.Count(b, []byte(`\`)) +
		3*(bytes.Count(b, []byte("\u2028"))+bytes.Count(b, []byte("\u2029"))))
	return len(b), nil
}

// next returns the reference to the next page: this request with another cursor. It
// is a query alone, which RFC 3986 §5.2.2 resolves against the address that was
// asked for, so that it holds behind any prefix, such as API Gateway's stage.
func (p Page) next(cursor string) string {
	if p.target == nil {
		return ""
	}
	query := p.target.Query()
	query.Del("offset")
	query.Set("cursor", cursor)
	return "?" + query.Encode()
}

// Body returns the array.
func (p Paged[T]) Body() any { return p.Items }

func (p Paged[T]) encodedSize() int { return p.room + 1024 }

// Headers sets X-Total-Count where the total is known, and Link (RFC 8288) where
// there is a next page.
func (p Paged[T]) Headers(h http.Header) {
	if p.Total != nil {
		h.Set("X-Total-Count", strconv.Itoa(*p.Total))
	}
	if p.Next != "" {
		h.Set("Link", "<"+p.Next+`>; rel="next"`)
	}
}

// A cursor is, in base64url, its version, a checksum of 8 bytes, offset, total
// and whether that is exact, and the position.
const (
	cursorVersion = 2
	cursorHead    = 1 + 8
)

// NextCursor returns the text of a cursor of an organisation's list. It has no power
// of its own, so it carries no signature: it moves within what the caller may
// read anyway.
func NextCursor(org tenant.ID, list string, c page.Cursor) string {
	total := uint64(c.Total) << 1
	if c.Exact {
		total |= 1
	}
	place := binary.AppendUvarint(nil, uint64(c.Offset))
	place = append(binary.AppendUvarint(place, total), c.After...)
	b := append([]byte{cursorVersion}, cursorSum(org, list, place)...)
	return base64.RawURLEncoding.EncodeToString(append(b, place...))
}

// readCursor reads the text of a cursor. That of another organisation or list
// is as invalid as any other text.
func readCursor(text string, org tenant.ID, list string) (page.Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= cursorHead || b[0] != cursorVersion || !bytes.Equal(b[1:cursorHead], cursorSum(org, list, b[cursorHead:])) {
		return page.Cursor{}, page.BadCursor()
	}
	place := b[cursorHead:]
	offset, n := binary.Uvarint(place)
	total, m := binary.Uvarint(place[max(n, 0):])
	if n <= 0 || m <= 0 || offset > exact.MaxInteger || total>>1 > exact.MaxInteger || !bind.Clean(string(place[n+m:])) || len(place) == n+m {
		return page.Cursor{}, page.BadCursor()
	}
	return page.Cursor{After: string(place[n+m:]), Offset: int(offset), Total: int(total >> 1), Exact: total&1 == 1}, nil
}

// cursorSum returns a checksum of a place in a list of an organisation. It detects
// typing errors and cursors of other lists.
func cursorSum(org tenant.ID, list string, place []byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q", org, list, place))
	return sum[:8]
}
