package actions

import (
	"net/http"
	"strings"

	"ascend/shared/app/command"
	"ascend/shared/domain/governance"
	"ascend/shared/endpoint"
)

// The concessions to published clients that cannot be changed any more
// (clients.md section 3). They are told apart by header, all in this file, and
// the answers say so by Vary.

// listObject is the list as clients of line 1.x read it; they fail on an array. Total
// is a number that is always there: where there are too many actions to count them
// all, it is how many were counted, and has_more says that there are more.
type listObject struct {
	Actions []Listed `json:"actions"`
	Total   int      `json:"total"`
	Limit   int      `json:"limit"`
	Offset  int      `json:"offset"`
	HasMore bool     `json:"has_more"`
}

// listObjectFor returns the list as an object for a client of line 1.x, else nil.
func listObjectFor(c command.Client, p endpoint.Paged[Listed]) *listObject {
	if !strings.HasPrefix(c.UserAgent, "AscendSDK-Python/1.") {
		return nil
	}
	return &listObject{
		Actions: p.Items, Total: p.AtLeast,
		Limit: p.Pagination.Limit, Offset: p.Pagination.Offset, HasMore: p.Pagination.HasMore,
	}
}

// listVary adds the headers that the shape of actions-list depends on to Vary.
func listVary(h http.Header) { h.Add("Vary", "User-Agent") }

// detailStatus returns the status that actions-get shows: clients of line 2.x, who
// all send X-SDK-Version, know `pending` there and raise on `pending_approval`.
func detailStatus(c command.Client, s governance.Status) string {
	if s == governance.Pending && c.SDKVersion != "" {
		return "pending"
	}
	return string(s)
}

// detailVary adds the headers that the status in actions-get depends on to Vary.
func detailVary(h http.Header) { h.Add("Vary", "X-SDK-Version") }

// statusFilter reads a status to filter by; 1.x documents `pending`.
func statusFilter(s string) governance.Status {
	if s == "pending" {
		return governance.Pending
	}
	return governance.Status(s)
}
