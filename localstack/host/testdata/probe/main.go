// Command probe is a Lambda function that does what a test tells it to.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type order struct {
	Do string `json:"do"`
	N  int    `json:"n"`
}

type report struct {
	Process int      `json:"process"`
	Text    string   `json:"text,omitempty"`
	List    []string `json:"list,omitempty"`
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("init exits")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, o order) (report, error) {
	r := report{Process: os.Getpid()}
	switch o.Do {
	case "sleep":
		time.Sleep(time.Duration(o.N) * time.Millisecond)
	case "exit":
		fmt.Println("exits at once")
		os.Exit(o.N)
	case "panic":
		panic("asked to")
	case "fail":
		return r, fmt.Errorf("failed as asked")
	case "die soon": // after the answer
		go func() {
			time.Sleep(time.Duration(o.N) * time.Millisecond)
			os.Exit(4)
		}()
	case "print":
		for i := range o.N {
			fmt.Println("line", i)
		}
		fmt.Fprintln(os.Stderr, "line to stderr")
	case "answer":
		r.Text = strings.Repeat("x", o.N)
	case "environment":
		r.List = os.Environ()
	case "deadline":
		deadline, _ := ctx.Deadline()
		r.Text = time.Until(deadline).String()
	case "write":
		name := filepath.Join(os.TempDir(), "file")
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			return r, err
		}
		r.Text = name
	}
	return r, nil
}
