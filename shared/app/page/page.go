// Package page reads lists in parts. A list is a scan, which finds entries that
// match in the order of the list, and the records of these entries. Read does the rest:
// offset, cursor and total, and it bounds what one request reads.
package page

import (
	"context"

	"ascend/shared/domain/problem"
)

const (
	// MaxLooked bounds how many entries one request looks at, to fill a page and
	// to count. Entries of an index or a summary are small.
	MaxLooked = 10_000

	maxScan  = 1000 // entries of one scan
	maxBatch = 50   // records that are read at once, of up to 390 KB each
)

// List is a list of T's.
type List[T any] struct {
	Name  string // unique among the lists of an organisation; a cursor belongs to one list
	Scan  Scan[T]
	Valid func(position string) bool // reports whether an entry can have the position; nil: Scan tells
}

// Scan finds the entries of a list that follow a position, looking at up to
// limit of them. The position "" is before the first entry.
type Scan[T any] func(ctx context.Context, after string, limit int) (Batch[T], error)

// Batch is what a Scan found.
type Batch[T any] struct {
	Len      int                // how many entries match
	Position func(i int) string // of each of them; it stays while entries are added
	Read     ReadRange[T]       // reads their records
	Looked   int                // how many entries were read to find them
	Last     string             // position of the last entry looked at
	More     bool               // whether the list goes on after Last
}

// ReadRange reads the records of the matching entries from … to-1, aligned with
// them. An entry whose record is gone is nil and is left out.
type ReadRange[T any] func(ctx context.Context, from, to int) ([]*T, error)

// Range is which part of a list is wanted: Limit items after Offset, or those
// that follow Cursor, at a cost that does not grow with its place.
type Range struct {
	Limit  int
	Offset int
	Cursor *Cursor // nil: by Offset
}

// Cursor is a place in a list, with what the page before knew.
type Cursor struct {
	After  string // position of the entry that the page follows
	Offset int    // how many entries come before the page
	Total  int    // as in Part
	Exact  bool
}

// Part is which part of a list was read.
type Part struct {
	Offset int // of its first item
	// Total is how many entries the list has; at least, unless Exact. It is
	// counted by a request without a cursor, and carried by the cursors that follow.
	Total int
	Exact bool
	Next  *Cursor // nil at the end
}

// Read reads a part of a list and gives its items to take, one by one. take
// returns false to end the part before an item. A part may be shorter than the
// limit, or empty, before the end of the list, because a request looks at
// MaxLooked entries; Next then goes on.
func Read[T any](ctx context.Context, l List[T], r Range, take func(T) bool) (Part, error) {
	part, counting := Part{Offset: r.Offset}, true
	after, skip, scan := "", r.Offset, maxScan
	if c := r.Cursor; c != nil {
		if l.Valid != nil && !l.Valid(c.After) {
			return Part{}, BadCursor()
		}
		part, counting = Part{Offset: c.Offset, Total: c.Total, Exact: c.Exact}, false
		after, skip, scan = c.After, 0, r.Limit+1
	}
	var (
		looked, matched, used int
		last                  string // position of the last entry used
		full                  bool   // an entry follows that the part has no room for
	)
	for {
		batch, err := l.Scan(ctx, after, min(scan, maxScan))
		if err != nil {
			return Part{}, problem.Unavailable("list "+l.Name, err)
		}
		for i := max(skip-matched, 0); i < batch.Len && !full; {
			n := min(maxBatch, batch.Len-i, r.Limit-used)
			items, err := batch.Read(ctx, i, i+n)
			if err != nil {
				return Part{}, problem.Unavailable("read the list "+l.Name, err)
			}
			full = n == 0
			for j, item := range items {
				if item != nil && !take(*item) {
					full = true
					break
				}
				used, last = used+1, batch.Position(i+j)
			}
			i += n
		}
		looked, matched = looked+batch.Looked, matched+batch.Len
		if counting {
			part.Total, part.Exact = matched, !batch.More
		}
		after, scan = batch.Last, 2*scan
		switch {
		case batch.More && looked < MaxLooked && (counting || !full):
			continue
		case batch.More && skip > 0 && matched <= skip:
			return Part{}, problem.InvalidField("/query/offset",
				"offset goes beyond the %d entries that one request looks at; read from the start and follow the cursor", MaxLooked)
		case full:
			after = last
		case !batch.More:
			return part, nil
		}
		part.Next = &Cursor{After: after, Offset: part.Offset + used, Total: part.Total, Exact: part.Exact}
		return part, nil
	}
}

// BadCursor returns the refusal of a cursor that the list did not give.
func BadCursor() error {
	return problem.InvalidField("/query/cursor", "cursor is not a cursor of this list")
}
