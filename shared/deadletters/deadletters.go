// Package deadletters keeps the relay's dead letters in an S3 bucket, beside the
// records that Lambda itself gives up there.
package deadletters

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ascend/shared/app/relay"
	"ascend/shared/domain/problem"
)

// Prefix leads the keys of the relay's own letters. Lambda's begin with aws/lambda/.
const Prefix = "letters/"

// API is the part of *s3.Client that a Bucket uses.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Bucket is an S3 bucket of dead letters. It implements relay.DeadLetters.
type Bucket struct {
	api  API
	name string
}

var _ relay.DeadLetters = (*Bucket)(nil)

// New returns the bucket of a name.
func New(api API, name string) *Bucket { return &Bucket{api: api, name: name} }

// Keep stores a letter as an object of its own. A letter that is kept again is
// another object, so that a redrive which fails again loses nothing when the
// first one is deleted.
func (b *Bucket) Keep(ctx context.Context, letter relay.DeadLetter) error {
	body, err := letter.Encode()
	if err != nil {
		return problem.Internal("encode a dead letter", err)
	}
	key, kind := key(letter), "application/json"
	_, err = b.api.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentType: &kind, Body: bytes.NewReader(body)})
	if err != nil {
		return problem.Unavailable("keep a dead letter", err)
	}
	return nil
}

// key returns the object's key: by time, consumer and place in the stream. The
// hash tells items apart whose shards count alike.
func key(l relay.DeadLetter) string {
	item := sha256.Sum256([]byte(string(l.Table) + "\x00" + l.PK + "\x00" + l.SK))
	return fmt.Sprintf("%s%s-%s-%s-%s.json", Prefix, l.KeptAt.UTC().Format("20060102T150405.000000000Z"), l.Consumer, l.Sequence, hex.EncodeToString(item[:4]))
}
