package agent

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/exact"
)

// Object is a caller's own JSON object. Its numbers keep every digit, as
// jsontext.Value.
type Object map[string]any

// UnmarshalJSONFrom reads an object, or null as none.
func (o *Object) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return json.UnmarshalDecode(d, (*map[string]any)(o), exact.Numbers())
}
