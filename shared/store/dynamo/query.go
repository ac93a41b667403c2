package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"ascend/shared/store"
	"ascend/shared/store/internal/bounds"
)

// Query reads one page. It asks for one item above the limit, so More is
// exact. DynamoDB reads at most 1 MB at once; a page of large items takes more
// calls. Items of an index with equal sort keys come in no particular order; a
// next page that starts After such a sort key skips all of them.
func (s *Store) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := bounds.Query(q); err != nil {
		return store.Page{}, err
	}
	t, err := s.table(q.Table)
	if err != nil {
		return store.Page{}, err
	}
	ascending := !q.Descending
	in := &dynamodb.QueryInput{TableName: t.name, ScanIndexForward: &ascending}
	pk, sk := PartitionKey, SortKey
	if q.Index == "" {
		in.ConsistentRead = &yes
	} else {
		if !t.indexes[q.Index] {
			return store.Page{}, fmt.Errorf("store: table %q has no index %q", q.Table, q.Index)
		}
		index := string(q.Index)
		in.IndexName = &index
		pk, sk = IndexKeys(q.Index)
	}
	var e expression
	text, ok := e.keyRange(q, pk, sk)
	if !ok {
		return store.Page{}, nil
	}
	in.KeyConditionExpression, in.ExpressionAttributeValues = &text, e.values
	return s.page(ctx, q, in, sk)
}

// page sends the query until the page is full or the range has ended.
func (s *Store) page(ctx context.Context, q store.Query, in *dynamodb.QueryInput, sk string) (store.Page, error) {
	var page store.Page
	for {
		// One more tells whether there are more, another makes up for a
		// sort key at the bound, which the range excludes.
		limit := int32(q.Limit - len(page.Items) + 2)
		in.Limit = &limit
		var out *dynamodb.QueryOutput
		err := repeat(ctx, func() (err error) {
			if out, err = s.api.Query(ctx, in, once); err != nil {
				return fmt.Errorf("query %s %s: %w", q.Table, q.Index, failure(err))
			}
			return nil
		})
		if err != nil {
			return store.Page{}, err
		}
		for _, av := range out.Items {
			sort, err := text(av[sk])
			if err != nil {
				return store.Page{}, fmt.Errorf("dynamo: sort key of an item in %s: %w", q.Table, err)
			}
			if bounds.Where(sort, q) != bounds.Inside {
				continue
			}
			if len(page.Items) == q.Limit {
				page.More = true
				return page, nil
			}
			it, err := unmarshal(q.Table, av)
			if err != nil {
				return store.Page{}, err
			}
			page.Items = append(page.Items, *it)
			page.Sort = append(page.Sort, sort)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return page, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
