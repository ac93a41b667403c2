package risk

import "math"

// The context factor counts R2's modifiers (facts.md §6.1), whose points are
// parts of a score of 100: of each row the gravest, 2.5 for each of its
// points, on top of 5 that stand for everything unstated, so that an unstated
// context is the documented 12.5. It ends at 100. The rows:
//
//	time        after hours 10, weekend 10, holiday 15; peak hours 10 (R4); words not known 10
//	data        personal 15, financial 20 (as PCI), sensitivity low 5, medium 10, high 15
//	target      transfer to the outside 10
//	volume      10 records 5, 100 records 10, 1,000 records 15
//	amount      1,000 is 5, 10,000 is 10, 100,000 is 15, above a stated threshold 15 (ours, by the steps of volume)
//	compliance  any flag 10 (ours)
//
// A maintenance window, which R1 lets lower the score, counts as nothing said.
const (
	tenthsPerPoint = 25
	unstatedPoints = 5
	mostTenths     = 1000
)

func contextOf(in Input) finding {
	rows := [...]struct {
		points int
		why    string
	}{
		{timePoints(in.TimeContext), "time"},
		{dataPoints(in), "data"},
		{when(in.ExternalTransfer, 10), "external transfer"},
		{steps(in.RecordCount, 10, 100, 1000), "volume"},
		{amountPoints(in), "amount"},
		{when(in.ComplianceFlags > 0, 10), "compliance flags"},
	}
	total, why := unstatedPoints, ""
	for _, row := range rows {
		if row.points == 0 {
			continue
		}
		total += row.points
		if why != "" {
			why += ", "
		}
		why += row.why
	}
	if why == "" {
		why = "nothing unusual stated"
	}
	return finding{min(total*tenthsPerPoint, mostTenths), why}
}

func timePoints(word string) int {
	switch normal(word) {
	case "", "normal", "business_hours", "maintenance", "maintenance_window":
		return 0
	case "holiday":
		return 15
	}
	return 10
}

func dataPoints(in Input) int {
	return max(when(in.Financial, 20), when(holdsPersonalData(in), 15), 5*sensitivityLevel(in.DataSensitivity))
}

func amountPoints(in Input) int {
	above := in.AmountThreshold > 0 && !(math.Abs(in.Amount) <= in.AmountThreshold)
	return max(steps(in.Amount, 1000, 10_000, 100_000), when(above, 15))
}

// steps returns 5, 10 or 15 points from three sizes on. It ignores the sign; NaN
// gets the most.
func steps(n, first, second, third float64) int {
	switch n = math.Abs(n); {
	case n < first:
		return 0
	case n < second:
		return 5
	case n < third:
		return 10
	}
	return 15
}

func when(holds bool, points int) int {
	if holds {
		return points
	}
	return 0
}
