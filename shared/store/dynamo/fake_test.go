package dynamo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ascend/shared/store"
)

// scripted answers calls as the test says; a call it has no answer for fails
// the test by a nil function. DynamoDB Local cannot be made to throttle.
type scripted struct {
	API
	batch    func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error)
	query    func(*dynamodb.QueryInput) (*dynamodb.QueryOutput, error)
	put      func(*dynamodb.PutItemInput) error
	transact func(*dynamodb.TransactWriteItemsInput) error
}

func (s scripted) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return s.batch(in)
}

func (s scripted) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return s.query(in)
}

func (s scripted) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, s.put(in)
}

func (s scripted) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return &dynamodb.TransactWriteItemsOutput{}, s.transact(in)
}

func scriptedStore(t *testing.T, api scripted) *Store {
	t.Helper()
	s, err := New(api, "x-", []store.Definition{{Table: "t"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func key(sort string) store.Key { return store.Key{Table: "t", PK: "p", SK: sort} }

func put(sort string) store.Put { return store.Put{Item: store.Item{Key: key(sort)}} }

func TestIndexNamesThatCouldClashAreRefused(t *testing.T) {
	for _, index := range []store.Index{"", "a", "a_x", "pk", "By", "b y", "x#y"} {
		if _, err := New(scripted{}, "", []store.Definition{{Table: "t", Indexes: []store.Index{index}}}); err == nil {
			t.Errorf("index name %q was taken", index)
		}
	}
}

func TestUnprocessedKeysAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		s := scriptedStore(t, scripted{batch: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
			keys := in.RequestItems["x-t"].Keys
			sizes = append(sizes, len(keys))
			if !*in.RequestItems["x-t"].ConsistentRead {
				t.Error("an inconsistent read")
			}
			out := &dynamodb.BatchGetItemOutput{}
			if len(sizes)%2 == 1 { // every second answer makes progress by one
				out.Responses = map[string][]map[string]types.AttributeValue{"x-t": keys[:1]}
				keys = keys[1:]
			}
			if len(keys) > 0 {
				out.UnprocessedKeys = map[string]types.KeysAndAttributes{"x-t": {Keys: keys, ConsistentRead: aws.Bool(true)}}
			}
			return out, nil
		}})
		items, err := s.Get(t.Context(), key("1"), key("2"), key("3"))
		if err != nil || slices.Contains(items, nil) || items[2].Key != key("3") {
			t.Errorf("got %v, %v", items, err)
		}
		if want := []int{3, 2, 2, 1, 1}; !slices.Equal(sizes, want) {
			t.Errorf("asked for %v keys, want %v", sizes, want)
		}
	})
}

func TestKeysThatStayUnprocessedAreUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := scriptedStore(t, scripted{batch: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
			calls++
			return &dynamodb.BatchGetItemOutput{UnprocessedKeys: in.RequestItems}, nil
		}})
		items, err := s.Get(t.Context(), key("1"))
		if items != nil || !errors.Is(err, store.ErrUnavailable) || calls != policy.Attempts {
			t.Errorf("got %v, %v after %d calls", items, err, calls)
		}
	})
}

func TestPagesCutShortAreReadOn(t *testing.T) {
	var sent []*dynamodb.QueryInput
	s := scriptedStore(t, scripted{query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
		copied := *in
		sent = append(sent, &copied)
		at := marshalKey(key(fmt.Sprint(len(sent))))
		return &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{at}, LastEvaluatedKey: at}, nil
	}})
	page, err := s.Query(t.Context(), store.Query{Table: "t", PK: "p", Limit: 3})
	if err != nil || !slices.Equal(page.Sort, []string{"1", "2", "3"}) || !page.More {
		t.Fatalf("got %+v, %v", page, err)
	}
	if len(sent) != 4 || sent[0].ExclusiveStartKey != nil || sent[3].ExclusiveStartKey[SortKey].(*types.AttributeValueMemberS).Value != "3" {
		t.Errorf("sent %d queries", len(sent))
	}
}

func reasons(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, code := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: &code})
	}
	return e
}

func TestAGroupThatMeetsAnotherIsRepeatedWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tokens []string
		s := scriptedStore(t, scripted{transact: func(in *dynamodb.TransactWriteItemsInput) error {
			tokens = append(tokens, *in.ClientRequestToken)
			if len(tokens) < 3 {
				return reasons("None", "TransactionConflict")
			}
			return nil
		}})
		for range 2 {
			if err := s.WriteAll(t.Context(), put("1"), put("2")); err != nil {
				t.Fatal(err)
			}
		}
		if len(tokens) != 4 || tokens[0] != tokens[1] || tokens[1] != tokens[2] || tokens[2] == tokens[3] || len(tokens[0]) > 36 {
			t.Errorf("tokens %q", tokens)
		}
	})
}

func TestWhyAGroupWasCancelled(t *testing.T) {
	for name, tt := range map[string]struct {
		err         error
		conflict    int // the operation, or -1
		unavailable bool
		calls       int
	}{
		"a condition":                           {reasons("None", "ConditionalCheckFailed"), 1, false, 1},
		"a condition beside another in the way": {reasons("TransactionConflict", "ConditionalCheckFailed"), 1, false, 1},
		"another in the way for long":           {reasons("None", "TransactionConflict"), -1, true, policy.Attempts},
		"throttled":                             {reasons("ThrottlingError", "None"), -1, true, policy.Attempts},
		"too little capacity":                   {reasons("None", "ProvisionedThroughputExceeded"), -1, true, policy.Attempts},
		"an update that cannot be computed":     {reasons("None", "ValidationError"), -1, false, 1},
		"no reason":                             {reasons(), -1, true, policy.Attempts},
		"still under way":                       {&types.TransactionInProgressException{}, -1, true, policy.Attempts},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s := scriptedStore(t, scripted{transact: func(*dynamodb.TransactWriteItemsInput) error { calls++; return tt.err }})
				err := s.WriteAll(t.Context(), put("1"), put("2"))
				c, conflict := store.Conflict(err)
				switch {
				case err == nil, errors.Is(err, store.ErrUnavailable) != tt.unavailable, conflict != (tt.conflict >= 0), calls != tt.calls:
					t.Errorf("got %v after %d calls", err, calls)
				case conflict && (c.Op != tt.conflict || c.Key != key("2") || c.Old != nil):
					t.Errorf("conflict %+v", c)
				}
			})
		})
	}
}

func TestWhichFailuresAreTheStores(t *testing.T) {
	api := func(code string) error { return &smithy.GenericAPIError{Code: code, Fault: smithy.FaultClient} }
	for name, tt := range map[string]struct {
		err         error
		unavailable bool
		calls       int
	}{
		"throttled":                {api("ThrottlingException"), true, policy.Attempts},
		"too little capacity":      {&types.ProvisionedThroughputExceededException{}, true, policy.Attempts},
		"their fault":              {&types.InternalServerError{}, true, policy.Attempts},
		"a transaction in the way": {&types.TransactionConflictException{}, true, policy.Attempts},
		"expired credentials":      {api("ExpiredTokenException"), true, policy.Attempts},
		"no connection":            {&smithyhttp.RequestSendError{Err: errors.New("refused")}, true, policy.Attempts},
		"an answer unread":         {&smithy.DeserializationError{Err: errors.New("cut")}, true, policy.Attempts},
		"the caller left":          {&aws.RequestCanceledError{Err: context.Canceled}, true, policy.Attempts},
		"an unknown answer":        {&smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 418}}, Err: errors.New("teapot")}, true, policy.Attempts},
		"a wrong request":          {api("ValidationException"), false, 1},
		"no such table":            {&types.ResourceNotFoundException{}, false, 1},
		"not allowed":              {api("AccessDeniedException"), false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s := scriptedStore(t, scripted{put: func(*dynamodb.PutItemInput) error { calls++; return tt.err }})
				_, err := s.Write(t.Context(), put("1"))
				if err == nil || !errors.Is(err, tt.err) || errors.Is(err, store.ErrUnavailable) != tt.unavailable || calls != tt.calls {
					t.Errorf("got %v after %d calls", err, calls)
				}
				if _, conflict := store.Conflict(err); conflict {
					t.Errorf("%v is told as a conflict", err)
				}
			})
		})
	}
}

// down is a server that answers every request with its own failure.
type down struct{ requests int }

func (d *down) Do(r *http.Request) (*http.Response, error) {
	d.requests++
	return &http.Response{StatusCode: http.StatusInternalServerError, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestTheSDKRepeatsNoCallBesides(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Store) error{
		"get": func(ctx context.Context, s *Store) error { _, err := s.Get(ctx, key("1")); return err },
		"query": func(ctx context.Context, s *Store) error {
			_, err := s.Query(ctx, store.Query{Table: "t", PK: "p", Limit: 1})
			return err
		},
		"put": func(ctx context.Context, s *Store) error { _, err := s.Write(ctx, put("1")); return err },
		"delete": func(ctx context.Context, s *Store) error {
			_, err := s.Write(ctx, store.Delete{Key: key("1")})
			return err
		},
		"update": func(ctx context.Context, s *Store) error {
			_, err := s.Write(ctx, store.Update{Key: key("1"), Remove: []string{"n"}})
			return err
		},
		"group": func(ctx context.Context, s *Store) error { return s.WriteAll(ctx, put("1")) },
	} {
		t.Run(name, func(t *testing.T) {
			server := &down{}
			s, err := New(dynamodb.New(dynamodb.Options{
				Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.invalid"), HTTPClient: server,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
				}),
			}), "x-", []store.Definition{{Table: "t"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := call(t.Context(), s); !errors.Is(err, store.ErrUnavailable) || server.requests != policy.Attempts {
				t.Errorf("%v after %d requests, want %d", err, server.requests, policy.Attempts)
			}
		})
	}
}

func TestAnItemOfAnotherMakeIsAnError(t *testing.T) {
	good := marshalKey(key("1"))
	for name, v := range map[string]types.AttributeValue{
		"a_x": &types.AttributeValueMemberBOOL{}, "a_n": &types.AttributeValueMemberN{Value: "1.5"}, "body": str("text"),
		"ttl": str("soon"), "pk": number(1), "sk": str(""),
	} {
		av := attributes{name: v}
		for k, v := range good {
			if k != name {
				av[k] = v
			}
		}
		if it, err := unmarshal("t", av); err == nil {
			t.Errorf("%s: got %v", name, it)
		}
	}
}

func TestSuccessor(t *testing.T) {
	for prefix, want := range map[string]string{
		"": "", "a": "b", "agent#": "agent$", "\x7f": "\u0080", "é": "ê", "\uD7FF": "\uE000", "a\U0010FFFF": "b", "\U0010FFFF": "",
	} {
		if got := successor(prefix); got != want {
			t.Errorf("after %q comes %q, want %q", prefix, got, want)
		}
	}
}
