// Command localstack runs the whole API on this machine over an embedded
// durable store, with nothing else installed.
//
//	localstack serve                              what `make run` does
//	localstack token -role user -email a@b.c      a token for another person
//	localstack token -org 2 -key                  another organisation, with a key
//
// It also runs the stack on LocalStack, the emulator of AWS:
//
//	localstack up                                 start LocalStack, by Docker or without
//	localstack deploy                             deploy, and print how to call it
//	localstack smoke                              see that what is deployed does its job
//	localstack down                               stop LocalStack; what it held is lost
//
// ADDR (127.0.0.1:8080) and DATA (.ascend) choose the address and the folder,
// AWS_ENDPOINT_URL (http://127.0.0.1:4566) where LocalStack is.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ascend:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	place := place{
		addr: cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"),
		data: cmp.Or(os.Getenv("DATA"), ".ascend"),

		emulator: cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566"),
	}
	command := "serve"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, place, stdout, stderr)
	case "token":
		return token(place, args, stdout, stderr)
	case "up":
		return up(ctx, place, stderr)
	case "deploy":
		return deploy(ctx, place, args, stdout, stderr)
	case "smoke":
		return smoke(ctx, place, stdout)
	case "down":
		return down(ctx, place, stderr)
	default:
		return errors.New("usage: localstack serve | token [-h] | up | deploy [-h] | smoke | down")
	}
}

// place is where the server listens and keeps its data, and where LocalStack is.
type place struct{ addr, data, emulator string }
