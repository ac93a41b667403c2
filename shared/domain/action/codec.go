package action

import (
	"github.com/go-json-experiment/json"

	"ascend/shared/domain/exact"
)

// Encode returns the stored form of the record.
func (a *Action) Encode() ([]byte, error) { return json.Marshal(a) }

// Decode reads a stored record. Numbers in free-form members keep every digit,
// so that encoding the record again changes nothing and its digest still fits.
func Decode(body []byte) (*Action, error) {
	a := new(Action)
	if err := json.Unmarshal(body, a, exact.Numbers()); err != nil {
		return nil, err
	}
	return a, nil
}
