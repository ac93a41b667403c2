package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"ascend/shared/identity"
	"ascend/shared/keys"
)

type verifier = *identity.Verifier

// secrets are what this installation signs with. They stand in a file of their
// own that only its owner reads.
type secrets struct {
	pepper []byte
	ring   *keys.Ring
	issuer *identity.DevIssuer
}

const secretsFile = "secrets.json"

type secretsForm struct {
	KeyPepper string `json:"key_pepper"` // hex
	Issuer    string `json:"issuer"`     // PEM
}

// loadSecrets reads the installation's secrets, or makes them the first time.
func loadSecrets(data string) (*secrets, error) {
	name := filepath.Join(data, secretsFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newSecrets(); err == nil {
			err = writeFile(name, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("load the secrets: %w", err)
	}
	var form secretsForm
	if err := json.Unmarshal(text, &form); err != nil {
		return nil, fmt.Errorf("load the secrets of %s: %w", name, err)
	}
	s := &secrets{}
	if s.pepper, err = hex.DecodeString(form.KeyPepper); err != nil {
		return nil, fmt.Errorf("load the secrets of %s: %w", name, err)
	}
	if s.ring, err = keys.NewRing(s.pepper); err != nil {
		return nil, err
	}
	s.issuer, err = identity.LoadDevIssuer([]byte(form.Issuer))
	return s, err
}

func newSecrets() ([]byte, error) {
	pepper := make([]byte, 32)
	_, _ = rand.Read(pepper) // never fails (crypto/rand)
	issuer, err := identity.NewDevIssuer()
	if err != nil {
		return nil, err
	}
	pem, err := issuer.Marshal()
	if err != nil {
		return nil, err
	}
	return json.Marshal(secretsForm{hex.EncodeToString(pepper), string(pem)})
}

// writeFile writes a file that only its owner reads, whole or not at all, also
// through a crash.
func writeFile(name string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), name); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
