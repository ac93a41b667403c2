// Package httpscript plays plain-text HTTP scripts against a running service:
// requests, and what their answers must be. A script is read by people first:
//
//	# a comment; blank lines mean nothing
//	let agent = shop-${unique}
//
//	POST /api/registry/agents
//	as: key
//	{"agent_id": "${agent}", "display_name": "Shop"}
//	=> 201
//	.created == true
//	.agent.status == "draft"
//	header Content-Type ~ ^application/json
//	shape agents-register.201
//	capture id = .agent.id
//
// # Requests
//
// After the method and target come header lines, then the body's lines, then
// "=> status" with one status or several, as in "=> 400|422". The target is
// sent as written, never cleaned. These words stand among the headers:
//
//	as: NAME                 the credential to send (see [Env]); none without it
//	body: EXAMPLE {members}  the body is that documented request, with top-level members replaced
//	wait: 5s                 repeat the request until its expectations hold, no longer than this
//	repeat: 3                send the request so many times; each answer is held to the expectations
//
// A body is sent as application/json unless a Content-Type header says otherwise.
//
// # Expectations
//
// Every answer must be JSON, and every answer from 400 up a problem body with
// all its members, unless the status line ends in "raw". Beyond that:
//
//	PATH OP VALUE            OP is ==, !=, <, <=, >, >=, has (an element), length, is, ~ or !~ (a regular expression)
//	PATH exists, PATH absent
//	header NAME OP VALUE     also exists and absent
//	body ~ PATTERN           of the whole answer as text; also !~
//	problem CODE             the problem's error_code
//	shape EXAMPLE            every field of the documented answer, with its type; "of PATH" holds a part
//	capture NAME = PATH, header NAME, or link next    a variable for what follows
//
// A path is . or members and elements: .agents[0].id, .paths["/health"].get,
// .agents[agent_id=shop].status (the first such element), .agents[*].status
// (each, and there must be one). A value is JSON, or a path into the same
// answer; "is" takes types joined by |: object, array, string, number, integer,
// boolean, null, time. "==" and "!=" may end in "except NAME…": top-level
// members that do not count.
//
// # Variables
//
// ${name} is a variable of let or capture, a credential of Env, or ${unique}:
// 12 characters that no other run has, so that scripts can be played again and
// again on the same durable server. ${repeat N TEXT} (with \x7d for a closing
// brace), ${hex FFFE} and ${time -1h} make long texts, raw bytes and times.
package httpscript

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A step is one request with its expectations, or one let.
type step struct {
	line           int
	let, value     string // of a let
	method, target string
	as, example    string
	headers        [][2]string
	body           []string
	wait           time.Duration
	repeat         int
	status         []int
	raw            bool
	expect         []expectation
}

type expectation struct {
	line int
	text string
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) (\S.*)$`)
	headerLine  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*): ?(.*)$`)
	letLine     = regexp.MustCompile(`^let ([a-z][a-z0-9-]*) = (.*)$`)
	statusLine  = regexp.MustCompile(`^=> (\d{3}(?:\|\d{3})*)( raw)?$`)
)

// parse reads a whole script, so that nothing is sent of one that is not well formed.
func parse(script string) ([]step, error) {
	var steps []step
	var s *step // the request being read, until its status line
	for i, text := range strings.Split(script, "\n") {
		line := i + 1
		if s != nil {
			done, err := s.read(line, text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			if done {
				steps, s = append(steps, *s), nil
			}
			continue
		}
		text = strings.TrimSpace(text)
		switch {
		case text == "" || text[0] == '#':
		case letLine.MatchString(text):
			m := letLine.FindStringSubmatch(text)
			steps = append(steps, step{line: line, let: m[1], value: m[2]})
		case requestLine.MatchString(text):
			m := requestLine.FindStringSubmatch(text)
			s = &step{line: line, method: m[1], target: m[2], repeat: 1}
		case len(steps) == 0 || steps[len(steps)-1].let != "":
			return nil, fmt.Errorf("line %d: an expectation before any request: %s", line, text)
		default:
			if err := checkSyntax(text); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			last := &steps[len(steps)-1]
			last.expect = append(last.expect, expectation{line, text})
		}
	}
	if s != nil {
		return nil, fmt.Errorf("line %d: the request has no => line", s.line)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("line 1: the script is empty")
	}
	return steps, nil
}

// read takes one line of a request; done at its status line.
func (s *step) read(line int, text string) (done bool, err error) {
	trimmed := strings.TrimSpace(text)
	if m := statusLine.FindStringSubmatch(trimmed); m != nil {
		for _, code := range strings.Split(m[1], "|") {
			n, _ := strconv.Atoi(code)
			s.status = append(s.status, n)
		}
		s.raw = m[2] != ""
		return true, nil
	}
	if strings.HasPrefix(trimmed, "=>") {
		return false, fmt.Errorf("not a status line: %s", trimmed)
	}
	m := headerLine.FindStringSubmatch(trimmed)
	switch {
	case m == nil && trimmed != "" && s.example != "":
		return false, fmt.Errorf("a body beside body: %s", trimmed)
	case m != nil && len(s.body) > 0:
		return false, fmt.Errorf("a header after the body: %s", trimmed)
	case m == nil:
		if trimmed != "" || len(s.body) > 0 {
			s.body = append(s.body, text)
		}
		return false, nil
	}
	switch m[1] {
	case "as":
		s.as = m[2]
	case "body":
		s.example = m[2]
	case "wait":
		s.wait, err = time.ParseDuration(m[2])
	case "repeat":
		s.repeat, err = strconv.Atoi(m[2])
		if err == nil && s.repeat < 1 {
			err = fmt.Errorf("repeat: %d sends nothing", s.repeat)
		}
	default:
		if m[1][0] >= 'a' {
			return false, fmt.Errorf("unknown word %q; headers are written with a capital", m[1])
		}
		s.headers = append(s.headers, [2]string{m[1], m[2]})
	}
	return false, err
}
