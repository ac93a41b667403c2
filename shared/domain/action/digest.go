package action

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ascend/shared/domain/governance"
	"ascend/shared/domain/tenant"
)

// Digest returns the SHA-256 of the canonical proposal in hex: the organisation and
// the proposal as JSON in the canonical form of RFC 8785. An approval is bound
// to it (decision 28).
func Digest(org tenant.ID, p governance.Proposal) (string, error) {
	raw, err := json.Marshal(&struct {
		Org      tenant.ID           `json:"organization_id"`
		Proposal governance.Proposal `json:"proposal"`
	}{org, p})
	if err != nil {
		return "", fmt.Errorf("encode the proposal: %w", err)
	}
	canonical := jsontext.Value(raw)
	if err := canonical.Canonicalize(); err != nil {
		return "", fmt.Errorf("canonicalise the proposal: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}
