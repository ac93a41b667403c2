// Command redrive gives the stream relay its dead letters again. A dead letter
// is an object in the deployment's bucket: either records that Lambda gave up
// after an hour, or one change that the relay can never handle. Each is given to
// the relay once more, and deleted when the relay succeeds.
//
//	go run ./infra/redrive -env prod [-dry-run]
//
// It takes AWS credentials and the region from where the AWS command line finds
// them; AWS_ENDPOINT_URL leads it to LocalStack. They must allow
// lambda:GetFunctionConfiguration and InvokeFunction, and s3:ListBucket,
// GetObject and DeleteObject. It ends with status 1 when a letter is left.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interruption ends it at once
	left, err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "redrive:", err)
		os.Exit(1)
	case left:
		os.Exit(1)
	}
}

var environment = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// command runs the arguments, and reports whether a dead letter is left.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) (left bool, err error) {
	flags := flag.NewFlagSet("redrive", flag.ContinueOnError)
	flags.SetOutput(stderr)
	env := flags.String("env", "", "the `environment`: local, dev, staging or prod")
	dry := flags.Bool("dry-run", false, "list the dead letters and change nothing")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	if !environment.MatchString(*env) || flags.NArg() > 0 {
		return false, errors.New("name one environment, such as: make redrive ENV=prod")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return false, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return false, errors.New("no AWS region is chosen: set AWS_REGION")
	}
	client := lambda.NewFromConfig(cfg)
	r := redrive{
		objects:   s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil }),
		functions: client, relay: "ascend-" + *env + "-stream-relay", out: stdout, dry: *dry,
	}
	found, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &r.relay})
	if err != nil {
		return false, fmt.Errorf("find the function %s in region %s: %w", r.relay, cfg.Region, err)
	}
	if found.Environment != nil {
		r.bucket = found.Environment.Variables[bucketVariable]
	}
	if r.bucket == "" {
		return false, fmt.Errorf("the function %s names no bucket in %s: deploy the stack again", r.relay, bucketVariable)
	}
	fmt.Fprintln(stdout, "bucket", r.bucket)
	n, err := r.run(ctx)
	fmt.Fprintln(stdout, n.summary(*dry))
	return n.left > 0 && !*dry, err
}

// bucketVariable is the relay's environment variable that names the bucket.
const bucketVariable = "ASCEND_DEAD_LETTER_BUCKET"
