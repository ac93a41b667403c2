package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/dynamo/dynamolocal"
)

// TestTheRelayOfTheDeployedStackLosesNothing has approvals go on while the
// relay's processes are killed and a record that nobody can read stands in the
// stream; then everything in the stream is delivered once more, backwards and
// twice. Each clock must end as its action did, having started once, and each
// event must have come, under one id however often.
func TestTheRelayOfTheDeployedStackLosesNothing(t *testing.T) {
	s := deployed(t)
	at := place{data: s.data, emulator: s.emulator}
	bus := overhear(t, at)
	var org tenant.ID
	p := newScene(s, func(o tenant.ID, _ client) clock { org = o; return stateMachine{stateMachines(at), nil, o} })
	p.T = t
	agent := p.single(300)

	stop, killed := make(chan struct{}), make(chan int)
	go func() { killed <- killRelays(stop) }()
	ids := make([]action.ID, 36)
	var wait sync.WaitGroup
	room := make(chan bool, 6)
	for i := range ids {
		wait.Go(func() {
			room <- true
			defer func() { <-room }()
			ids[i] = p.asks(agent)
			if i == 8 {
				poison(t, at, org)
			}
			time.Sleep(time.Duration(i%5) * 1200 * time.Millisecond)
			verb := []string{"approve", "reject"}[i%2]
			if code, body := p.decides(p.approver, verb, ids[i]); code != http.StatusOK {
				t.Errorf("to %s action %d is answered %d %v", verb, ids[i], code, body)
			}
		})
	}
	wait.Wait()
	close(stop)
	if n := <-killed; n < 3 {
		t.Errorf("only %d processes of the relay were killed", n)
	} else {
		t.Logf("%d processes of the relay were killed", n)
	}
	endings := func() {
		t.Helper()
		for i, id := range ids {
			status, event := "approved", "action.approved"
			if i%2 == 1 {
				status, event = "denied", "action.denied"
			}
			p.ends(id, status, "approver", event)
		}
	}
	endings()
	before := histories(t, at, org, ids)

	redeliver(t, at, org)
	endings()
	if after := histories(t, at, org, ids); !maps.Equal(before, after) {
		t.Errorf("records delivered again changed executions: %v, before %v", after, before)
	}

	want := map[string]int{} // events of an action: how many ids
	for i, id := range ids {
		for _, name := range []string{"action.submitted", "action.pending", "workflow.started", "workflow.completed", []string{"action.approved", "action.denied"}[i%2]} {
			want[fmt.Sprintf("actions/%d %s", id, name)] = 1
		}
	}
	bus.awaits(t, org, want)
	lettersOf(at).awaits(t, store.ActionKey(org, 1).PK)
}

// killRelays kills each process of the relay that it finds, until told to stop,
// and counts them.
func killRelays(stop <-chan struct{}) (killed int) {
	for {
		select {
		case <-stop:
			return killed
		case <-time.After(4 * time.Second): // a call must be able to end between two kills
		}
		environs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, name := range environs {
			env, err := os.ReadFile(name)
			if err != nil || !bytes.Contains(env, []byte("AWS_LAMBDA_FUNCTION_NAME="+stackName+"-stream-relay\x00")) {
				continue
			}
			pid, err := strconv.Atoi(strings.Split(name, "/")[2])
			if err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
}

// poison stores what is no action where an action would be.
func poison(t *testing.T, at place, org tenant.ID) {
	db, err := deployedStore(at)
	if err == nil {
		_, err = db.Write(t.Context(), store.Put{Item: store.Item{Key: store.ActionKey(org, 1), Body: []byte("poison")}})
	}
	if err != nil {
		t.Error(err)
	}
}

// redeliver calls the relay with all that the stream of actions holds of an
// organisation, backwards, each record twice.
func redeliver(t *testing.T, at place, org tenant.ID) {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(dynamolocal.Event(t, client, tablePrefix+string(store.Actions)), &event); err != nil {
		t.Fatal(err)
	}
	var ours []json.RawMessage
	for _, r := range slices.Backward(event.Records) {
		if bytes.Contains(r, []byte(`"`+org.String()+`#`)) && bytes.Contains(r, []byte(`"action"`)) && !bytes.Contains(r, []byte(store.ActionKey(org, 1).PK)) {
			ours = append(ours, r, r)
		}
	}
	if len(ours) < 2*2*36 {
		t.Fatalf("the stream holds only %d records of the organisation", len(ours)/2)
	}
	event.Records = ours
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.emulator+"/2015-03-31/functions/"+stackName+"-stream-relay/invocations", bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", unsigned("lambda"))
	var answer struct {
		BatchItemFailures []any  `json:"batchItemFailures"`
		ErrorMessage      string `json:"errorMessage"`
	}
	if err := answerOf(request, &answer); err != nil || answer.ErrorMessage != "" || len(answer.BatchItemFailures) > 0 {
		t.Errorf("delivered again, %d records are answered %+v, %v", len(ours), answer, err)
	}
}

// histories are how many events each execution's history holds.
func histories(t *testing.T, at place, org tenant.ID, ids []action.ID) map[action.ID]int {
	t.Helper()
	m := stateMachine{stateMachines(at), nil, org}
	lengths := map[action.ID]int{}
	for _, id := range ids {
		out, err := m.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: m.execution(id)})
		if err != nil {
			t.Fatal(err)
		}
		lengths[id] = len(out.Events)
	}
	return lengths
}

// heard is a queue that gets all events of the bus.
type heard struct {
	at    place
	queue string
}

// overhear has the bus send all events to a queue of the test's own.
func overhear(t *testing.T, at place) heard {
	t.Helper()
	h := heard{at, queue(t, at, "heard")}
	arn := "arn:aws:sqs:" + emulatedRegion + ":" + emulatedAccount + ":heard"
	for _, call := range []struct {
		operation string
		in        any
	}{
		{"PutRule", map[string]any{"Name": "heard", "EventBusName": "ascend", "EventPattern": `{"source": ["ascend"]}`}},
		{"PutTargets", map[string]any{"Rule": "heard", "EventBusName": "ascend", "Targets": []any{map[string]string{"Id": "queue", "Arn": arn}}}},
	} {
		if err := awsCall(t.Context(), at.emulator, "events", "AWSEvents."+call.operation, call.in, nil); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// awaits waits until the events of an organisation's actions are there, each
// under so many ids, and returns the ids.
func (h heard) awaits(t *testing.T, org tenant.ID, want map[string]int) (ids map[string]map[string]bool) {
	t.Helper()
	ids = map[string]map[string]bool{}
	got := func() map[string]int {
		count := map[string]int{}
		for name, of := range ids {
			count[name] = len(of)
		}
		return count
	}
	for limit := time.Now().Add(patience); !maps.Equal(got(), want) && time.Now().Before(limit); {
		for _, body := range receive(t, h.at, h.queue) {
			var e struct {
				DetailType string `json:"detail-type"`
				Source     string `json:"source"`
				Detail     struct {
					ID             string `json:"id"`
					Type           string `json:"type"`
					Subject        string `json:"subject"`
					OrganizationID int64  `json:"organizationid"`
				} `json:"detail"`
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				t.Fatal(err)
			}
			if tenant.ID(e.Detail.OrganizationID) != org || !strings.HasPrefix(e.Detail.Subject, "actions/") {
				continue
			}
			if e.Source != "ascend" || e.DetailType != e.Detail.Type {
				t.Errorf("an event is %+v", e)
			}
			name := e.Detail.Subject + " " + e.Detail.Type
			if ids[name] == nil {
				ids[name] = map[string]bool{}
			}
			ids[name][e.Detail.ID] = true
		}
	}
	if got := got(); !maps.Equal(got, want) {
		t.Errorf("of events came %v, want %v", got, want)
	}
	return ids
}

// queue makes a queue, or finds it.
func queue(t *testing.T, at place, name string) (url string) {
	t.Helper()
	var out struct {
		QueueURL string `json:"QueueUrl"`
	}
	err := awsCall(t.Context(), at.emulator, "sqs", "AmazonSQS.GetQueueUrl", map[string]any{"QueueName": name}, &out)
	if err != nil {
		err = awsCall(t.Context(), at.emulator, "sqs", "AmazonSQS.CreateQueue", map[string]any{"QueueName": name}, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueURL
}

// receive takes up to ten messages from a queue.
func receive(t *testing.T, at place, url string) (bodies []string) {
	t.Helper()
	var out struct {
		Messages []struct{ Body, ReceiptHandle *string }
	}
	in := map[string]any{"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
	if err := awsCall(t.Context(), at.emulator, "sqs", "AmazonSQS.ReceiveMessage", in, &out); err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Messages {
		bodies = append(bodies, aws.ToString(m.Body))
		gone := map[string]any{"QueueUrl": url, "ReceiptHandle": m.ReceiptHandle}
		if err := awsCall(context.WithoutCancel(t.Context()), at.emulator, "sqs", "AmazonSQS.DeleteMessage", gone, nil); err != nil {
			t.Fatal(err)
		}
	}
	return bodies
}
