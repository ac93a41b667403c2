package main

import (
	"os"
	"testing"
)

// TestScripts plays every HTTP script of testdata over the program as a user
// runs it; they hold every documented request and answer.
func TestScripts(t *testing.T) {
	env := launch(t, t.TempDir()).scriptEnv()
	env.Examples = os.DirFS("../testdata/documented")
	RunDir(t, "../testdata/scripts", env)
	RunDir(t, "../testdata/scripts/router", env)
}

// scriptEnv is the API and everybody that a script speaks as.
func (s *server) scriptEnv() Env {
	return Env{BaseURL: s.url(), Credentials: map[string]string{
		"key": s.env["ASCEND_API_KEY"], "admin": s.env["ASCEND_ADMIN_TOKEN"], "manager": s.env["ASCEND_APPROVER_TOKEN"],
		"admin-no-mfa": s.command("token", "-role=admin", "-email=nomfa@ascend.example", "-mfa=false"),
		"user":         s.command("token", "-role=user", "-email=user@ascend.example"),
		"viewer":       s.command("token", "-role=viewer", "-email=viewer@ascend.example"),
		"expired":      s.expired(admin),
		"other-admin":  s.command("token", "-org=2", "-email=admin@other.example"),
		"other-key":    s.command("token", "-org=2", "-email=admin@other.example", "-key"),
	}}
}
