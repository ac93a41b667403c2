package actions

import (
	"net/http"
	"strings"

	"ascend/shared/app/command"
	"ascend/shared/domain/governance"
)

// The concessions to published clients that cannot be changed any more
// (clients.md section 3). They are told apart by header, all in this file, and
// the answers say so by Vary.

// wantsListObject reports a client of line 1.x, which dies on a bare array.
func wantsListObject(c command.Client) bool {
	return strings.HasPrefix(c.UserAgent, "AscendSDK-Python/1.")
}

// listVary is what actions-list depends on.
func listVary(h http.Header) { h.Add("Vary", "User-Agent") }

// detailStatus is the status that actions-get shows: clients of line 2.x, who
// all send X-SDK-Version, know `pending` there and raise on `pending_approval`.
func detailStatus(c command.Client, s governance.Status) string {
	if s == governance.Pending && c.SDKVersion != "" {
		return "pending"
	}
	return string(s)
}

// detailVary is what actions-get depends on.
func detailVary(h http.Header) { h.Add("Vary", "X-SDK-Version") }

// statusFilter reads a status to filter by; 1.x documents `pending`.
func statusFilter(s string) governance.Status {
	if s == "pending" {
		return governance.Pending
	}
	return governance.Status(s)
}
