package host

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	installTimeout = 10 * time.Minute
	retryPause     = 5 * time.Second
)

// installation is a folder with LocalStack in it. It is made whole or not at
// all and never changed.
type installation struct {
	tools
	folder string
}

func (i installation) interpreter() string { return filepath.Join(i.folder, "venv", "bin", "python") }
func (i installation) dynamodb() string    { return filepath.Join(i.folder, "dynamodb-local") }
func (i installation) jsonata() string     { return filepath.Join(i.folder, "jsonata") }

// install finds the installation in the user's cache folder, or makes it,
// telling of each step.
func install(ctx context.Context, progress io.Writer) (i installation, err error) {
	if i.tools, err = findTools(ctx); err != nil {
		return i, err
	}
	name := fmt.Sprintf("localstack-%s-%s", Version, i.fingerprint())
	i.folder, err = Cached(name, func(draft string) error {
		if i.maven == "" {
			return fmt.Errorf("%w: it needs Maven, once; install maven", ErrAbsent)
		}
		ctx, cancel := context.WithTimeout(ctx, installTimeout)
		defer cancel()
		return i.fill(ctx, draft, progress)
	})
	if err != nil {
		return i, fmt.Errorf("install LocalStack %s: %w", Version, err)
	}
	return i, nil
}

// fingerprint changes with everything that an installation is made from.
func (t tools) fingerprint() string {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOOS, runtime.GOARCH, t.python)
	for _, name := range []string{"build.lock", "localstack.lock", "pom.xml", "java/Loopback.java"} {
		text, _ := files.ReadFile(name) // embedded
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:6])
}

// fill makes the installation in an empty folder.
func (i installation) fill(ctx context.Context, folder string, progress io.Writer) error {
	if err := os.CopyFS(filepath.Join(folder, "from"), files); err != nil {
		return err
	}
	in := installation{i.tools, folder}
	from := func(name string) string { return filepath.Join(folder, "from", name) }
	libraries := filepath.Join(in.dynamodb(), "DynamoDBLocal_lib")
	classes := filepath.Join(folder, "classes")
	copied := func(profile, to string) []string {
		return []string{i.maven, "-B", "-q", "-f", from("pom.xml"), "-P" + profile, "dependency:copy-dependencies", "-DoutputDirectory=" + to}
	}
	pip := func(lock string, options ...string) []string {
		return append([]string{in.interpreter(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
			"--require-hashes", "-r", from(lock)}, options...)
	}
	for _, step := range []struct {
		what    string
		do      func(ctx context.Context, command []string) error
		command []string
	}{
		{"a virtual environment", run, []string{i.python, "-m", "venv", filepath.Join(folder, "venv")}},
		{"what builds Python packages", fetch, pip("build.lock", "--only-binary", ":all:")},
		{"LocalStack and its Python packages, 60 to 90 s", fetch, pip("localstack.lock", "--no-build-isolation")},
		{"DynamoDB Local", fetch, copied("dynamodb", libraries)},
		{"JSONata", fetch, copied("jsonata", in.jsonata())},
		{"the start of DynamoDB Local", run, []string{filepath.Join(i.javaHome, "bin", "javac"), "-proc:none", "-cp", filepath.Join(libraries, "*"),
			"-d", classes, from("java/Loopback.java")}},
	} {
		fmt.Fprintln(progress, "localstack: installing", step.what)
		if err := step.do(ctx, step.command); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if err := in.pack(classes); err != nil {
		return err
	}
	return sqlite(libraries)
}

// fetch runs a step that asks a registry, and once more when it fails: now and
// then one does not answer.
func fetch(ctx context.Context, command []string) error {
	err := run(ctx, command)
	if err == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return err
	case <-time.After(retryPause):
	}
	return run(ctx, command)
}

// run runs a step of the installation with the environment of the user, whose
// settings of registries and certificates it needs.
func run(ctx context.Context, command []string) error {
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err == nil {
		return nil
	}
	text := out[max(0, len(out)-2000):]
	for _, sign := range []string{"connection broken", "Could not find a version", "Unknown host", "Could not transfer artifact", "timed out"} {
		if bytes.Contains(out, []byte(sign)) {
			return fmt.Errorf("%w: a package registry cannot be reached\n%s", ErrAbsent, text)
		}
	}
	return errors.Join(fmt.Errorf("%w\n%s", err, text), ctx.Err())
}

// pack writes the two jars that LocalStack starts DynamoDB Local with: the
// program and an agent, here one class that is both.
func (i installation) pack(classes string) error {
	jars, err := filepath.Glob(filepath.Join(i.dynamodb(), "DynamoDBLocal_lib", "*.jar"))
	if err != nil {
		return err
	}
	slices.Sort(jars)
	var path strings.Builder
	path.WriteString("Class-Path:")
	for _, jar := range jars {
		path.WriteString(" DynamoDBLocal_lib/" + filepath.Base(jar))
	}
	class, err := os.ReadFile(filepath.Join(classes, "Loopback.class"))
	if err != nil {
		return err
	}
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	for _, entry := range []struct {
		name string
		text []byte
	}{
		{"META-INF/MANIFEST.MF", []byte("Manifest-Version: 1.0\r\nMain-Class: Loopback\r\nPremain-Class: Loopback\r\n" + folded(path.String()) + "\r\n")},
		{"Loopback.class", class},
	} {
		file, err := w.Create(entry.name)
		if err == nil {
			_, err = file.Write(entry.text)
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	for _, name := range []string{"DynamoDBLocal.jar", "ddb-local-loader-0.1.jar"} { // the names LocalStack looks for
		if err := os.WriteFile(filepath.Join(i.dynamodb(), name), jar.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// folded breaks a line of a manifest, which holds at most 72 bytes, each line
// after the first beginning with a space.
func folded(line string) string {
	var b strings.Builder
	for length := 70; len(line) > length; length = 69 {
		b.WriteString(line[:length] + "\r\n ")
		line = line[length:]
	}
	return b.String() + line + "\r\n"
}

// sqlite links the native libraries under the names under which DynamoDB Local loads them.
func sqlite(libraries string) error {
	names, err := filepath.Glob(filepath.Join(libraries, "libsqlite4java-*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		stem, ext := filepath.Base(name), filepath.Ext(name)
		stem = strings.TrimSuffix(stem, ext)
		if i := strings.LastIndex(stem, "-"); i > 0 && strings.ContainsAny(stem[i+1:i+2], "0123456789") {
			plain := filepath.Join(libraries, stem[:i]+ext)
			if err := os.Symlink(filepath.Base(name), plain); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
	}
	return nil
}
