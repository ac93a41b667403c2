package dynamolocal_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"ascend/shared/store/dynamo/dynamolocal"
)

func TestTheLocalServerAnswers(t *testing.T) {
	if _, err := dynamolocal.Client(t).ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Fatal(err)
	}
}
