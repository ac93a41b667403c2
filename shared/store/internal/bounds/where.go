package bounds

import (
	"strings"

	"ascend/shared/store"
)

// Place is the relation of a sort key to a query's range.
type Place int

// The places.
const (
	Inside Place = iota
	Below
	Above
)

// Where returns where a sort key is: inside the range, or in byte order below or above it.
func Where(sort string, q store.Query) Place {
	switch {
	case q.After != "" && sort <= q.After:
		return Below
	case q.Before != "" && sort >= q.Before:
		return Above
	case strings.HasPrefix(sort, q.Prefix):
		return Inside
	case sort < q.Prefix:
		return Below
	default:
		return Above
	}
}
