// Package cvss scores CVSS 3.1 base vectors.
//
// The arithmetic is the library's (github.com/pandatix/go-cvss); the tests
// check it against the specification's own formula on every base vector
// (FIRST, Common Vulnerability Scoring System v3.1: Specification Document,
// section 7.1 and appendix A).
package cvss

import (
	"errors"
	"fmt"

	cvss31 "github.com/pandatix/go-cvss/31"
)

// Severities of a base score (CVSS v3.1 specification, section 5), in lower
// case as the actions API answers them (decisions.md 18).
const (
	None     = "none"     // 0.0
	Low      = "low"      // 0.1–3.9
	Medium   = "medium"   // 4.0–6.9
	High     = "high"     // 7.0–8.9
	Critical = "critical" // 9.0–10.0
)

// ErrVector is any text that is not a CVSS 3.1 base vector: another version, a
// missing, repeated or unknown metric, or a temporal or environmental one.
var ErrVector = errors.New("not a CVSS 3.1 base vector")

// A base vector has eight metrics of fixed width, in whatever order.
const vectorLength = len("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N")

// Result is a scored vector.
type Result struct {
	Score    float64 `json:"score"`    // base score, 0.0–10.0, one decimal
	Severity string  `json:"severity"` // none, low, medium, high or critical
	Vector   string  `json:"vector"`   // the vector, metrics in the specification's order
}

// Score computes the base score of a CVSS 3.1 base vector such as
// "CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:U/C:L/I:N/A:N". Its error matches ErrVector.
func Score(vector string) (Result, error) {
	if len(vector) != vectorLength {
		return Result{}, fmt.Errorf("scoring a vector of %d bytes: %w", len(vector), ErrVector)
	}
	parsed, err := cvss31.ParseVector(vector)
	if err != nil {
		return Result{}, fmt.Errorf("scoring %q: %w: %w", vector, ErrVector, err)
	}
	score := parsed.BaseScore()
	return Result{Score: score, Severity: Severity(score), Vector: parsed.Vector()}, nil
}

// Severity returns the severity of a base score. NaN and numbers outside of
// 0 to 10 are critical, so that a mistake never looks harmless.
func Severity(score float64) string {
	switch {
	case score <= 0:
		return None
	case score < 4:
		return Low
	case score < 7:
		return Medium
	case score < 9:
		return High
	default:
		return Critical
	}
}
