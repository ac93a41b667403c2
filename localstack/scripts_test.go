package main

import (
	"os"
	"testing"

	"ascend/functions/optest/httpscript"
)

// TestScripts plays every HTTP script of testdata over the program as a user
// runs it; they hold every documented request and answer.
func TestScripts(t *testing.T) {
	env := launch(t, t.TempDir()).scriptEnv()
	env.Examples = os.DirFS("../testdata/documented")
	httpscript.RunDir(t, "../testdata/scripts", env)
	httpscript.RunDir(t, "../testdata/scripts/router", env)
}

// scriptEnv is the API and everybody that a script speaks as.
func (s *server) scriptEnv() httpscript.Env {
	return httpscript.Env{
		BaseURL: s.url(), Key: s.env["ASCEND_API_KEY"], Admin: s.env["ASCEND_ADMIN_TOKEN"], Manager: s.env["ASCEND_APPROVER_TOKEN"],
		AdminNoMFA: s.command("token", "-role=admin", "-email=nomfa@ascend.example", "-mfa=false"),
		User:       s.command("token", "-role=user", "-email=user@ascend.example"),
		Viewer:     s.command("token", "-role=viewer", "-email=viewer@ascend.example"),
		Expired:    s.expired(admin),
		OtherAdmin: s.command("token", "-org=2", "-email=admin@other.example"),
		OtherKey:   s.command("token", "-org=2", "-email=admin@other.example", "-key"),
	}
}
