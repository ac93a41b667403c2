package functions_test

import (
	"net/http"
	"testing"
	"time"

	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// manager signs a manager of ours in, under a name of their own.
func (h *house) manager(name string, mfa bool, valid time.Duration) {
	h.Helper()
	p := tenant.Principal{Org: ours, Kind: tenant.Person, Subject: name, Email: name + "@4.example", Role: tenant.Manager, MFA: mfa}
	token, err := h.issuer.Token(p, valid, time.Now())
	h.no(err)
	h.callers[name] = caller{[]string{"Authorization", "Bearer " + token}, "token", ours, p.Role}
}

// TestApproversWhoShareAnIdempotencyKeyEachDecide: a client may well make the
// key of what is decided, such as approve-<action id>, so the key alone must
// not let one person's decision stand for another's (decisions 28 and 30).
func TestApproversWhoShareAnIdempotencyKeyEachDecide(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := h.target("")
	h.want(201, h.as("admin", "POST", "/api/governance/workflows", x.in(`{"name": "Two managers", "type": "quorum", "min_approvers": 2,
		"approvers": [{"role": "manager"}], "timeout_seconds": 3600, "trigger_conditions": {"agent_ids": ["{agent_id}"]}}`)))
	for name, mfa := range map[string]bool{"ada": true, "bea": true, "cyd": true, "dan": false} {
		h.manager(name, mfa, time.Hour)
	}
	pending := func() string {
		t.Helper()
		a := h.want(200, h.as("ada", "POST", "/api/v1/actions/submit", x.in(submission.body)))
		if a.text("/status") != "pending_approval" {
			t.Fatalf("the action does not wait: %s", a.body)
		}
		return a.at("/id")
	}
	decide := func(who, verb, id string) answer {
		t.Helper()
		return h.as(who, "POST", "/api/v1/actions/"+id+"/"+verb, `{"reason": "seen"}`, "Idempotency-Key", verb+"-"+id)
	}
	expect := func(what string, a answer, status int, code string, replayed bool) {
		t.Helper()
		if a.status != status || a.text("/error_code") != code || (a.header.Get("Idempotency-Replayed") == "true") != replayed {
			t.Errorf("%s: answered %d, replayed %q, want %d %s, replayed %v: %s",
				what, a.status, a.header.Get("Idempotency-Replayed"), status, code, replayed, a.body)
		}
	}
	stands := func(a answer, status, remaining string) {
		t.Helper()
		if a.text("/status") != status || a.at("/remaining_approvals") != remaining {
			t.Errorf("want %s with %s missing: %s", status, remaining, a.body)
		}
	}

	id := pending()
	first := decide("bea", "approve", id)
	expect("the first", first, http.StatusOK, "", false)
	stands(first, "pending_approval", "1")
	expect("the submitter", decide("ada", "approve", id), http.StatusForbidden, problem.CodeForbidden, false)
	expect("one without a second factor", decide("dan", "approve", id), http.StatusUnauthorized, problem.CodeMFARequired, false)
	expect("one whom the workflow does not name", decide("admin", "approve", id), http.StatusForbidden, problem.CodeForbidden, false)
	h.manager("bea", true, 2*time.Hour)
	again := decide("bea", "approve", id)
	expect("the first, with a renewed token", again, http.StatusOK, "", true)
	if string(again.body) != string(first.body) {
		t.Errorf("replayed %s, first answered %s", again.body, first.body)
	}
	last := decide("cyd", "approve", id)
	expect("the second", last, http.StatusOK, "", false)
	stands(last, "approved", "0")
	if got := h.want(200, h.as("ada", "GET", "/api/v1/actions/"+id, "")); got.text("/status") != "approved" {
		t.Errorf("two approved, and it stands as %s", got.body)
	}

	id = pending()
	expect("a rejection", decide("bea", "reject", id), http.StatusOK, "", false)
	expect("the same again", decide("bea", "reject", id), http.StatusOK, "", true)
	expect("another's", decide("cyd", "reject", id), http.StatusBadRequest, problem.CodeInvalidState, false)
}
