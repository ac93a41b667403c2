// Command pack builds the functions for Lambda: one call of go build for all
// below functions/cmd, and a zip with the binary as "bootstrap" for each, in
// <out>/<architecture>/<id>.zip. The same source makes the same bytes.
//
//	go run ./infra/pack -out .build/functions arm64 amd64
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", ".build/functions", "folder of the zips")
	flag.Parse()
	architectures := flag.Args()
	if len(architectures) == 0 {
		architectures = []string{"arm64"}
	}
	for _, arch := range architectures {
		if err := pack(*out, arch, "./functions/cmd/..."); err != nil {
			log.Fatalf("pack for %s: %v", arch, err)
		}
	}
}

// pack builds the main packages that match a pattern and zips each, beside the
// folder bin of their binaries. Zips of functions that are no more are removed.
func pack(out, arch, packages string) error {
	dir := filepath.Join(out, arch)
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := build(bin, arch, packages); err != nil {
		return err
	}
	ids, err := commands(packages)
	if err != nil {
		return err
	}
	if err := each(ids, func(id string) error {
		return archive(filepath.Join(dir, id+".zip"), filepath.Join(bin, id))
	}); err != nil {
		return err
	}
	return prune(dir, ids)
}

// build compiles for Lambda's provided.al2023: static, without the RPC mode of
// the older runtime, and without what would tell the machine it was built on.
func build(bin, arch, packages string) error {
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin+string(filepath.Separator), packages)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// commands returns the names of the main packages that match a pattern.
func commands(packages string) ([]string, error) {
	text, err := exec.Command("go", "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, packages).Output()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", packages, err)
	}
	var ids []string
	for path := range strings.FieldsSeq(string(text)) {
		ids = append(ids, path[strings.LastIndexByte(path, '/')+1:])
	}
	return ids, nil
}

// each does the same for every id, as many at once as there are processors.
func each(ids []string, do func(id string) error) error {
	errs := make([]error, len(ids))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, id := range ids {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			errs[i] = do(id)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// epoch is the time of the file in a zip: the oldest that the format can say.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archive writes a zip that holds a binary as "bootstrap". It leaves a zip
// alone that says in its comment that it holds these very bytes.
func archive(name, binary string) error {
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(content)
	sum := hex.EncodeToString(digest[:])
	if old, err := zip.OpenReader(name); err == nil {
		same := old.Comment == sum
		if err := old.Close(); err != nil || same {
			return err
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, z.SetComment(sum), z.Close()); err != nil {
		return fmt.Errorf("zip %s: %w", binary, err)
	}
	return replace(name, b.Bytes())
}

// replace writes a file whole or not at all.
func replace(name string, content []byte) error {
	if err := os.WriteFile(name+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// prune removes the zips and binaries of functions that are not among ids.
func prune(dir string, ids []string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains(ids, strings.TrimSuffix(entry.Name(), ".zip")) {
			return err
		}
		return os.Remove(path)
	})
}
