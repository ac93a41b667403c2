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
