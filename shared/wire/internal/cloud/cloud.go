// Package cloud reads from a function's environment where it runs. Clients of
// AWS are made of it without the SDK's config package, whose loading would cost
// most of a cold start: Lambda gives region and credentials by variables.
package cloud

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"ascend/shared/app"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
)

// The environment variables of every function.
const (
	Environment = "ASCEND_ENVIRONMENT"  // local, dev, staging or prod
	Tables      = "ASCEND_TABLE_PREFIX" // leads every table's name
)

// Env looks up an environment variable; "" when it is not set.
type Env func(name string) string

// App returns the use cases over the deployment's tables.
func (env Env) App(o app.Options) (*app.App, error) {
	client := dynamodb.New(dynamodb.Options{Region: env.Region(), Credentials: env, BaseEndpoint: env.Endpoint()})
	tables, err := dynamo.New(client, env(Tables), store.Tables())
	if err != nil {
		return nil, err
	}
	o.Environment = env(Environment)
	return app.New(tables, o), nil
}

// Region is where the function runs.
func (env Env) Region() string { return env("AWS_REGION") }

// Endpoint is set where AWS is emulated; else nil.
func (env Env) Endpoint() *string {
	if endpoint := env("AWS_ENDPOINT_URL"); endpoint != "" {
		return &endpoint
	}
	return nil
}

// Retrieve implements aws.CredentialsProvider.
func (env Env) Retrieve(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID: env("AWS_ACCESS_KEY_ID"), SecretAccessKey: env("AWS_SECRET_ACCESS_KEY"),
		SessionToken: env("AWS_SESSION_TOKEN"), Source: "environment",
	}
	if !c.HasKeys() {
		return c, errors.New("the environment holds no AWS credentials")
	}
	return c, nil
}
