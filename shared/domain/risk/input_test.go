package risk_test

import (
	"math"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"ascend/shared/domain/risk"
)

type m = map[string]any

func TestFromContext(t *testing.T) {
	long := strings.Repeat("sandbox ", 9)
	many := make([]any, 33)
	for name, test := range map[string]struct {
		maps []map[string]any
		want risk.Input
	}{
		"nothing":      {nil, risk.Input{}},
		"nil maps":     {[]map[string]any{nil, nil}, risk.Input{}},
		"nulls":        {[]map[string]any{{"environment": nil, "pii": nil, "amount": nil, "compliance_flags": nil, "amount_threshold": nil}}, risk.Input{}},
		"empty values": {[]map[string]any{{"environment": "", "pii": "", "amount": "", "compliance_flags": []any{}, "data_classification": []any{nil}}}, risk.Input{}},
		"the documented members": {
			[]map[string]any{
				{"environment": "staging", "data_classification": "internal", "amount": 12.5, "time_context": "after_hours", "record_count": 20.0},
				{"pii_involved": true, "financial_data": true, "external_transfer": true, "data_sensitivity": "high_sensitivity", "amount_threshold": 10.0, "compliance_flags": []any{"gdpr", "sox"}},
			},
			risk.Input{Environment: "staging", DataClassification: "internal", Amount: 12.5, TimeContext: "after_hours", RecordCount: 20, PII: true, Financial: true,
				ExternalTransfer: true, DataSensitivity: "high_sensitivity", AmountThreshold: 10, ComplianceFlags: 2},
		},
		"flags denied in words":  {[]map[string]any{{"pii": false, "contains_pii": "No", "pii_involved": 0.0, "financial_data": "false"}}, risk.Input{}},
		"flags of other types":   {[]map[string]any{{"pii": "yes", "financial_data": m{}, "external_transfer": 1.0, "compliance_flags": "gdpr"}}, risk.Input{PII: true, Financial: true, ExternalTransfer: true, ComplianceFlags: 1}},
		"times as flags":         {[]map[string]any{{"after_hours": true}}, risk.Input{TimeContext: "after_hours"}},
		"a calm time and a flag": {[]map[string]any{{"time_context": "business_hours", "peak_hours": true}}, risk.Input{TimeContext: "peak_hours"}},
		"the graver environment": {[]map[string]any{{"environment": "sandbox"}, {"environment": "production"}}, risk.Input{Environment: "production"}},
		"and in another order":   {[]map[string]any{{"environment": "production"}, {"environment": "sandbox"}}, risk.Input{Environment: "production"}},
		"equals in any order":    {[]map[string]any{{"environment": "qa"}, {"environment": "prod"}, {"environment": "uat"}}, risk.Input{Environment: "prod"}},
		"a list of classes":      {[]map[string]any{{"data_classification": []any{"public", "pii", "top_secret", nil}}}, risk.Input{DataClassification: "top_secret", PII: true}},
		"a list of other things": {[]map[string]any{{"data_classification": []any{"public", 5.0}}}, risk.Input{DataClassification: "(unreadable)"}},
		"a list too long":        {[]map[string]any{{"environment": many, "compliance_flags": many}}, risk.Input{Environment: "(unreadable)", ComplianceFlags: 32}},
		"words of wrong types":   {[]map[string]any{{"environment": 5.0, "data_sensitivity": m{}}}, risk.Input{Environment: "(unreadable)", DataSensitivity: "(unreadable)"}},
		"a word too long":        {[]map[string]any{{"environment": long}}, risk.Input{Environment: "(unreadable)"}},
		"a word that is no text": {[]map[string]any{{"environment": "\xff"}}, risk.Input{Environment: "\uFFFD"}},
		"numbers in digits":      {[]map[string]any{{"amount": " 1500.50 ", "volume": "7", "record_count": 9}}, risk.Input{Amount: 1500.5, RecordCount: 9}},
		"whole numbers":          {[]map[string]any{{"amount": 7, "record_count": int64(8)}}, risk.Input{Amount: 7, RecordCount: 8}},
		"negative numbers":       {[]map[string]any{{"amount": -5000.0}}, risk.Input{Amount: 5000}},
		"numbers that are none":  {[]map[string]any{{"amount": "lots", "record_count": true}}, risk.Input{Amount: math.MaxFloat64, RecordCount: math.MaxFloat64}},
		"not finite":             {[]map[string]any{{"amount": "NaN", "record_count": math.Inf(1)}}, risk.Input{Amount: math.MaxFloat64, RecordCount: math.MaxFloat64}},
		"digits without end":     {[]map[string]any{{"amount": strings.Repeat("1", 1000)}}, risk.Input{Amount: math.MaxFloat64}},
		"the lower threshold":    {[]map[string]any{{"amount_threshold": 10.0}, {"amount_threshold": 5.0}, {"amount_threshold": 7.0}}, risk.Input{AmountThreshold: 5}},
		"a threshold of nothing": {[]map[string]any{{"amount_threshold": 0.0}}, risk.Input{AmountThreshold: math.SmallestNonzeroFloat64}},
		"a threshold unread":     {[]map[string]any{{"amount_threshold": m{}}}, risk.Input{AmountThreshold: math.SmallestNonzeroFloat64}},
	} {
		if got := risk.FromContext(test.maps...); got != test.want {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}

// Whatever members a client adds, save a lower environment, the score does not fall.
func FuzzFromContext(f *testing.F) {
	f.Add(`{"environment":"sandbox","data_classification":["pii",5]}`, `{"pii_involved":"x","amount":-1e308,"compliance_flags":{}}`, "users a@b.org")
	f.Add(`{"environment":null,"amount":"1e999","time_context":"maintenance"}`, `{"amount_threshold":-1,"data_sensitivity":"none"}`, "")
	f.Add(`{"data_classification":"secret"}`, `{"data_classification":"acme","pii":true}`, "10.0.0.1")
	f.Fuzz(func(t *testing.T, first, second, resource string) {
		var context, indicators map[string]any
		if json.Unmarshal([]byte(first), &context) != nil || json.Unmarshal([]byte(second), &indicators) != nil {
			return
		}
		whole := risk.FromContext(context, indicators)
		if risk.FromContext(indicators, context) != whole {
			t.Fatalf("the order of %s and %s matters", first, second)
		}
		whole.Resource = strings.ToValidUTF8(resource, "?")
		part := risk.FromContext(context)
		part.Resource, part.Environment = whole.Resource, whole.Environment
		got := risk.Evaluate(whole)
		if less := risk.Evaluate(part); less.Score > got.Score {
			t.Fatalf("%s added to %s lowers %v to %v", second, first, less.Score, got.Score)
		}
		if silent := risk.Evaluate(risk.Input{Environment: whole.Environment}); silent.Score > got.Score {
			t.Fatalf("%s and %s score %v, silence %v", first, second, got.Score, silent.Score)
		}
		check(t, got)
		text, err := json.Marshal(whole)
		if err != nil {
			t.Fatalf("%+v cannot be stored: %v", whole, err)
		}
		var again risk.Input
		if err := json.Unmarshal(text, &again); err != nil || again != whole {
			t.Fatalf("%s came back as %+v, %v", text, again, err)
		}
	})
}
