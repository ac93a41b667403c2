package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"ascend/shared/store"
	"ascend/shared/store/dynamo"
)

// data holds the tables, which are those of package store, paid by request and
// with a stream where a worker follows their changes; and the dead letters.
type data struct {
	stack
	tables  map[store.Table]awsdynamodb.CfnTable
	letters awss3.CfnBucket
}

func newData(s stack) data {
	d := data{stack: s, tables: map[store.Table]awsdynamodb.CfnTable{}, letters: newLetters(s)}
	scope := s.concern("Data")
	for _, def := range store.Tables() {
		props := &awsdynamodb.CfnTableProps{
			TableName: jsii.String(s.name(string(def.Table))), BillingMode: jsii.String("PAY_PER_REQUEST"),
			KeySchema:               keySchema(dynamo.PartitionKey, dynamo.SortKey),
			TimeToLiveSpecification: &awsdynamodb.CfnTable_TimeToLiveSpecificationProperty{AttributeName: jsii.String(dynamo.TTL), Enabled: jsii.Bool(true)},
		}
		keys := []string{dynamo.PartitionKey, dynamo.SortKey}
		var indexes []any
		for _, index := range def.Indexes {
			pk, sk := dynamo.IndexKeys(index)
			keys = append(keys, pk, sk)
			indexes = append(indexes, &awsdynamodb.CfnTable_GlobalSecondaryIndexProperty{
				IndexName: jsii.String(string(index)), KeySchema: keySchema(pk, sk),
				Projection: &awsdynamodb.CfnTable_ProjectionProperty{
					ProjectionType: jsii.String("INCLUDE"), NonKeyAttributes: jsii.Strings(dynamo.Projection(def)...),
				},
			})
		}
		if indexes != nil {
			props.GlobalSecondaryIndexes = indexes
		}
		props.AttributeDefinitions = attributes(keys)
		if def.Streamed {
			props.StreamSpecification = &awsdynamodb.CfnTable_StreamSpecificationProperty{StreamViewType: jsii.String("NEW_AND_OLD_IMAGES")}
		}
		if s.env.Protect {
			props.DeletionProtectionEnabled = jsii.Bool(true)
		}
		if s.env.Recovery {
			// The account's own key for DynamoDB (aws/dynamodb): its use is in
			// CloudTrail, as that of AWS's default key is not, and it has no
			// policy of ours that could lock the data away.
			props.SseSpecification = &awsdynamodb.CfnTable_SSESpecificationProperty{SseEnabled: jsii.Bool(true), SseType: jsii.String("KMS")}
			props.PointInTimeRecoverySpecification = &awsdynamodb.CfnTable_PointInTimeRecoverySpecificationProperty{PointInTimeRecoveryEnabled: jsii.Bool(true)}
		}
		table := awsdynamodb.NewCfnTable(scope, jsii.String(title(string(def.Table))), props)
		s.kept(table)
		d.tables[def.Table] = table
	}
	return d
}

func keySchema(pk, sk string) []any {
	return []any{
		&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: &pk, KeyType: jsii.String("HASH")},
		&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: &sk, KeyType: jsii.String("RANGE")},
	}
}

func attributes(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = &awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: &name, AttributeType: jsii.String("S")}
	}
	return list
}

func (d data) arn(t store.Table) string { return d.stack.arn("dynamodb", "table/"+d.name(string(t))) }

// access allows exactly what package dynamo calls for a function that reads
// and writes these tables. Nothing is ever deleted but by TTL. A group of
// writes may make itself depend on an item of any table that is read.
func (d data) access(reads, writes []store.Table) []statement {
	var list []statement
	if len(reads) > 0 {
		list = append(list, statement{actions: []string{"dynamodb:BatchGetItem", "dynamodb:Query"}, resources: d.arns(reads)})
	}
	var indexes []string
	for _, def := range store.Tables() {
		if slices.Contains(reads, def.Table) {
			for _, index := range def.Indexes {
				indexes = append(indexes, d.arn(def.Table)+"/index/"+string(index))
			}
		}
	}
	if indexes != nil {
		list = append(list, statement{actions: []string{"dynamodb:Query"}, resources: indexes})
	}
	if len(writes) > 0 {
		list = append(list,
			statement{actions: []string{"dynamodb:PutItem", "dynamodb:UpdateItem"}, resources: d.arns(writes)},
			statement{actions: []string{"dynamodb:ConditionCheckItem"}, resources: d.arns(slices.Concat(reads, writes))})
	}
	return list
}

// arns returns the ARNs of tables, each once, in the order of their names.
func (d data) arns(tables []store.Table) []string {
	tables = slices.Sorted(slices.Values(tables))
	var list []string
	for _, t := range slices.Compact(tables) {
		list = append(list, d.arn(t))
	}
	return list
}
