// Package exact reads JSON numbers without losing a digit.
package exact

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxInteger is the largest integer that every JSON reader keeps exactly (RFC 8259 §6).
const MaxInteger = 1<<53 - 1

// Numbers returns the option to unmarshal a number into an any as it was sent,
// a jsontext.Value: a float64 would change integers beyond MaxInteger.
func Numbers() json.Options { return json.WithUnmarshalers(numbers) }

var numbers = json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *any) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	number, err := d.ReadValue()
	*v = number.Clone()
	return err
})
