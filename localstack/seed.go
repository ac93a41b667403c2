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
	envFile     = "dev.env"
	envURL      = "ASCEND_API_URL"
	envKey      = "ASCEND_API_KEY"
	envAdmin    = "ASCEND_ADMIN_TOKEN"
	envApprover = "ASCEND_APPROVER_TOKEN"
	// A development token lives as long as the issuer lets it, and is renewed
	// at a start when less than half of that is left.
	tokenLife = 30 * 24 * time.Hour
)

// welcome prints the lines that a shell can source, keeps them in dev.env, and
// prints what to try with them.
func (h *house) welcome(ctx context.Context, addr string, out io.Writer) error {
	name := filepath.Join(h.data, envFile)
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines, err := h.environment(ctx, string(text), "http://"+reachable(addr))
	if err != nil {
		return fmt.Errorf("seed the first organisation: %w", err)
	}
	if lines != string(text) {
		if err := writeFile(name, []byte(lines)); err != nil {
			return err
		}
	}
	try := strings.NewReplacer("$URL", value(lines, envURL), "$KEY", value(lines, envKey), "$TOKEN", value(lines, envAdmin)).Replace(tryIt)
	_, err = fmt.Fprintf(out, "%s\n%s", lines, try)
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

// environment makes the export lines: the credentials that the first start
// made as long as they are good, new ones otherwise.
func (h *house) environment(ctx context.Context, kept, url string) (string, error) {
	key, tokens := value(kept, envKey), [2]string{value(kept, envAdmin), value(kept, envApprover)}
	if key == "" {
		var e enrolment
		var err error
		if key, e, err = h.secrets.enrol(admin, "Development"); err == nil {
			err = e.store(ctx, h.store)
		}
		if err != nil {
			return "", err
		}
	}
	for i, who := range []tenant.Principal{admin, approver} {
		if h.fresh(ctx, tokens[i]) {
			continue
		}
		var err error
		if tokens[i], err = h.secrets.issuer.Token(who, tokenLife, time.Now()); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("export %s=%s\nexport %s=%s\nexport %s=%s\nexport %s=%s\n",
		envURL, url, envKey, key, envAdmin, tokens[0], envApprover, tokens[1]), nil
}

// fresh reports whether a token is good for a while yet.
func (h *house) fresh(ctx context.Context, token string) bool {
	later, err := h.secrets.issuer.Verifier(func() time.Time { return time.Now().Add(tokenLife / 2) })
	if err == nil {
		_, err = later.Verify(ctx, token)
	}
	return err == nil
}

// value finds a variable among export lines.
func value(lines, name string) string {
	_, rest, _ := strings.Cut(lines, "export "+name+"=")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}
