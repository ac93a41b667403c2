// Package dynamo is the persistence seam on DynamoDB.
//
// # Lost answers
//
// When the answer to a write is lost, the write is sent again, and the repeat
// of a conditional write can meet what its own first attempt stored: it then
// gets a conflict although it has won. This package cannot know, so it returns
// the conflict with the item as it stands in Old; the caller, who put a command
// ID into the item, compares it before believing the conflict. A group carries
// a token by which DynamoDB knows the repeats of one call of WriteAll.
package dynamo

import (
	"context"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ascend/shared/store"
	"ascend/shared/store/internal/bounds"
)

// API is the part of *dynamodb.Client that a Store uses.
type API interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ API = (*dynamodb.Client)(nil)

// Store is the tables of one deployment. It implements store.Store.
type Store struct {
	api    API
	tables map[store.Table]table
	names  map[string]store.Table
}

// table is a table as DynamoDB knows it.
type table struct {
	name    *string
	indexes map[store.Index]bool
}

var _ store.Store = (*Store)(nil)

// indexName matches the names that an index may have: they are part of
// attribute names, which must differ from those of an item's attributes.
var indexName = regexp.MustCompile(`^[b-z][a-z0-9_]{2,60}$`)

// New returns the store of the tables in defs, which are called prefix + name.
func New(api API, prefix string, defs []store.Definition) (*Store, error) {
	s := &Store{api: api, tables: make(map[store.Table]table, len(defs)), names: make(map[string]store.Table, len(defs))}
	for _, def := range defs {
		name := prefix + string(def.Table)
		t := table{name: &name, indexes: make(map[store.Index]bool, len(def.Indexes))}
		for _, index := range def.Indexes {
			if !indexName.MatchString(string(index)) {
				return nil, fmt.Errorf("dynamo: index name %q is not of the form %v", index, indexName)
			}
			t.indexes[index] = true
		}
		s.tables[def.Table] = t
		s.names[name] = def.Table
	}
	return s, nil
}

func (s *Store) table(name store.Table) (table, error) {
	t, ok := s.tables[name]
	if !ok {
		return table{}, fmt.Errorf("store: no table %q", name)
	}
	return t, nil
}

// Get reads items by one BatchGetItem, or by more where one answer has no room
// (16 MB) or DynamoDB leaves keys unprocessed.
func (s *Store) Get(ctx context.Context, keys ...store.Key) ([]*store.Item, error) {
	if err := bounds.Keys(keys); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, nil
	}
	wanted := make(map[store.Key]bool, len(keys))
	request := map[string]types.KeysAndAttributes{}
	for _, k := range keys {
		t, err := s.table(k.Table)
		if err != nil {
			return nil, err
		}
		if wanted[k] {
			continue
		}
		wanted[k] = true
		r := request[*t.name]
		r.ConsistentRead = &yes
		r.Keys = append(r.Keys, marshalKey(k))
		request[*t.name] = r
	}
	found := make(map[store.Key]*store.Item, len(wanted))
	if err := s.read(ctx, request, found); err != nil {
		return nil, fmt.Errorf("read %d items: %w", len(wanted), err)
	}
	items := make([]*store.Item, len(keys))
	for i, k := range keys {
		items[i] = found[k]
	}
	return items, nil
}

// read sends a batch until no key is left unprocessed. Progress begins the
// attempts anew.
func (s *Store) read(ctx context.Context, request map[string]types.KeysAndAttributes, found map[store.Key]*store.Item) error {
	for len(request) > 0 {
		err := repeat(ctx, func() error {
			out, err := s.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request}, once)
			if err != nil {
				return failure(err)
			}
			for name, items := range out.Responses {
				for _, av := range items {
					it, err := unmarshal(s.names[name], av)
					if err != nil {
						return err
					}
					found[it.Key] = it
				}
			}
			wanted := count(request)
			if request = out.UnprocessedKeys; count(request) == wanted {
				return fmt.Errorf("%w: %d keys left unprocessed", store.ErrUnavailable, wanted)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// count returns the number of keys in a request.
func count(request map[string]types.KeysAndAttributes) int {
	n := 0
	for _, r := range request {
		n += len(r.Keys)
	}
	return n
}

var yes = true
