package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ascend/shared/domain/tenant"
)

// The people of the first organisation.
var (
	admin    = person(1, 1, "admin@ascend.example", tenant.Admin)
	approver = person(1, 2, "approver@ascend.example", tenant.Manager)
)

func person(org tenant.ID, id int64, email string, role tenant.Role) tenant.Principal {
	return tenant.Principal{
		Org: org, Kind: tenant.Person, Subject: fmt.Sprintf("dev-%d-%d", org, id), UserID: id,
		Email: email, Role: role, MFA: true,
	}
}

const (
	envFile = "dev.env"
	// A development token lives as long as the issuer lets it, and is renewed
	// at a start when less than half of that is left.
	tokenLife = 30 * 24 * time.Hour
)

// welcome prints the lines that a shell can source, and what to try with them.
func (h *house) welcome(ctx context.Context, addr string, out io.Writer) error {
	lines, err := h.environment(ctx)
	if err != nil {
		return fmt.Errorf("seed the first organisation: %w", err)
	}
	url := "http://" + reachable(addr)
	try := strings.NewReplacer("$URL", url, "$KEY", value(lines, "ASCEND_API_KEY"), "$TOKEN", value(lines, "ASCEND_ADMIN_TOKEN")).Replace(tryIt)
	_, err = fmt.Fprintf(out, "export ASCEND_API_URL=%s\n%s\n%s", url, lines, try)
	return err
}

// reachable is an address that a client on this machine can use.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// tryIt needs nothing but a shell: what it stands for is filled in.
const tryIt = `# Register an agent, activate it, and ask whether it may send an e-mail:
curl -s -X POST '$URL/api/registry/agents' -H 'X-API-Key: $KEY' -H 'Content-Type: application/json' -d '{"agent_id": "my-first-agent", "display_name": "My first agent"}'
curl -s -X POST '$URL/api/registry/agents/my-first-agent/activate' -H 'Authorization: Bearer $TOKEN'
curl -s -X POST '$URL/api/v1/actions/submit' -H 'X-API-Key: $KEY' -H 'Content-Type: application/json' -d '{"agent_id": "my-first-agent", "action_type": "email_send", "description": "Send welcome email", "tool_name": "email_service"}'
`

// environment reads the credentials that the first start made, or makes them.
func (h *house) environment(ctx context.Context) (string, error) {
	name := filepath.Join(h.data, envFile)
	text, err := os.ReadFile(name)
	if err == nil && h.fresh(string(text)) {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	lines, err := h.seed(ctx, value(string(text), "ASCEND_API_KEY"))
	if err != nil {
		return "", err
	}
	return lines, writeFile(name, []byte(lines))
}

// fresh reports whether the lines hold tokens that are good for a while yet.
func (h *house) fresh(lines string) bool {
	later, err := h.secrets.issuer.Verifier(func() time.Time { return time.Now().Add(tokenLife / 2) })
	if err != nil {
		return false
	}
	for _, name := range []string{"ASCEND_ADMIN_TOKEN", "ASCEND_APPROVER_TOKEN"} {
		if _, err := later.Verify(context.Background(), value(lines, name)); err != nil {
			return false
		}
	}
	return value(lines, "ASCEND_API_KEY") != ""
}

// value finds a variable among export lines.
func value(lines, name string) string {
	_, rest, _ := strings.Cut(lines, "export "+name+"=")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// seed makes the organisation, its key unless there is one, and tokens for its people.
func (h *house) seed(ctx context.Context, key string) (string, error) {
	var err error
	if key == "" {
		var e enrolment
		if key, e, err = h.secrets.enrol(admin, "Development"); err == nil {
			err = e.store(ctx, h.store)
		}
		if err != nil {
			return "", err
		}
	}
	lines := "export ASCEND_API_KEY=" + key + "\n"
	for _, one := range []struct {
		name string
		who  tenant.Principal
	}{{"ASCEND_ADMIN_TOKEN", admin}, {"ASCEND_APPROVER_TOKEN", approver}} {
		token, err := h.secrets.issuer.Token(one.who, tokenLife, time.Now())
		if err != nil {
			return "", err
		}
		lines += "export " + one.name + "=" + token + "\n"
	}
	return lines, nil
}
