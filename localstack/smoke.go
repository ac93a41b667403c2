package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"ascend/shared/domain/action"
	"ascend/shared/executions"
)

// endWithin is how long an execution may take to end after its approval.
const endWithin = 30 * time.Second

// smoke sees that what is deployed does its main job, from health to the end
// of an approval's execution. Each step prints a line.
func smoke(ctx context.Context, at place, out io.Writer) error {
	text, err := os.ReadFile(filepath.Join(at.data, deployedEnvFile))
	if err != nil {
		return fmt.Errorf("nothing is deployed from %s; run: make deploy-local: %w", at.data, err)
	}
	lines := string(text)
	p := &prober{url: value(lines, envURL), out: out}
	byKey, byAdmin, byApprover := "X-API-Key: "+value(lines, envKey), "Authorization: Bearer "+value(lines, envAdmin), "Authorization: Bearer "+value(lines, envApprover)
	agent := fmt.Sprintf("smoke-%d", time.Now().UnixMilli())

	p.want(ctx, "the API is healthy", "GET", "/health", "", "", "status", "healthy", "ok")
	p.want(ctx, "an agent is registered", "POST", "/api/registry/agents", byKey, `{"agent_id": "`+agent+`", "display_name": "Smoke test"}`, "created", "true")
	p.want(ctx, "and activated", "POST", "/api/registry/agents/"+agent+"/activate", byAdmin, "", "success", "true")
	p.want(ctx, "a low risk is approved at once", "POST", "/api/v1/actions/submit", byKey,
		`{"agent_id": "`+agent+`", "action_type": "email_send", "description": "Send welcome email", "tool_name": "email_service"}`, "status", "approved")
	pending := p.want(ctx, "an action that asks for a person waits", "POST", "/api/v1/actions/submit", byKey,
		`{"agent_id": "`+agent+`", "action_type": "email_send", "context": {"require_human_approval": true}}`, "status", "pending_approval")
	number, _ := pending["action_id"].(float64)
	id := strconv.FormatInt(int64(number), 10)
	execution := executions.Name(admin.Org, action.ID(number))
	p.execution(ctx, at, execution, types.ExecutionStatusRunning)
	p.want(ctx, "a person approves it", "POST", "/api/v1/actions/"+id+"/approve", byApprover, `{"reason": "Smoke test"}`, "status", "approved")
	p.want(ctx, "its status says so", "GET", "/api/v1/actions/"+id+"/status", byKey, "", "status", "approved")
	p.execution(ctx, at, execution, types.ExecutionStatusSucceeded)
	if p.err != nil {
		return fmt.Errorf("smoke test: %w", p.err)
	}
	_, err = fmt.Fprintln(out, "all is well")
	return err
}

// prober makes one call after the other and stops at the first that fails.
type prober struct {
	url string
	out io.Writer
	err error
}

// want makes a call whose answer must hold one of the values in a field.
func (p *prober) want(ctx context.Context, what, method, path, header, body, field string, values ...string) (answer map[string]any) {
	if p.err != nil {
		return nil
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err == nil {
		if name, text, ok := strings.Cut(header, ": "); ok {
			request.Header.Set(name, text)
		}
		if body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		err = answerOf(request, &answer)
	}
	if err == nil {
		got := fmt.Sprint(answer[field])
		err = fmt.Errorf("%s is %s, not %s", field, got, strings.Join(values, " or "))
		for _, want := range values {
			if got == want {
				err = nil
			}
		}
	}
	p.tell(what, began, err)
	return answer
}

// execution waits until the execution of that name has a status.
func (p *prober) execution(ctx context.Context, at place, execution string, want types.ExecutionStatus) {
	if p.err != nil {
		return
	}
	began := time.Now()
	p.tell("its execution is "+string(want), began, awaitExecution(ctx, at, execution, want))
}

func awaitExecution(ctx context.Context, at place, execution string, want types.ExecutionStatus) error {
	client := stateMachines(at)
	machines, err := client.ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	if err != nil {
		return err
	}
	var status types.ExecutionStatus
	for deadline := time.Now().Add(endWithin); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		for _, machine := range machines.StateMachines {
			name := strings.Replace(*machine.StateMachineArn, ":stateMachine:", ":execution:", 1) + ":" + execution
			found, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &name})
			if absent := new(types.ExecutionDoesNotExist); errors.As(err, &absent) {
				continue
			}
			if err != nil {
				return err
			}
			if status = found.Status; status == want {
				return nil
			}
		}
	}
	return fmt.Errorf("execution %s is %q after %v", execution, status, endWithin)
}

func (p *prober) tell(what string, began time.Time, err error) {
	result := "ok    "
	if err != nil {
		result, p.err = "FAILED", fmt.Errorf("%s: %w", what, err)
	}
	fmt.Fprintf(p.out, "%s  %5.2f s  %s\n", result, time.Since(began).Seconds(), what)
}
