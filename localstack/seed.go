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
	"ascend/shared/store"
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
func (h *installation) welcome(ctx context.Context, addr string, out io.Writer) error {
	lines, err := h.secrets.seed(ctx, h.store, filepath.Join(h.data, envFile), "http://"+reachable(addr))
	if err != nil {
		return err
	}
	try := strings.NewReplacer("$URL", value(lines, envURL), "$KEY", value(lines, envKey), "$TOKEN", value(lines, envAdmin)).Replace(tryIt)
	_, err = fmt.Fprintf(out, "%s\n%s", lines, try)
	return err
}

// seed makes the first organisation with its key in a store, keeps the export
// lines of the API at url in the file called name, and returns them.
func (s *secrets) seed(ctx context.Context, db store.Store, name, url string) (lines string, err error) {
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if lines, err = s.environment(ctx, db, string(text), url); err != nil {
		return "", fmt.Errorf("seed the first organisation: %w", err)
	}
	if lines == string(text) {
		return lines, nil
	}
	return lines, writeFile(name, []byte(lines))
}

// reachable returns an address that a client on this machine can use.
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
func (s *secrets) environment(ctx context.Context, db store.Store, kept, url string) (string, error) {
	key, tokens := value(kept, envKey), [2]string{value(kept, envAdmin), value(kept, envApprover)}
	known, err := s.knows(ctx, db, key)
	if err == nil && !known {
		var e enrolment
		if key, e, err = s.enrol(admin, "Development"); err == nil {
			err = e.store(ctx, db)
		}
	}
	if err != nil {
		return "", err
	}
	for i, who := range []tenant.Principal{admin, approver} {
		if s.fresh(ctx, tokens[i]) {
			continue
		}
		if tokens[i], err = s.issuer.Token(who, tokenLife, time.Now()); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("export %s=%s\nexport %s=%s\nexport %s=%s\nexport %s=%s\n",
		envURL, url, envKey, key, envAdmin, tokens[0], envApprover, tokens[1]), nil
}

// knows reports whether a store holds the record of a key.
func (s *secrets) knows(ctx context.Context, db store.Store, key string) (bool, error) {
	claim, err := s.ring.Claim(key)
	if err != nil {
		return false, nil //nolint:nilerr // not a key of this installation
	}
	record, _ := claim.Record()
	found, err := db.Get(ctx, record)
	return err == nil && found[0] != nil, err
}

// fresh reports whether a token is good for a while yet.
func (s *secrets) fresh(ctx context.Context, token string) bool {
	later, err := s.issuer.Verifier(func() time.Time { return time.Now().Add(tokenLife / 2) })
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
