// Package risk scores a proposed action: model ascend-risk/1, deterministic
// and versioned (decisions.md 16).
//
//	score = 0.35·environment + 0.30·resource_sensitivity + 0.25·action_type + 0.10·context
//
// Each factor is 0–100. Environment, resource_sensitivity and action_type are
// whole points, context has one decimal, so every contribution and their sum
// are exact in hundredths of a point and are computed as integers. Floors then
// raise the score:
//
//	cvss_critical      the CVSS base score is 9.0 or more        ≥ 85
//	pii_in_production  data about people in production           ≥ 70
//
// The tables are R1's of facts.md §6.1, each factor's points divided by its
// maximum (environment 35, sensitivity 30, action 25) and rounded to whole
// points, moved only where the documented samples fix a value: environment
// unstated 50, no resource 25, "database" 75, email_send 35, data_access 15,
// context unstated 12.5. R1's amplification and multiplication are no part of
// a weighted sum; its resource multipliers became sensitivities.
//
// Values from a client can raise the score, but not lower it below the score
// without them, with one exception that is inherent to the model: a lower
// environment. A caller that does not trust it can leave Input.Environment empty
// or set it from what the server knows.
//
// A change of any number is a new model, because stored decisions can be repeated
// from their Input.
package risk

import (
	"ascend/shared/domain/catalog"
)

// Model names this version of the tables and the formula.
const Model = "ascend-risk/1"

// The levels of a score (decisions.md 17).
const (
	Low      = "low"      // 0 up to 40
	Medium   = "medium"   // 40 up to 70
	High     = "high"     // 70 up to 90
	Critical = "critical" // 90 to 100
)

// The factors, in the order in which every Result has them.
const (
	FactorEnvironment = "environment"
	FactorResource    = "resource_sensitivity"
	FactorAction      = "action_type"
	FactorContext     = "context"
)

// The floors.
const (
	FloorCVSS = "cvss_critical"
	FloorPII  = "pii_in_production"
)

const (
	cvssCritical = 9.0 // CVSS v3.1 specification, section 5
	floorCVSS    = 85  // points; facts.md §6.1 R3
	floorPII     = 70
)

// Result is a scored action.
type Result struct {
	Model        string   `json:"model"` // Model
	Score        float64  `json:"score"` // 0–100, at most two decimals
	Level        string   `json:"level"` // Level(Score)
	BeforeFloors float64  `json:"before_floors"`
	Factors      []Factor `json:"factors"` // environment, resource_sensitivity, action_type, context
	Floors       []Floor  `json:"floors"`  // those that hold, also where the score stood above them; never null
}

// Factor is one weighted part. Rounded to two decimals, the contributions sum
// exactly to Result.BeforeFloors.
type Factor struct {
	Name         string  `json:"name"`
	Value        float64 `json:"value"`        // 0–100
	Weight       float64 `json:"weight"`       // 0–1; the four sum to 1
	Contribution float64 `json:"contribution"` // Value·Weight, exact in two decimals
	Why          string  `json:"why"`          // fixed words of ours, never the client's
}

// Floor is a minimum score, regardless of the factors.
type Floor struct {
	Name    string  `json:"name"`
	Minimum float64 `json:"minimum"`
	Why     string  `json:"why"`
}

// Evaluate returns the score of an action. Every Input has one.
func Evaluate(in Input) Result {
	entry := catalog.Lookup(in.ActionType)
	in.PII = in.PII || entry.PersonalData()

	place := environmentOf(in.Environment)
	return combine(place, sensitivityOf(in), actionOf(entry), contextOf(in), floorsOf(in, place))
}

// A finding is a factor's value with its reason.
type finding struct {
	tenths int // tenths of a point, 0–1000
	why    string
}

func points(whole int, why string) finding { return finding{whole * 10, why} }

// higher returns the graver finding, the first of two equals.
func higher(a, b finding) finding {
	if b.tenths > a.tenths {
		return b
	}
	return a
}

func combine(environment, resource, action, context finding, floors []Floor) Result {
	factors := []Factor{
		factor(FactorEnvironment, environment, 35),
		factor(FactorResource, resource, 30),
		factor(FactorAction, action, 25),
		factor(FactorContext, context, 10),
	}
	sum := contribution(environment, 35) + contribution(resource, 30) + contribution(action, 25) + contribution(context, 10)
	score := sum
	for _, f := range floors {
		score = max(score, int(f.Minimum*100))
	}
	return Result{
		Model: Model, Score: float64(score) / 100, Level: Level(float64(score) / 100), BeforeFloors: float64(sum) / 100,
		Factors: factors, Floors: floors,
	}
}

// contribution returns hundredths of a point. It is exact, because only context
// has tenths and its weight is 10.
func contribution(f finding, percent int) int { return f.tenths * percent / 10 }

func factor(name string, f finding, percent int) Factor {
	return Factor{
		Name: name, Value: float64(f.tenths) / 10, Weight: float64(percent) / 100,
		Contribution: float64(contribution(f, percent)) / 100, Why: f.why,
	}
}

func floorsOf(in Input, place finding) []Floor {
	floors := []Floor{}
	if !(in.CVSSScore < cvssCritical) { // also NaN
		floors = append(floors, Floor{Name: FloorCVSS, Minimum: floorCVSS, Why: "the CVSS base score is critical"})
	}
	if place.tenths == production*10 && holdsPersonalData(in) {
		floors = append(floors, Floor{Name: FloorPII, Minimum: floorPII, Why: "personal data in production"})
	}
	return floors
}

func actionOf(entry catalog.Entry) finding {
	if entry.Known {
		return points(entry.Risk, "action type of the catalogue, "+string(entry.Operation))
	}
	return points(entry.Risk, "custom action type, judged by its verb: "+string(entry.Operation))
}

// Level returns the level of a score: below 40 low, below 70 medium, below 90
// high, otherwise critical (decisions.md 17).
func Level(score float64) string {
	switch {
	case score < 40:
		return Low
	case score < 70:
		return Medium
	case score < 90:
		return High
	default:
		return Critical
	}
}
