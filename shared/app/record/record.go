// Package record is the stored form of the domain's entities: how each is encoded
// into an item, with the attributes that conditions and indexes use, and decoded again.
package record

import (
	"github.com/go-json-experiment/json"

	"ascend/shared/domain/problem"
)

// Encode returns a record as its item's body: equal records, equal bytes.
// doing says what the encoding is for, as problem.Internal takes it.
func Encode(doing string, record any) ([]byte, error) {
	body, err := json.Marshal(record, json.Deterministic(true))
	if err != nil {
		return nil, problem.Internal(doing, err)
	}
	return body, nil
}

// Range is which part of a list is wanted: Limit items after Offset, or
// those that follow the sort key After, at a cost that does not grow with it.
type Range struct {
	Limit  int // 1 … 1000
	Offset int
	After  string
}

// BadCursor returns the refusal of a Range.After that no list gave.
func BadCursor() error {
	return problem.InvalidField("/query/cursor", "cursor is not a cursor of this list")
}

// MaxListBytes bounds the records of one list, because a Lambda's answer is at
// most 6 MB (AWS Lambda Developer Guide, "Lambda quotas").
const MaxListBytes = 4 << 20
