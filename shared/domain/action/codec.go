package action

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Encode makes the stored form of the record.
func (a *Action) Encode() ([]byte, error) { return json.Marshal(a) }

// Decode reads a stored record. Numbers in free-form members stay as they were
// sent, digit for digit, so that writing the record again changes nothing and
// its digest still fits.
func Decode(body []byte) (*Action, error) {
	a := new(Action)
	if err := json.Unmarshal(body, a, exactNumbers); err != nil {
		return nil, err
	}
	return a, nil
}

var exactNumbers = json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *any) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	raw, err := d.ReadValue()
	*v = raw.Clone()
	return err
}))
