// Package store defines the persistence layer, in the shape of DynamoDB: items
// under a partition and sort key, strongly consistent batch reads, queries of
// one index, conditional writes of one item or of an all-or-nothing group.
// Packages dynamo and embedded implement it and pass the one suite in
// storetest; everything above is written once.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Table is the name of a table. The key shapes of each entity are in a file of
// this package (agents.go, actions.go, …).
type Table string

// Index is a secondary index of a table. An index holds an item's key and
// attributes, never its body, and holds only the items that name it.
type Index string

// Key names one item. No part may be empty.
type Key struct {
	Table Table
	PK    string // partition
	SK    string // order within the partition, compared as bytes
}

func (k Key) String() string { return fmt.Sprintf("%s[%s %s]", k.Table, k.PK, k.SK) }

// Value is an attribute that conditions and updates can name: a string, an
// integer, or a set of strings. The zero Value is the empty string.
type Value struct {
	kind byte
	s    string
	n    int64
	set  []string
}

// The kinds of Value.
const (
	KindString byte = iota
	KindNumber
	KindSet
)

// S returns a string attribute.
func S(s string) Value { return Value{kind: KindString, s: s} }

// N returns an integer attribute; its magnitude must be below 2^53.
func N(n int64) Value { return Value{kind: KindNumber, n: n} }

// Set returns an attribute of distinct, non-empty strings. An empty set is no attribute at all.
func Set(members ...string) Value { return Value{kind: KindSet, set: members} }

// Kind returns the kind of the value.
func (v Value) Kind() byte { return v.kind }

// Str returns the string, or "" for another kind.
func (v Value) Str() string { return v.s }

// Num returns the integer, or 0 for another kind.
func (v Value) Num() int64 { return v.n }

// Members returns the members of a set in no particular order; the caller must not change them.
func (v Value) Members() []string { return v.set }

// Attrs are an item's attributes by name. Names are ASCII letters, digits and
// underscores.
type Attrs map[string]Value

// IndexKey is an item's place in a secondary index.
type IndexKey struct{ PK, SK string }

// Item is one stored record.
type Item struct {
	Key   Key
	Attrs Attrs
	Body  []byte             // the entity's document; opaque to the store
	Index map[Index]IndexKey // the indexes that list this item; not returned by reads
	// Expires is when the item may be forgotten; zero keeps it. Stores delete
	// late, so readers check the time themselves.
	Expires time.Time
}

// Query reads items of one partition in the order of their sort key.
type Query struct {
	Table Table
	Index Index  // empty: the table itself
	PK    string // required
	// The sort key range: Prefix, and the exclusive bounds After and Before
	// where not empty. (The next page of a query starts After the last sort
	// key read, or Before it when Descending.)
	Prefix, After, Before string
	Descending            bool
	Limit                 int // 1 … 1000 items
}

// Page is the answer to a Query. Items read through an index come without
// body. More reports that the range holds further items.
type Page struct {
	Items []Item
	// Sort holds each item's sort key in the queried index, aligned with Items.
	Sort []string
	More bool
}

// Op is one operation of a write: Put, Update or Delete, or in a group also Check.
type Op interface{ key() Key }

// KeyOf returns the key that an operation writes.
func KeyOf(op Op) Key { return op.key() }

// Put stores a whole item, replacing what was there.
type Put struct {
	Item Item
	If   []Cond // all must hold
}

// Update changes attributes of an item in place. It never creates one: a
// missing item is a conflict with a nil Old. Set, Add, AddTo, TakeFrom and Remove name
// distinct attributes. Body and indexes stay as they are.
type Update struct {
	Key   Key
	If    []Cond
	Set   Attrs
	Add   map[string]int64  // adds to a number, absent counts as 0
	AddTo map[string]string // adds a member to a set, absent counts as empty
	// TakeFrom takes a member out of a set; one that lacks it stays as it is,
	// and without its last member the attribute is gone.
	TakeFrom map[string]string
	Remove   []string // attributes to forget; absent ones are no error
}

// Delete removes an item; removing an absent one is no error unless a condition says so.
type Delete struct {
	Key Key
	If  []Cond
}

// Check writes nothing; it makes a group depend on an item.
type Check struct {
	Key Key
	If  []Cond
}

func (p Put) key() Key    { return p.Item.Key }
func (u Update) key() Key { return u.Key }
func (d Delete) key() Key { return d.Key }
func (c Check) key() Key  { return c.Key }

// Test is what a condition asks.
type Test byte

// The tests of a condition; the constructors below say what each means.
const (
	TestAbsent Test = iota
	TestPresent
	TestEqual
	TestBelow
	TestLacks
	TestHolds
)

// Cond is one condition on the item as it stands before the write.
type Cond struct {
	Test  Test
	Attr  string
	Value Value
	Other string
}

// Absent holds when there is no such item.
func Absent() Cond { return Cond{Test: TestAbsent} }

// Present holds when the item exists.
func Present() Cond { return Cond{Test: TestPresent} }

// Equal holds when the attribute exists and equals v, a string or number.
func Equal(attr string, v Value) Cond { return Cond{Test: TestEqual, Attr: attr, Value: v} }

// Below holds when the number attr is less than the number limit, both
// attributes of the item; also when limit is absent, or when attr is absent and
// limit is above 0: no limit restricts nothing, no count is zero.
func Below(attr, limit string) Cond { return Cond{Test: TestBelow, Attr: attr, Other: limit} }

// Lacks holds when the set attr is absent or has no such member.
func Lacks(attr, member string) Cond { return Cond{Test: TestLacks, Attr: attr, Value: S(member)} }

// Holds is the negation of Lacks: the set attr has the member.
func Holds(attr, member string) Cond { return Cond{Test: TestHolds, Attr: attr, Value: S(member)} }

// Store is what both implementations provide. All methods are safe for
// concurrent use and fail with ErrUnavailable in their chain when the outcome
// is not known or nothing was done; a retry is then safe for conditional
// operations, whose conditions show what had happened.
type Store interface {
	// Get reads up to 100 items with strong consistency in one call. The
	// answer is aligned with keys; nil where there is no such item.
	Get(ctx context.Context, keys ...Key) ([]*Item, error)
	// Query reads one page. The table itself is read with strong consistency,
	// indexes may lag (they do not on the embedded store).
	Query(ctx context.Context, q Query) (Page, error)
	// Write makes one conditional write. For an Update it returns the item's
	// attributes after it (without body); else nil. A condition that does not
	// hold is a *ConflictError.
	Write(ctx context.Context, op Op) (*Item, error)
	// WriteAll makes up to 100 writes of distinct items, all or none.
	WriteAll(ctx context.Context, ops ...Op) error
}

// ErrUnavailable marks a failure of the store itself: throttled, unreachable,
// timed out. Whether a write took effect is not known.
var ErrUnavailable = errors.New("store unavailable")

// ConflictError says that a condition did not hold and nothing was written.
type ConflictError struct {
	Op  int   // which operation of the group
	Key Key   //
	Old *Item // the item as it stood, with attributes and body; nil when there was none
}

func (e *ConflictError) Error() string { return fmt.Sprintf("condition on %v does not hold", e.Key) }

// Conflict returns the ConflictError in err's chain, and reports whether there is one.
func Conflict(err error) (*ConflictError, bool) {
	var c *ConflictError
	ok := errors.As(err, &c)
	return c, ok
}
