package action

import (
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/problem"
)

// MaxReason is the maximum length of the reason of an approval or a rejection, in
// bytes of JSON text. An action's record reserves space for each of them.
const MaxReason = 4000

// ValidateReason returns what is wrong with the reason of an approval or a rejection.
func ValidateReason(reason string) problem.Fields {
	var invalid problem.Fields
	if text, err := jsontext.AppendQuote(nil, reason); err != nil || len(text)-len(`""`) > MaxReason {
		invalid.Add("/reason", "reason must not exceed %d bytes as JSON text: a character beyond ASCII takes 2 to 4, a quote or a line break 2", MaxReason)
	}
	return invalid
}
