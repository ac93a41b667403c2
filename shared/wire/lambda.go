// Package wire puts a Lambda function together: one route over DynamoDB.
// Package background does so for those that nobody calls over HTTP. The local
// server puts itself together in folder localstack, so that no function carries
// the embedded store.
package wire

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"ascend/shared/app"
	"ascend/shared/endpoint"
	gateway "ascend/shared/endpoint/lambda"
	"ascend/shared/identity"
	"ascend/shared/keys"
	"ascend/shared/wire/internal/cloud"
)

// The environment variables of a function of the API, beside those of every
// function. They hold one environment's trust and are set by the stack.
const (
	envIssuer   = "ASCEND_ISSUER"
	envAudience = "ASCEND_AUDIENCE"
	envJWKSURL  = "ASCEND_JWKS_URL"
	envJWKS     = "ASCEND_JWKS"       // a key set in place of its address
	envPepper   = "ASCEND_KEY_PEPPER" // hex, of the API keys' hashes
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
	lambda.Start(gateway.Handler(h, log))
}

func handler(env func(string) string, log *slog.Logger, route endpoint.Route) (http.Handler, error) {
	credentials, err := credentials(env)
	if err != nil {
		return nil, err
	}
	a, err := cloud.Env(env).App(app.Options{})
	if err != nil {
		return nil, err
	}
	return endpoint.New(a, credentials, log, route)
}

// credentials returns what authenticates callers. It is an error to configure none.
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
		Issuer: env(envIssuer), Audience: env(envAudience), Environment: env(cloud.Environment),
		JWKS: []byte(env(envJWKS)), JWKSURL: env(envJWKSURL),
	})
	if err != nil {
		return nil, err
	}
	return identity.Credentials{Tokens: tokens, Keys: ring}, nil
}
