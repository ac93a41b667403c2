package agent

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object is a caller's own JSON object. Its numbers are kept as they were sent,
// as jsontext.Value, because a float64 would change those beyond 2^53.
type Object map[string]any

var asSent = json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *any) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	number, err := d.ReadValue()
	*v = number.Clone()
	return err
}))

// UnmarshalJSONFrom reads an object, or null as none.
func (o *Object) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return json.UnmarshalDecode(d, (*map[string]any)(o), asSent)
}

// Clone is a copy that shares nothing with o.
func (o Object) Clone() Object {
	if o == nil {
		return nil
	}
	return Object(cloneValue(map[string]any(o)).(map[string]any))
}

// cloneValue copies what an Object can hold.
func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, member := range v {
			m[name] = cloneValue(member)
		}
		return m
	case []any:
		a := make([]any, len(v))
		for i, element := range v {
			a[i] = cloneValue(element)
		}
		return a
	case jsontext.Value:
		return v.Clone()
	default:
		return v
	}
}
