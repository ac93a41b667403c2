package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/store"
)

const createTimeout = 2 * time.Minute

// CreateTables creates the tables of defs that do not exist, for tests and local
// use; deployments create theirs by CDK from the same definitions.
func CreateTables(ctx context.Context, client *dynamodb.Client, prefix string, defs []store.Definition) error {
	for _, def := range defs {
		if err := create(ctx, client, prefix+string(def.Table), def); err != nil {
			return fmt.Errorf("create table %s: %w", def.Table, err)
		}
	}
	return nil
}

func create(ctx context.Context, client *dynamodb.Client, name string, def store.Definition) error {
	in := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(PartitionKey, SortKey),
	}
	if def.Streamed {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: &yes, StreamViewType: types.StreamViewTypeNewAndOldImages}
	}
	in.AttributeDefinitions = stringKeys(PartitionKey, SortKey)
	for _, index := range def.Indexes {
		pk, sk := IndexKeys(index)
		in.AttributeDefinitions = append(in.AttributeDefinitions, stringKeys(pk, sk)...)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  aws.String(string(index)),
			KeySchema:  keySchema(pk, sk),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: Projection(def)},
		})
	}
	if _, err := client.CreateTable(ctx, in); err != nil {
		if exists := new(types.ResourceInUseException); errors.As(err, &exists) {
			return nil
		}
		return err
	}
	made := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := made.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, createTimeout); err != nil {
		return err
	}
	_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(TTL), Enabled: &yes},
	})
	return err
}

func keySchema(pk, sk string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &pk, KeyType: types.KeyTypeHash},
		{AttributeName: &sk, KeyType: types.KeyTypeRange},
	}
}

func stringKeys(names ...string) []types.AttributeDefinition {
	defs := make([]types.AttributeDefinition, len(names))
	for i, name := range names {
		defs[i] = types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	return defs
}
