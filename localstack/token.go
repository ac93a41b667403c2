package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"ascend/shared/domain/tenant"
)

// token prints a token for a person of any organisation and role, or with -key
// an admin key of the organisation. It works whether the server runs or not.
func token(at place, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	flags.SetOutput(stderr)
	org := flags.Int64("org", 1, "organisation `id`")
	role := flags.String("role", "admin", "admin, manager, user or viewer")
	email := flags.String("email", "someone@ascend.example", "the person's `address`; another address is another person")
	mfa := flags.Bool("mfa", true, "with a second factor")
	valid := flags.Duration("valid", 24*time.Hour, "how long the token is good")
	key := flags.Bool("key", false, "print an admin API key of the organisation instead")
	deployed := flags.Bool("deployed", false, "store the key in what is deployed on LocalStack; tokens are good there anyway")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	who := person(tenant.ID(*org), numberOf(*email), *email, tenant.Role(*role))
	who.MFA = *mfa
	if !who.Org.Valid() || !who.Role.Known() {
		return fmt.Errorf("no organisation %d or role %q", *org, *role)
	}
	text, err := issue(at, who, *valid, *key, *deployed)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, text)
	return err
}

func issue(at place, who tenant.Principal, valid time.Duration, key, deployed bool) (string, error) {
	secrets, err := loadSecrets(at.data)
	if err != nil {
		return "", err
	}
	if !key {
		return secrets.issuer.Token(who, valid, time.Now())
	}
	text, e, err := secrets.enrol(who, fmt.Sprintf("Organisation %d", who.Org))
	if err != nil {
		return "", err
	}
	if deployed {
		db, err := deployedStore(at)
		if err != nil {
			return "", err
		}
		return text, e.store(context.Background(), db)
	}
	local, err := open(at)
	if errors.Is(err, errInUse) {
		return text, e.handOver(at.data)
	}
	if err != nil {
		return "", err
	}
	return text, errors.Join(e.store(context.Background(), local.store), local.store.Close())
}

// numberOf returns a person's integer id, made of their address and so the same every time.
func numberOf(email string) int64 {
	sum := sha256.Sum256([]byte(email))
	return int64(binary.BigEndian.Uint32(sum[:4])) + 1000
}
