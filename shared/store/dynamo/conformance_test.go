package dynamo_test

import (
	"testing"

	"ascend/shared/store"
	"ascend/shared/store/dynamo"
	"ascend/shared/store/dynamo/dynamolocal"
	"ascend/shared/store/dynamo/stream"
	"ascend/shared/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return local(t, "conformance-", storetest.Definitions()) })
}

func TestFeedConformance(t *testing.T) {
	storetest.RunFeed(t, func(t *testing.T) (store.Store, store.Feed) {
		const prefix = "feed-"
		s, client := local(t, prefix, storetest.Definitions()), dynamolocal.Client(t)
		feed, err := stream.Open(t.Context(), client, dynamolocal.Streams(client), prefix, storetest.Definitions())
		if err != nil {
			t.Fatal(err)
		}
		return s, feed
	})
}

func local(t *testing.T, prefix string, defs []store.Definition) *dynamo.Store {
	t.Helper()
	client := dynamolocal.Client(t)
	if err := dynamo.CreateTables(t.Context(), client, prefix, defs); err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.New(client, prefix, defs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
