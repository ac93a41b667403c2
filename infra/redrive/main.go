// Command redrive brings back the changes that the stream relay gave up. The
// relay's dead-letter queue holds their places in a stream, which keeps them
// for 24 hours: they are read there, given to the relay once more, and the
// message is deleted when all of them succeeded.
//
//	go run ./infra/redrive -env prod [-dry-run] [-forget]
//
// It works with the caller's AWS credentials and region, wherever the AWS
// command line would find them; AWS_ENDPOINT_URL leads it to LocalStack. They
// must allow sqs:GetQueueUrl, ReceiveMessage, DeleteMessage and
// ChangeMessageVisibility, dynamodb:GetShardIterator and GetRecords, and
// lambda:InvokeFunction. It ends with status 1 when a message is left.
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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
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

// The names of the stack's function and queue, behind the environment's prefix.
const (
	relayName = "stream-relay"
	queueName = "relay-dead-letters"
)

var environment = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// command does what the arguments say, and reports whether a message that was
// to be redriven is left in the queue.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) (left bool, err error) {
	flags := flag.NewFlagSet("redrive", flag.ContinueOnError)
	flags.SetOutput(stderr)
	env := flags.String("env", "", "the `environment`: local, dev, staging or prod")
	dry := flags.Bool("dry-run", false, "list what is there, and change nothing")
	forget := flags.Bool("forget", false, "delete the messages whose changes the stream no longer has")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	if !environment.MatchString(*env) || flags.NArg() > 0 {
		return false, errors.New("say the environment and nothing else: make redrive ENV=prod")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return false, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return false, errors.New("no AWS region is chosen: set AWS_REGION")
	}
	prefix := "ascend-" + *env + "-"
	r := redrive{
		queue: sqs.NewFromConfig(cfg), streams: dynamodbstreams.NewFromConfig(cfg), functions: lambda.NewFromConfig(cfg),
		relay: prefix + relayName, tables: prefix, out: stdout, now: time.Now, dry: *dry, forget: *forget,
	}
	name := prefix + queueName
	found, err := r.queue.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return false, fmt.Errorf("find the queue %s in region %q: %w", name, cfg.Region, err)
	}
	r.url = aws.ToString(found.QueueUrl)
	fmt.Fprintln(stdout, "queue", r.url)
	count, err := r.run(ctx)
	fmt.Fprintln(stdout, count.summary(*dry))
	return count.left > 0 && !*dry, err
}
