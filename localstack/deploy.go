package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/localstack/host"
	"ascend/shared/identity"
)

// deployedEnvFile holds the export lines of what is deployed, as dev.env those of the local server.
const deployedEnvFile = "deployed.env"

// stackName is that of the local environment's one stack.
const stackName = "ascend-local"

// deploy builds the functions and the CDK app, deploys them on LocalStack, makes
// the first organisation, and prints how to call it, as serve does. It may be
// repeated after a change, in Docker after down and up (decision record 22).
func deploy(ctx context.Context, at place, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("deploy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	app := flags.String("app", "", "`folder` of a synthesised CDK app, to be deployed as it is")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	version, err := host.Health(ctx, at.emulator)
	if err == nil {
		err = refuse(version)
	}
	if err != nil {
		return fmt.Errorf("no LocalStack on %s; run: go run ./localstack up: %w", at.emulator, err)
	}
	if err := os.MkdirAll(at.data, 0o700); err != nil {
		return err
	}
	secrets, err := loadSecrets(at.data)
	if err != nil {
		return err
	}
	if *app == "" {
		if *app, err = synthesize(ctx, stderr); err != nil {
			return err
		}
	}
	outputs, err := secrets.deployStack(ctx, at, *app, stderr)
	if err != nil {
		return err
	}
	api, err := apiURL(at.emulator, outputs)
	if err != nil {
		return err
	}
	db, err := deployedStore(at)
	if err != nil {
		return err
	}
	lines, err := secrets.seed(ctx, db, filepath.Join(at.data, deployedEnvFile), api)
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, lines)
	return err
}

// synthesize builds the functions for this machine, and the CDK app of the
// local environment, below .build. It runs in the module's root.
func synthesize(ctx context.Context, progress io.Writer) (app string, err error) {
	functions, app := filepath.Join(".build", "functions"), filepath.Join(".build", "cdk", "local")
	for _, step := range []struct {
		what    string
		command []string
	}{
		{"building the functions", []string{"go", "run", "./infra/pack", "-out", functions, runtime.GOARCH}},
		{"synthesising the stack", []string{"go", "run", "./infra"}},
	} {
		fmt.Fprintln(progress, "localstack:", step.what)
		cmd := exec.CommandContext(ctx, step.command[0], step.command[1:]...)
		cmd.Env = append(os.Environ(), "ENV=local", "CDK_OUTDIR="+app, "FUNCTIONS="+functions,
			"CDK_VALIDATION=false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20")
		cmd.Stdout, cmd.Stderr = progress, progress
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return app, nil
}

// deployStack runs CDK, and returns the stack's outputs.
func (s *secrets) deployStack(ctx context.Context, at place, app string, progress io.Writer) (map[string]string, error) {
	tools, err := cdkTools(ctx, progress)
	if err != nil {
		return nil, err
	}
	if !bootstrapped(ctx, at.emulator) {
		fmt.Fprintln(progress, "localstack: bootstrapping")
		if err := tools.run(ctx, at, progress, "bootstrap", "aws://"+emulatedAccount+"/"+emulatedRegion); err != nil {
			return nil, err
		}
	}
	jwks, err := s.issuer.JWKS()
	if err != nil {
		return nil, err
	}
	result, err := os.CreateTemp("", "ascend-outputs-*.json")
	if err != nil {
		return nil, err
	}
	defer os.Remove(result.Name())
	result.Close()

	fmt.Fprintln(progress, "localstack: deploying")
	args := []string{"deploy", stackName, "--app", app, "--require-approval", "never", "--no-notices", "--outputs-file", result.Name()}
	for _, p := range [][2]string{
		{"Pepper", hex.EncodeToString(s.pepper)}, {"Jwks", string(jwks)},
		{"Issuer", identity.DevelopmentIssuer}, {"Audience", identity.DevelopmentAudience},
	} {
		args = append(args, "--parameters", fmt.Sprintf("%s:%s=%s", stackName, p[0], p[1]))
	}
	if err := tools.run(ctx, at, progress, args...); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(result.Name())
	if err != nil {
		return nil, err
	}
	var outputs map[string]map[string]string
	if err := json.Unmarshal(text, &outputs); err != nil {
		return nil, fmt.Errorf("read the outputs of %s: %w", stackName, err)
	}
	return outputs[stackName], nil
}

var apiOutput = regexp.MustCompile(`^https?://([a-z0-9]+)\.execute-api\.[^/]+/([A-Za-z0-9_-]+)/?$`)

// apiURL returns where the REST API of a stack's outputs answers on LocalStack: the
// output's own host name would have to be looked up.
func apiURL(emulator string, outputs map[string]string) (string, error) {
	for _, value := range outputs {
		if m := apiOutput.FindStringSubmatch(value); m != nil {
			return fmt.Sprintf("%s/_aws/execute-api/%s/%s", emulator, m[1], m[2]), nil
		}
	}
	return "", fmt.Errorf("no output of %s is the address of its API: %v", stackName, outputs)
}

// bootstrapped reports whether this LocalStack has what CDK needs once.
func bootstrapped(ctx context.Context, emulator string) bool {
	const parameter = "/cdk-bootstrap/hnb659fds/version"
	return awsCall(ctx, emulator, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": parameter}, nil) == nil
}

// toolFiles pin the CDK's command line, by hashes.
var (
	//go:embed package.json
	packageFile []byte
	//go:embed package-lock.json
	packageLock []byte
)

// cdk is the folder in which aws-cdk and aws-cdk-local are installed.
type cdk string

// cdkTools finds them in the user's cache, or installs them.
func cdkTools(ctx context.Context, progress io.Writer) (cdk, error) {
	sum := sha256.Sum256(slices.Concat(packageFile, packageLock))
	folder, err := host.Cached(fmt.Sprintf("cdklocal-%x", sum[:6]), func(draft string) error {
		fmt.Fprintln(progress, "localstack: installing aws-cdk and aws-cdk-local")
		err := errors.Join(os.WriteFile(filepath.Join(draft, "package.json"), packageFile, 0o644),
			os.WriteFile(filepath.Join(draft, "package-lock.json"), packageLock, 0o644))
		if err != nil {
			return err
		}
		if _, err := exec.LookPath("npm"); err != nil {
			return errors.New("deploying needs Node.js with npm; install nodejs and npm")
		}
		npm := func() ([]byte, error) {
			cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
			cmd.Dir = draft
			return cmd.CombinedOutput()
		}
		out, err := npm()
		if err != nil && ctx.Err() == nil { // now and then a registry does not answer
			time.Sleep(5 * time.Second)
			out, err = npm()
		}
		if err != nil {
			return fmt.Errorf("npm ci: %w\n%s", err, out)
		}
		return nil
	})
	return cdk(folder), err
}

// run runs a command of the CDK against LocalStack. What it prints is shown as
// it comes, on progress.
func (c cdk) run(ctx context.Context, at place, progress io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(string(c), "node_modules", ".bin", "cdklocal"), args...)
	cmd.Env = append(host.Cleaned(os.Environ()),
		"AWS_ENDPOINT_URL="+at.emulator, "AWS_ENDPOINT_URL_S3="+at.emulator, "AWS_S3_FORCE_PATH_STYLE=1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION="+emulatedRegion, "AWS_DEFAULT_REGION="+emulatedRegion,
		"CDK_DISABLE_VERSION_CHECK=1", "CDK_VALIDATION=false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20", "CI=1",
	)
	var said bytes.Buffer
	cmd.Stdout = io.MultiWriter(&said, progress)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cdklocal %s: %w: %s", args[0], err, lastLine(said.String()))
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
