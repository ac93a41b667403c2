package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/store"
	"ascend/shared/store/internal/bounds"
)

// Write makes one write by PutItem, UpdateItem or DeleteItem.
func (s *Store) Write(ctx context.Context, op store.Op) (*store.Item, error) {
	if err := bounds.Op(op); err != nil {
		return nil, err
	}
	w, err := s.plan(op)
	if err != nil {
		return nil, err
	}
	k := store.KeyOf(op)
	var after attributes
	err = repeat(ctx, func() (err error) {
		after, err = s.send(ctx, w)
		failed := new(types.ConditionalCheckFailedException)
		switch {
		case err == nil:
			return nil
		case errors.As(err, &failed):
			return conflict(0, k, failed.Item)
		case tooLarge(err):
			return &store.TooLargeError{Key: k}
		default:
			return fmt.Errorf("write %v: %w", k, failure(err))
		}
	})
	if err != nil {
		return nil, err
	}
	if w.Update == nil {
		return nil, nil
	}
	item, err := unmarshal(k.Table, after)
	if err != nil {
		return nil, err
	}
	item.Body = nil
	return item, nil
}

// send makes a planned write by itself and returns the item after an update.
func (s *Store) send(ctx context.Context, w types.TransactWriteItem) (attributes, error) {
	switch {
	case w.Put != nil:
		_, err := s.api.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: w.Put.TableName, Item: w.Put.Item,
			ConditionExpression: w.Put.ConditionExpression, ExpressionAttributeValues: w.Put.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: w.Put.ReturnValuesOnConditionCheckFailure,
		}, once)
		return nil, err
	case w.Delete != nil:
		_, err := s.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: w.Delete.TableName, Key: w.Delete.Key,
			ConditionExpression: w.Delete.ConditionExpression, ExpressionAttributeValues: w.Delete.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: w.Delete.ReturnValuesOnConditionCheckFailure,
		}, once)
		return nil, err
	default:
		out, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: w.Update.TableName, Key: w.Update.Key, UpdateExpression: w.Update.UpdateExpression,
			ConditionExpression: w.Update.ConditionExpression, ExpressionAttributeValues: w.Update.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: w.Update.ReturnValuesOnConditionCheckFailure, ReturnValues: types.ReturnValueAllNew,
		}, once)
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	}
}

// WriteAll makes a group of writes by TransactWriteItems. All attempts carry one
// token, by which DynamoDB knows a repeat.
func (s *Store) WriteAll(ctx context.Context, ops ...store.Op) error {
	if err := bounds.Group(ops); err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{
		TransactItems:      make([]types.TransactWriteItem, len(ops)),
		ClientRequestToken: aws.String(rand.Text()),
	}
	for i, op := range ops {
		var err error
		if in.TransactItems[i], err = s.plan(op); err != nil {
			return err
		}
	}
	return repeat(ctx, func() error {
		if _, err := s.api.TransactWriteItems(ctx, in, once); err != nil {
			return verdict(err, ops)
		}
		return nil
	})
}

// plan returns an operation as DynamoDB takes it in a group.
func (s *Store) plan(op store.Op) (w types.TransactWriteItem, err error) {
	const old = types.ReturnValuesOnConditionCheckFailureAllOld
	k := store.KeyOf(op)
	t, err := s.table(k.Table)
	if err != nil {
		return w, err
	}
	var e expression
	switch op := op.(type) {
	case store.Put:
		av, err := t.marshal(op.Item)
		if err != nil {
			return w, err
		}
		when := e.condition(op.If, false)
		w.Put = &types.Put{
			TableName: t.name, Item: av, ReturnValuesOnConditionCheckFailure: old,
			ConditionExpression: when, ExpressionAttributeValues: e.values,
		}
	case store.Delete:
		when := e.condition(op.If, false)
		w.Delete = &types.Delete{
			TableName: t.name, Key: marshalKey(k), ReturnValuesOnConditionCheckFailure: old,
			ConditionExpression: when, ExpressionAttributeValues: e.values,
		}
	case store.Check:
		when := e.condition(op.If, false)
		w.ConditionCheck = &types.ConditionCheck{
			TableName: t.name, Key: marshalKey(k), ReturnValuesOnConditionCheckFailure: old,
			ConditionExpression: when, ExpressionAttributeValues: e.values,
		}
	case store.Update:
		when, change := e.condition(op.If, true), e.update(op)
		w.Update = &types.Update{
			TableName: t.name, Key: marshalKey(k), ReturnValuesOnConditionCheckFailure: old,
			ConditionExpression: when, UpdateExpression: change, ExpressionAttributeValues: e.values,
		}
	default:
		return w, fmt.Errorf("dynamo: unknown operation %T", op)
	}
	return w, nil
}
