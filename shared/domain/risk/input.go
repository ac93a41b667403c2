package risk

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Input is all that a score depends on. It is plain data, stored with each
// action so that its decision can be made again from the record. The zero value
// is an action of unknown type about which nothing else was said.
type Input struct {
	ActionType   string `json:"action_type"`
	Resource     string `json:"resource,omitzero"`      // as submitted; words, resource types and patterns in it raise the score
	ResourceType string `json:"resource_type,omitzero"` // likewise
	ResourceID   string `json:"resource_id,omitzero"`   // likewise
	TargetSystem string `json:"target_system,omitzero"` // likewise, but alone it names no resource

	Environment        string  `json:"environment,omitzero"`         // production, staging, development, test, sandbox; others count as production
	DataClassification string  `json:"data_classification,omitzero"` // public, internal, confidential, pii, phi, pci, financial, secret, …
	DataSensitivity    string  `json:"data_sensitivity,omitzero"`    // none, low, medium or high, also with the suffix _sensitivity
	TimeContext        string  `json:"time_context,omitzero"`        // after_hours, weekend, holiday, peak_hours
	PII                bool    `json:"pii,omitzero"`                 // data about people are involved
	Financial          bool    `json:"financial,omitzero"`           // financial data are involved
	ExternalTransfer   bool    `json:"external_transfer,omitzero"`   // something leaves the organisation
	ComplianceFlags    int     `json:"compliance_flags,omitzero"`    // how many were raised
	Amount             float64 `json:"amount,omitzero"`              // of money, in any currency; 0 none
	AmountThreshold    float64 `json:"amount_threshold,omitzero"`    // an amount above it is unusual; 0 none
	RecordCount        float64 `json:"record_count,omitzero"`        // records touched; 0 unstated
	CVSSScore          float64 `json:"cvss_score,omitzero"`          // base score of the action's vector, 0–10
}

// Bounds on what a client can make us keep.
const (
	maxWord   = 64 // bytes
	maxListed = 32 // elements of a list
)

// unreadable stands for a word that cannot be read. It is none of the words we
// know and so counts as the gravest.
const unreadable = "(unreadable)"

// FromContext returns the Input of the free-form maps of a submission: its context, its risk_indicators and, as a map, its top-level
// members:
//
//	environment, data_classification, data_sensitivity, time_context   words, or lists of words
//	contains_pii, pii, pii_involved; financial_data; external_transfer;
//	after_hours, peak_hours                                            true or false
//	compliance_flags                                                   a list
//	amount, amount_threshold; record_count, volume                     numbers, also in digits
//
// Null members are ignored. Of several members with one meaning the gravest
// counts, regardless of their order. A value of the wrong type, too long or not
// finite counts as the gravest of its kind. The caller adds
// action type, resource and CVSS score, which are read elsewhere.
func FromContext(maps ...map[string]any) Input {
	var in Input
	for _, m := range maps {
		in.Environment = gravest(in.Environment, m["environment"], func(word string) int { return environmentOf(word).tenths })
		in.DataClassification = gravest(in.DataClassification, m["data_classification"], func(word string) int { return classificationOf(word).tenths })
		in.DataSensitivity = gravest(in.DataSensitivity, m["data_sensitivity"], sensitivityLevel)
		in.TimeContext = gravest(in.TimeContext, m["time_context"], timePoints)
		for _, name := range [...]string{"after_hours", "peak_hours"} {
			if truth(m[name]) {
				in.TimeContext = gravest(in.TimeContext, name, timePoints)
			}
		}
		in.PII = in.PII || truth(m["contains_pii"]) || truth(m["pii"]) || truth(m["pii_involved"]) ||
			slices.ContainsFunc(wordsOf(m["data_classification"]), isPersonalClass)
		in.Financial = in.Financial || truth(m["financial_data"])
		in.ExternalTransfer = in.ExternalTransfer || truth(m["external_transfer"])
		in.ComplianceFlags = max(in.ComplianceFlags, countFlags(m["compliance_flags"]))
		in.Amount = max(in.Amount, size(m["amount"]))
		in.RecordCount = max(in.RecordCount, size(m["record_count"]), size(m["volume"]))
		if limit := threshold(m["amount_threshold"]); limit > 0 && (in.AmountThreshold == 0 || limit < in.AmountThreshold) {
			in.AmountThreshold = limit
		}
	}
	return in
}

// gravest returns the word with the most points among kept and those of a value.
// A first word always counts, because sandbox has fewer points than no word. Of
// two words with equal points it returns the smaller, so order does not matter.
func gravest(kept string, value any, points func(string) int) string {
	for _, word := range wordsOf(value) {
		if word == "" {
			continue
		}
		gain := points(word) - points(kept)
		if kept == "" || gain > 0 || gain == 0 && word < kept {
			kept = word
		}
	}
	return kept
}

func wordsOf(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return []string{wordOf(value)}
	case []any:
		if len(value) > maxListed {
			return []string{unreadable}
		}
		words := make([]string, 0, len(value))
		for _, element := range value {
			switch element := element.(type) {
			case nil:
			case string:
				words = append(words, wordOf(element))
			default:
				words = append(words, unreadable)
			}
		}
		return words
	}
	return []string{unreadable}
}

func wordOf(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > maxWord {
		return unreadable
	}
	return text
}

// truth returns the value of a flag: true unless it plainly denies.
func truth(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case float64:
		return value != 0
	case string:
		switch strings.ToLower(strings.TrimSpace(value)) {
		case "", "false", "no", "none", "0":
			return false
		}
	}
	return true
}

func countFlags(value any) int {
	if list, ok := value.([]any); ok {
		return min(len(list), maxListed)
	}
	if truth(value) {
		return 1
	}
	return 0
}

// number returns a finite number; stated is false for null, absence and "".
func number(value any) (n float64, stated, ok bool) {
	switch value := value.(type) {
	case nil:
		return 0, false, true
	case float64:
		n = value
	case int:
		n = float64(value)
	case int64:
		n = float64(value)
	case string:
		value = strings.TrimSpace(value)
		if value == "" {
			return 0, false, true
		}
		parsed, err := strconv.ParseFloat(value[:min(len(value), maxWord)], 64)
		if err != nil || len(value) > maxWord {
			return 0, true, false
		}
		n = parsed
	default:
		return 0, true, false
	}
	return n, true, !math.IsNaN(n) && !math.IsInf(n, 0)
}

// size returns the absolute value of a number, the largest if it cannot be read.
func size(value any) float64 {
	n, _, ok := number(value)
	if !ok {
		return math.MaxFloat64
	}
	return math.Abs(n)
}

// threshold returns a limit above zero, 0 where none is stated. A limit that
// cannot be read or is not above zero becomes the smallest.
func threshold(value any) float64 {
	n, stated, ok := number(value)
	switch {
	case !stated:
		return 0
	case !ok || n <= 0:
		return math.SmallestNonzeroFloat64
	}
	return n
}
