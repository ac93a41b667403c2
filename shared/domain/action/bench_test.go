package action

import (
	"testing"
	"time"

	"ascend/shared/domain/governance"
)

// usual is a proposal as agents mostly send it.
var usual = governance.Proposal{
	AgentID: "bench-agent-00", ActionType: "email_send", Description: "Send welcome email 0000000001",
	ToolName: "email_service", Parameters: map[string]any{"to": "customer@example.com", "template": "welcome"},
}

func BenchmarkRedact(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Redact(usual)
	}
}

func BenchmarkDigest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Digest(1, usual); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	in := governance.Input{Proposal: usual}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := &Action{ID: 1, Org: 1, Input: in, Verdict: governance.Decide(in), CreatedAt: now, UpdatedAt: now}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}
