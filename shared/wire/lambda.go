// Package wire puts a Lambda function together: one route over DynamoDB. The
// local server puts itself together in folder localstack, so that no function
// carries the embedded store.
package wire

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"ascend/shared/app"
	"ascend/shared/endpoint"
	"ascend/shared/identity"
	"ascend/shared/keys"
	"ascend/shared/store"
	"ascend/shared/store/dynamo"
)

// The environment variables of a function; the last four hold one
// environment's trust and are set by the stack.
const (
	envEnvironment = "ASCEND_ENVIRONMENT"  // local, dev, staging or prod
	envTables      = "ASCEND_TABLE_PREFIX" // leads every table's name
	envIssuer      = "ASCEND_ISSUER"
	envAudience    = "ASCEND_AUDIENCE"
	envJWKSURL     = "ASCEND_JWKS_URL"
	envJWKS        = "ASCEND_JWKS"       // a key set in place of its address
	envPepper      = "ASCEND_KEY_PEPPER" // hex, of the API keys' hashes
)

// Lambda serves one route until the function's environment ends. It ends the
// process with a message when the function is not configured.
func Lambda(route endpoint.Route) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	h, err := handler(os.Getenv, log, route)
	if err != nil {
		log.Error("start the function", "operation", route.ID, "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(endpoint.Lambda(h, log))
}

func handler(env func(string) string, log *slog.Logger, route endpoint.Route) (http.Handler, error) {
	credentials, err := credentials(env)
	if err != nil {
		return nil, err
	}
	tables, err := dynamo.New(client(env), env(envTables), store.Tables())
	if err != nil {
		return nil, err
	}
	a := app.New(store.Retrying(tables, 3, 25*time.Millisecond))
	a.Environment = env(envEnvironment)
	return endpoint.New(a, credentials, log, route)
}

// client is made without the SDK's config package, whose loading would cost
// most of a cold start: Lambda gives region and credentials by variables.
func client(env func(string) string) *dynamodb.Client {
	o := dynamodb.Options{
		Region: env("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			c := aws.Credentials{
				AccessKeyID: env("AWS_ACCESS_KEY_ID"), SecretAccessKey: env("AWS_SECRET_ACCESS_KEY"),
				SessionToken: env("AWS_SESSION_TOKEN"), Source: "environment",
			}
			if !c.HasKeys() {
				return c, fmt.Errorf("the environment holds no AWS credentials")
			}
			return c, nil
		}),
	}
	if endpoint := env("AWS_ENDPOINT_URL"); endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return dynamodb.New(o)
}

// credentials says whom to believe. Nothing is believed by default.
func credentials(env func(string) string) (endpoint.Claimer, error) {
	pepper, err := hex.DecodeString(env(envPepper))
	if err != nil {
		return nil, fmt.Errorf("%s is not hexadecimal", envPepper)
	}
	ring, err := keys.NewRing(pepper)
	if err != nil {
		return nil, err
	}
	tokens, err := identity.New(identity.Config{
		Issuer: env(envIssuer), Audience: env(envAudience), Environment: env(envEnvironment),
		JWKS: []byte(env(envJWKS)), JWKSURL: env(envJWKSURL),
	})
	if err != nil {
		return nil, err
	}
	return Claimer(tokens, ring), nil
}

// Claimer recognises callers by token or key.
func Claimer(tokens *identity.Verifier, ring *keys.Ring) endpoint.Claimer {
	return claimer{identity.Credentials{Tokens: tokens, Keys: ring}}
}

type claimer struct{ identity.Credentials }

// Claim implements endpoint.Claimer.
func (c claimer) Claim(r *http.Request) (app.Claim, error) {
	claim, _, err := c.Credentials.Claim(r)
	return claim, err
}
