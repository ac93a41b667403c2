package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/go-json-experiment/json"

	"ascend/shared/store"
	"ascend/shared/store/dynamo"
)

// What is the same in every LocalStack.
const (
	emulatedAccount = "000000000000"
	emulatedRegion  = "us-east-1"
)

// anybody is whom LocalStack lets in: it checks no signature.
var anybody = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
})

// tablePrefix leads the names of the deployed stack's tables.
const tablePrefix = "ascend-local-"

// deployedStore returns the store of the stack that is deployed on LocalStack.
func deployedStore(at place) (store.Store, error) {
	client := dynamodb.New(dynamodb.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
	return dynamo.New(client, tablePrefix, store.Tables())
}

// stateMachines returns a client of Step Functions on LocalStack.
func stateMachines(at place) *sfn.Client {
	return sfn.New(sfn.Options{Region: emulatedRegion, BaseEndpoint: &at.emulator, Credentials: anybody})
}

// awsCall calls a service of LocalStack that speaks AWS's JSON protocol, for
// the few calls that are not worth a client of their own. The operation is the
// X-Amz-Target header, like AmazonSSM.GetParameter.
func awsCall(ctx context.Context, endpoint, service, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", operation)
	request.Header.Set("Authorization", unsigned(service))
	return answerOf(request, out)
}

// unsigned returns the header by which LocalStack tells which service is called.
func unsigned(service string) string {
	return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=test/20260101/%s/%s/aws4_request, SignedHeaders=host, Signature=0", emulatedRegion, service)
}

// answerOf sends a request and decodes the JSON of its answer, if it has any.
func answerOf(request *http.Request, out any) error {
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: answered %d %s", request.Method, request.URL.Path, answer.StatusCode, strings.TrimSpace(string(text[:min(len(text), 1000)])))
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}
