package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/app/record"
	"ascend/shared/domain/organization"
	"ascend/shared/domain/tenant"
	"ascend/shared/keys"
	"ascend/shared/store"
)

// enrolment is an organisation with a key of its own, about to be stored. The
// store has one owner, so while the server runs the command `token -key` hands
// it over as a file.
type enrolment struct {
	Organization organization.Organization `json:"organization"`
	Key          keys.Record               `json:"key"`
	Hash         string                    `json:"hash"`
}

// enrol draws an admin key of owner's organisation.
func (s *secrets) enrol(owner tenant.Principal, name string) (secret string, e enrolment, err error) {
	now := time.Now().UTC()
	secret, hash, err := s.ring.Issue(owner.Org, tenant.Admin, rand.Reader)
	return secret, enrolment{
		Organization: organization.Organization{ID: owner.Org, Name: name, CreatedAt: now},
		Key: keys.Record{
			ID: now.UnixMilli(), Name: "Development key", KeyPrefix: keys.Prefix(secret), Role: tenant.Admin,
			OrganizationID: owner.Org, Owner: owner.Subject, UserID: owner.UserID, IsActive: true, CreatedAt: now,
		},
		Hash: hash,
	}, err
}

// store writes the organisation, unless it is there, and the key. It may be repeated.
func (e enrolment) store(ctx context.Context, s store.Store) error {
	org, err := record.PutOrganization(e.Organization, 1)
	if err != nil {
		return err
	}
	key, err := e.Key.Item(e.Hash)
	if err != nil {
		return err
	}
	for _, put := range []store.Put{org, {Item: key}} {
		put.If = []store.Cond{store.Absent()}
		_, err := s.Write(ctx, put)
		if _, exists := store.Conflict(err); err != nil && !exists {
			return err
		}
	}
	return nil
}

const (
	inbox       = "inbox"
	inboxWait   = 5 * time.Second
	inboxSuffix = ".json"
)

// handOver leaves the enrolment for the running server and waits until it was taken in.
func (e enrolment) handOver(data string) error {
	folder := filepath.Join(data, inbox)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	name := filepath.Join(folder, e.Hash+inboxSuffix)
	if err := writeFile(name, text); err != nil {
		return err
	}
	for deadline := time.Now().Add(inboxWait); time.Now().Before(deadline); time.Sleep(tick / 5) {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("the process that uses %s does not take in new keys", data), os.Remove(name))
}

// takeIn stores what was handed over.
func (h *installation) takeIn(ctx context.Context) error {
	names, err := filepath.Glob(filepath.Join(h.data, inbox, "*"+inboxSuffix))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var e enrolment
		if err := json.Unmarshal(text, &e); err != nil {
			return errors.Join(fmt.Errorf("take in %s: %w", name, err), os.Remove(name))
		}
		if err := e.store(ctx, h.store); err != nil {
			return err
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}
