package functions_test

import (
	"net/http"
	"testing"
	"time"

	"ascend/functions/optest"
	"ascend/shared/domain/problem"
	"ascend/shared/domain/tenant"
)

// manager signs a manager of ours in, under a name of their own.
func (s *server) manager(name string, mfa bool, valid time.Duration) {
	s.Helper()
	p := tenant.Principal{Org: ours, Kind: tenant.Person, Subject: name, Email: name + "@4.example", Role: tenant.Manager, MFA: mfa}
	s.SignIn(name, p, valid)
}

// TestApproversWhoShareAnIdempotencyKeyEachDecide: a client may well make the
// key of what is decided, such as approve-<action id>, so the key alone must
// not let one person's decision stand for another's (decisions 28 and 30).
func TestApproversWhoShareAnIdempotencyKeyEachDecide(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	x := s.Target("")
	s.As("admin", "POST", "/api/governance/workflows", x.In(`{"name": "Two managers", "type": "quorum", "min_approvers": 2,
		"approvers": [{"role": "manager"}], "timeout_seconds": 3600, "trigger_conditions": {"agent_ids": ["{agent_id}"]}}`)).Want(201)
	for name, mfa := range map[string]bool{"ada": true, "bea": true, "cyd": true, "dan": false} {
		s.manager(name, mfa, time.Hour)
	}
	pending := func() string {
		t.Helper()
		_, _, body := x.About(s.Route("actions-submit"))
		a := s.As("ada", "POST", "/api/v1/actions/submit", body).Want(200)
		if a.Text("/status") != "pending_approval" {
			t.Fatalf("the action does not wait: %s", a.Body)
		}
		return a.At("/id")
	}
	decide := func(who, verb, id string) optest.Answer {
		t.Helper()
		return s.As(who, "POST", "/api/v1/actions/"+id+"/"+verb, `{"reason": "seen"}`, "Idempotency-Key", verb+"-"+id)
	}
	expect := func(what string, a optest.Answer, status int, code string, replayed bool) {
		t.Helper()
		if a.Status != status || a.Text("/error_code") != code || (a.Header.Get("Idempotency-Replayed") == "true") != replayed {
			t.Errorf("%s: answered %d, replayed %q, want %d %s, replayed %v: %s",
				what, a.Status, a.Header.Get("Idempotency-Replayed"), status, code, replayed, a.Body)
		}
	}
	stands := func(a optest.Answer, status, remaining string) {
		t.Helper()
		if a.Text("/status") != status || a.At("/remaining_approvals") != remaining {
			t.Errorf("want %s with %s missing: %s", status, remaining, a.Body)
		}
	}

	id := pending()
	first := decide("bea", "approve", id)
	expect("the first", first, http.StatusOK, "", false)
	stands(first, "pending_approval", "1")
	expect("the submitter", decide("ada", "approve", id), http.StatusForbidden, problem.CodeForbidden, false)
	expect("one without a second factor", decide("dan", "approve", id), http.StatusUnauthorized, problem.CodeMFARequired, false)
	expect("one whom the workflow does not name", decide("admin", "approve", id), http.StatusForbidden, problem.CodeForbidden, false)
	s.manager("bea", true, 2*time.Hour)
	again := decide("bea", "approve", id)
	expect("the first, with a renewed token", again, http.StatusOK, "", true)
	if string(again.Body) != string(first.Body) {
		t.Errorf("replayed %s, first answered %s", again.Body, first.Body)
	}
	last := decide("cyd", "approve", id)
	expect("the second", last, http.StatusOK, "", false)
	stands(last, "approved", "0")
	if got := s.As("ada", "GET", "/api/v1/actions/"+id, "").Want(200); got.Text("/status") != "approved" {
		t.Errorf("two approved, and it stands as %s", got.Body)
	}

	id = pending()
	expect("a rejection", decide("bea", "reject", id), http.StatusOK, "", false)
	expect("the same again", decide("bea", "reject", id), http.StatusOK, "", true)
	expect("another's", decide("cyd", "reject", id), http.StatusBadRequest, problem.CodeInvalidState, false)
}
