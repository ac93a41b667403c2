package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ascend/shared/app/relay"
	"ascend/shared/domain/action"
	"ascend/shared/domain/tenant"
	"ascend/shared/store"
	"ascend/shared/store/dynamo/dynamolocal"
)

// TestRedriveOnTheDeployedStack puts two dead letters as Lambda writes them into
// the bucket: of a submission that was announced long ago, and of a record that
// the relay can never handle, which becomes a letter of the relay's own. It may
// find letters of others, and looks at its own.
func TestRedriveOnTheDeployedStack(t *testing.T) {
	s := deployed(t)
	at := place{data: s.data, emulator: s.emulator}
	bus := overhear(t, at)
	letters := lettersOf(at)
	var org tenant.ID
	p := newScene(s, func(o tenant.ID, _ client) clock { org = o; return stateMachine{stateMachines(at), nil, o} })
	p.T = t

	submitted := p.does(p.key, "POST", "/api/v1/actions/submit", fmt.Sprintf(`{"agent_id": %q, "action_type": "email_send"}`, p.agent()))
	id, _ := submitted["id"].(float64)
	want := map[string]int{fmt.Sprintf("actions/%.0f action.submitted", id): 1, fmt.Sprintf("actions/%.0f action.approved", id): 1}
	told := bus.awaits(t, org, want)
	for len(receive(t, at, bus.queue)) > 0 { // what comes from now on was redriven
	}

	submission := recordOf(t, at, store.ActionKey(org, action.ID(id)))
	unreadable := recordOf(t, at, spoil(t, at, org))
	first, second := "aws/lambda/test/"+org.String()+"/1", "aws/lambda/test/"+org.String()+"/2"
	letters.put(t, first, `{"version": "1.0", "requestContext": {"condition": "RetryAttemptsExhausted"}, "payload": {"Records": [`+submission+`]}}`)
	letters.put(t, second, `{"version": "1.0", "requestContext": {"condition": "RetryAttemptsExhausted"}, "payload": {"Records": [`+unreadable+`]}}`)

	redrive := redriver(t, at)
	listed, code := redrive("-dry-run")
	for _, key := range []string{first, second} {
		if !strings.Contains(listed, key+": 1 records") || code != 0 {
			t.Errorf("a dry run ends with %d and does not list %s:\n%s", code, key, listed)
		}
	}
	said, code := redrive()
	t.Log(said)
	if code != 1 {
		t.Errorf("with a letter left it ends with %d", code)
	}
	for _, key := range []string{first, second} {
		if !strings.Contains(said, key+": 1 records redriven; it is deleted") {
			t.Errorf("it does not say that %s was redriven", key)
		}
	}
	left := letters.awaits(t, store.ActionKey(org, 2).PK)
	if !strings.Contains(left, `"reason":`) || !strings.Contains(left, `"consumer":`) {
		t.Errorf("the relay's own letter is %s", left)
	}
	if again := bus.awaits(t, org, want); !reflect.DeepEqual(again, told) {
		t.Errorf("redriven, the events came as %v, before as %v", again, told)
	}
}

// recordOf waits for the first change of an item to be in its table's stream,
// and returns its record as Lambda gives it to the relay.
func recordOf(t *testing.T, at place, key store.Key) string {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(dynamolocal.Event(t, client, tablePrefix+string(key.Table)), &event); err != nil {
		t.Fatal(err)
	}
	for _, r := range event.Records {
		if strings.Contains(string(r), `"`+key.PK+`"`) && strings.Contains(string(r), `"`+key.SK+`"`) {
			return string(r)
		}
	}
	t.Fatalf("the stream of %s has no change of %v", key.Table, key)
	return ""
}

// lettersBucket is the bucket of the deployed relay's dead letters.
type lettersBucket struct {
	*s3.Client
	name *string
}

func lettersOf(at place) lettersBucket {
	return lettersBucket{
		Client: s3.New(s3.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody, UsePathStyle: true}),
		name:   aws.String(stackName + "-relay-dead-letters-" + emulatedAccount),
	}
}

func (b lettersBucket) put(t *testing.T, key, body string) {
	t.Helper()
	if _, err := b.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b.name, Key: &key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

// awaits waits for a letter that names a partition, and returns it.
func (b lettersBucket) awaits(t *testing.T, partition string) string {
	t.Helper()
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(time.Second) {
		page, err := b.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b.name})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			object, err := b.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b.name, Key: o.Key})
			if err != nil {
				continue // deleted meanwhile
			}
			body, err := io.ReadAll(object.Body)
			if err != nil {
				t.Fatal(err)
			}
			var letter relay.DeadLetter
			if json.Unmarshal(body, &letter) == nil && (letter.PK == partition || bytes.Contains(letter.Record, []byte(`"`+partition+`"`))) {
				return string(body)
			}
		}
	}
	t.Errorf("no dead letter names %s", partition)
	return ""
}

// spoil stores an item that nobody can read. Its sort key keeps it from the
// mapping, which would try it for minutes, but not from who reads the stream.
func spoil(t *testing.T, at place, org tenant.ID) store.Key {
	t.Helper()
	key := store.ActionKey(org, 2)
	key.SK = "spoilt"
	client := dynamodb.New(dynamodb.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tablePrefix + string(key.Table)), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: key.PK}, "sk": &types.AttributeValueMemberS{Value: key.SK},
		"body": &types.AttributeValueMemberB{Value: []byte("\x09{}")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// redriver builds the tool, and returns how it is run on LocalStack: as make redrive does.
func redriver(t *testing.T, at place) func(args ...string) (said string, code int) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "redrive")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, "../infra/redrive").CombinedOutput(); err != nil {
		t.Fatalf("build redrive: %v\n%s", err, out)
	}
	return func(args ...string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, append([]string{"-env", "local"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+at.emulator, "AWS_REGION="+emulatedRegion, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
		out, err := cmd.CombinedOutput()
		if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
}
