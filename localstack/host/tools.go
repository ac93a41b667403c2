package host

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// tools are the programs of this machine that are needed.
type tools struct {
	python   string // an interpreter of version 3.13
	javaHome string // of a JDK
	maven    string // empty where it is absent
}

const oldestJava = 17

// findTools looks for what running LocalStack needs, and for Maven, which only
// an installation needs.
func findTools(ctx context.Context) (t tools, err error) {
	if err := supported(runtime.GOOS, runtime.GOARCH); err != nil {
		return t, err
	}
	if t.python, err = findPython(ctx); err != nil {
		return t, err
	}
	if t.javaHome, err = findJava(ctx); err != nil {
		return t, err
	}
	t.maven, _ = exec.LookPath("mvn")
	return t, nil
}

// supported returns an error except on the one platform where all this has been seen to run.
func supported(system, architecture string) error {
	if system != "linux" || architecture != "amd64" {
		return fmt.Errorf("%w: it needs Linux on amd64, and this is %s on %s", ErrAbsent, system, architecture)
	}
	return nil
}

// findPython finds an interpreter of version 3.13, also one that pyenv has but
// has not chosen. LocalStack 4.14.0 starts with older ones and then fails every
// call of DynamoDB.
func findPython(ctx context.Context) (string, error) {
	const tell = "import sys, ensurepip; assert sys.version_info[:2] == (3, 13); print(sys.executable)"
	if out, err := exec.CommandContext(ctx, "python3.13", "-c", tell).Output(); err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	out, err := exec.CommandContext(ctx, "pyenv", "prefix", "3.13").Output()
	if err == nil {
		python := filepath.Join(strings.TrimSpace(string(out)), "bin", "python3.13")
		if exec.CommandContext(ctx, python, "-c", tell).Run() == nil {
			return python, nil
		}
	}
	return "", fmt.Errorf("%w: it needs Python 3.13 with venv; install python3.13 and python3.13-venv, or run: pyenv install 3.13", ErrAbsent)
}

var (
	javaSpecification = regexp.MustCompile(`(?m)^\s*java\.specification\.version = ([0-9.]+)$`)
	javaHome          = regexp.MustCompile(`(?m)^\s*java\.home = (.+)$`)
)

// findJava finds the home of the JDK in the PATH.
func findJava(ctx context.Context) (string, error) {
	missing := fmt.Errorf("%w: it needs a JDK of version %d or later; install openjdk-%d-jdk-headless or newer", ErrAbsent, oldestJava, oldestJava)
	out, err := exec.CommandContext(ctx, "java", "-XshowSettings:properties", "-version").CombinedOutput()
	if err != nil {
		return "", missing
	}
	version, home := javaSpecification.FindSubmatch(out), javaHome.FindSubmatch(out)
	if version == nil || home == nil {
		return "", missing
	}
	major, err := strconv.Atoi(string(version[1])) // "1.8" is no number
	if err != nil || major < oldestJava {
		return "", missing
	}
	found := strings.TrimSpace(string(home[1]))
	if _, err := exec.LookPath(filepath.Join(found, "bin", "javac")); err != nil {
		return "", missing
	}
	return found, nil
}

// variable names that would lead LocalStack, or the SDKs in it, elsewhere.
var misleading = regexp.MustCompile(`(?i)^(aws_.*|(http|https|all|no|ftp)_proxy|python.*|localstack_.*|lambda_.*|dynamodb_.*|debug|services|` +
	`gateway_.*|persistence|java_tool_options|ls_log|edge_port|docker_.*|_java_options|jdk_java_options)$`)

// Cleaned returns an environment without what would mislead LocalStack.
func Cleaned(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return misleading.MatchString(name)
	})
}
