package workflow

import (
	"slices"
	"strings"
)

// enoughPeople reports whether the stages that name only people can all be
// approved although nobody approves twice. A stage that admits a role may have
// anybody, so it asks nothing.
//
// It gives each needed approval a person, and where all who may give it are
// taken, moves them to other approvals that they may give (Kuhn's augmenting
// paths, "The Hungarian Method for the Assignment Problem", 1955).
func enoughPeople(stages []Stage) bool {
	var needed [][]string // for each approval, who may give it
	for _, s := range stages {
		if slices.ContainsFunc(s.Approvers, func(a Approver) bool { return a.Role != "" }) {
			continue
		}
		people := make([]string, len(s.Approvers))
		for i, a := range s.Approvers {
			people[i] = strings.ToLower(a.Email)
		}
		needed = append(needed, slices.Repeat([][]string{people}, s.MinApprovers)...)
	}
	gives := map[string]int{} // which approval a person gives
	var place func(approval int, asked map[string]bool) bool
	place = func(approval int, asked map[string]bool) bool {
		for _, person := range needed[approval] {
			if asked[person] {
				continue
			}
			asked[person] = true
			if other, taken := gives[person]; !taken || place(other, asked) {
				gives[person] = approval
				return true
			}
		}
		return false
	}
	for approval := range needed {
		if !place(approval, map[string]bool{}) {
			return false
		}
	}
	return true
}
