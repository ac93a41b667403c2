package httpscript

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

var nextLink = regexp.MustCompile(`<([^>]*)>[^,]*;\s*rel="?next"?`)

// capture keeps a part of an answer as a variable: a string as its text, anything else as its JSON.
func (p *player) capture(a *answer, name, source string) error {
	if header, ok := strings.CutPrefix(source, "header "); ok {
		if p.vars[name] = a.header.Get(header); p.vars[name] == "" {
			return fmt.Errorf("it is absent")
		}
		return nil
	}
	if source == "link next" {
		m := nextLink.FindStringSubmatch(strings.Join(a.header.Values("Link"), ", "))
		if m == nil {
			return fmt.Errorf("no next link in %q", a.header.Values("Link"))
		}
		next, err := a.url.Parse(m[1])
		if err != nil {
			return err
		}
		p.vars[name] = next.String()
		return nil
	}
	source, err := p.expand(source)
	if err != nil {
		return err
	}
	found := lookUp(a.json, source)
	if len(found) != 1 {
		return fmt.Errorf("it finds %d values, not one", len(found))
	}
	if s, ok := found[0].(string); ok {
		p.vars[name] = s
		return nil
	}
	text, err := json.Marshal(found[0], json.Deterministic(true))
	p.vars[name] = string(text)
	return err
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand fills in the variables of a text.
func (p *player) expand(text string) (string, error) {
	var fault error
	out := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		made, err := p.variable(name)
		if err != nil && fault == nil {
			fault = err
		}
		return made
	})
	return out, fault
}

func (p *player) variable(name string) (string, error) {
	word, rest, _ := strings.Cut(name, " ")
	switch word {
	case "repeat":
		count, text, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 || text == "" {
			return "", fmt.Errorf("${%s} is not a count and a text", name)
		}
		return strings.Repeat(strings.ReplaceAll(text, `\x7d`, "}"), n), nil
	case "hex":
		raw, err := hex.DecodeString(rest)
		return string(raw), err
	case "time":
		d, err := time.ParseDuration(rest)
		return time.Now().UTC().Add(d).Format(time.RFC3339), err
	}
	if value, ok := p.vars[name]; ok {
		return value, nil
	}
	value, err := p.env.credential(name)
	if err != nil {
		return "", fmt.Errorf("no variable or credential %q", name)
	}
	return value, nil
}
