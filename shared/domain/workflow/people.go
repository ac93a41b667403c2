package workflow

import (
	"slices"
	"strings"
)

// enoughPeople reports whether every stage that names only people can be approved
// if nobody approves twice. Stages that name a role are ignored.
//
// It is a bipartite matching of needed approvals and people by augmenting paths
// (Kuhn, "The Hungarian Method for the Assignment Problem", 1955).
func enoughPeople(stages []Stage) bool {
	var needed [][]string // the people who may give each approval
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
