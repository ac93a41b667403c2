package relay

import (
	"context"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ascend/shared/store"
)

// DeadLetters keeps what consumers could not do, so that nobody has to wait for
// it and somebody can look at it.
type DeadLetters interface {
	// Keep stores a dead letter durably. The same one may come again: consumer,
	// table, key and sequence name it.
	Keep(ctx context.Context, letter DeadLetter) error
}

// DeadLetter is a change that a consumer can never handle.
type DeadLetter struct {
	Consumer string    `json:"consumer"`
	Reason   string    `json:"reason"`
	KeptAt   time.Time `json:"kept_at"`

	Table     store.Table `json:"table"` // "", like PK and SK, where the key cannot be decoded
	PK        string      `json:"pk"`
	SK        string      `json:"sk"`
	Sequence  string      `json:"sequence"`
	WrittenAt time.Time   `json:"written_at,omitzero"` // about when the change was committed

	Old    *Image `json:"old,omitzero"` // nil where there is no such item, or none that can be decoded
	New    *Image `json:"new,omitzero"`
	Record []byte `json:"record,omitempty"` // the stream's record as it came: given to the relay again, it repeats the change
}

// Image is an item before or after a change, for people to read.
type Image struct {
	Attrs map[string]any `json:"attributes"`
	Body  string         `json:"body"`
}

func newDeadLetter(consumer string, c store.Change, why error) DeadLetter {
	return DeadLetter{
		Consumer: consumer, Reason: strings.ToValidUTF8(why.Error(), "\uFFFD"), KeptAt: time.Now().UTC(),
		Table: c.Key.Table, PK: c.Key.PK, SK: c.Key.SK, Sequence: c.Sequence, WrittenAt: c.At,
		Old: newImage(c.Old), New: newImage(c.New), Record: c.Raw,
	}
}

func newImage(item *store.Item) *Image {
	if item == nil {
		return nil
	}
	i := &Image{Attrs: map[string]any{}, Body: strings.ToValidUTF8(string(item.Body), "\uFFFD")}
	for name, v := range item.Attrs {
		switch v.Kind() {
		case store.KindNumber:
			i.Attrs[name] = v.Num()
		case store.KindSet:
			i.Attrs[name] = v.Members()
		default:
			i.Attrs[name] = v.Str()
		}
	}
	return i
}

// Encode returns the letter as JSON, in one line.
func (d DeadLetter) Encode() ([]byte, error) { return json.Marshal(d, json.Deterministic(true)) }

func (d DeadLetter) key() string { return store.Key{Table: d.Table, PK: d.PK, SK: d.SK}.String() }
