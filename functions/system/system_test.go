package system_test

import (
	"testing"

	"ascend/functions/optest"
	"ascend/functions/system"
	"ascend/shared/store/faulty"
)

func TestHealthFailsWhileTheStoreRefusesWrites(t *testing.T) {
	s := optest.New(t, system.Health())
	if got := s.As("admin", "GET", "/health", "").Want(200).Text("/status"); got != "healthy" {
		t.Errorf("status %q", got)
	}
	s.Faults = func(c faulty.Call) faulty.Fault {
		if c.Method == "Healthy" {
			return faulty.ResponseLost
		}
		return faulty.None
	}
	a := s.As("admin", "GET", "/health", "").Want(503)
	if a.Text("/error_code") != "SERVICE_UNAVAILABLE" || a.Header.Get("Retry-After") == "" {
		t.Errorf("answered %s with %v", a.Body, a.Header)
	}
	s.Faults = nil
	s.As("admin", "GET", "/health", "").Want(200)
}
