package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// This file reads plain-text HTTP scripts, which are played against a running service:
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
//	body OP VALUE            of the whole answer as text
//	problem CODE             the problem's error_code
//	shape EXAMPLE            every field of the documented answer, with its type; "of PATH" holds a part
//	capture NAME = PATH      a variable for what follows; "link next" is the next page
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

// A step is one request with its expectations, or one let.
type step struct {
	line           int
	let, value     string // of a let
	method, target string
	as, example    string
	headers        [][2]string
	body           []string
	repeat         int
	status         []int
	raw            bool
	expect         []expectation
}

// expectation is what an operator must find true of a part of the answer.
type expectation struct {
	line                  int
	text, part, op, value string
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) (\S.*)$`)
	headerLine  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*): ?(.*)$`)
	letLine     = regexp.MustCompile(`^let ([a-z][a-z0-9-]*) = (.*)$`)
	statusLine  = regexp.MustCompile(`^=> (\d{3}(?:\|\d{3})*)( raw)?$`)
	captureLine = regexp.MustCompile(`^capture ([a-z][a-z0-9-]*) = (\..*|link next)$`)
	shapeLine   = regexp.MustCompile(`^shape (\S+?)(?: of (\..*))?$`)
	testLine    = regexp.MustCompile(`^(header \S+|body|\.(?:\["[^"]*"\]|\[[^]]*\]|[^\s\[])*) (==|!=|<|<=|>|>=|~|!~|has|length|is|exists|absent)(?: (.*))?$`)
)

// parse reads a whole script, so that nothing is sent of one that is not well formed.
func parse(script string) (steps []step, err error) {
	open := false // the last step's status line is to come
	for i, text := range strings.Split(script, "\n") {
		trimmed := strings.TrimSpace(text)
		let, request := letLine.FindStringSubmatch(trimmed), requestLine.FindStringSubmatch(trimmed)
		switch {
		case open:
			open, err = steps[len(steps)-1].read(text, trimmed)
		case trimmed == "" || trimmed[0] == '#':
		case let != nil:
			steps = append(steps, step{line: i + 1, let: let[1], value: let[2]})
		case request != nil:
			steps, open = append(steps, step{line: i + 1, method: request[1], target: request[2], repeat: 1}), true
		case len(steps) == 0 || steps[len(steps)-1].let != "":
			err = fmt.Errorf("an expectation before any request: %s", trimmed)
		default:
			e := expectation{line: i + 1, text: trimmed}
			err = e.parse()
			last := &steps[len(steps)-1]
			last.expect = append(last.expect, e)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if open {
		return nil, fmt.Errorf("line %d: the request has no => line", steps[len(steps)-1].line)
	}
	if len(steps) == 0 {
		return nil, errors.New("line 1: the script is empty")
	}
	return steps, nil
}

// read takes one line of a request and reports whether more are to come.
func (s *step) read(text, trimmed string) (open bool, err error) {
	if m := statusLine.FindStringSubmatch(trimmed); m != nil {
		for code := range strings.SplitSeq(m[1], "|") {
			n, _ := strconv.Atoi(code)
			s.status = append(s.status, n)
		}
		s.raw = m[2] != ""
		return false, nil
	}
	m := headerLine.FindStringSubmatch(trimmed)
	switch {
	case strings.HasPrefix(trimmed, "=>"):
		return false, fmt.Errorf("not a status line: %s", trimmed)
	case m == nil && trimmed != "" && s.example != "":
		return false, fmt.Errorf("a body beside body: %s", trimmed)
	case m != nil && len(s.body) > 0:
		return false, fmt.Errorf("a header after the body: %s", trimmed)
	case m == nil:
		if trimmed != "" || len(s.body) > 0 {
			s.body = append(s.body, text)
		}
	case m[1] == "as":
		s.as = m[2]
	case m[1] == "body":
		s.example = m[2]
	case m[1] == "repeat":
		if s.repeat, err = strconv.Atoi(m[2]); err == nil && s.repeat < 1 {
			err = fmt.Errorf("repeat: %d sends nothing", s.repeat)
		}
	case m[1][0] >= 'a':
		return false, fmt.Errorf("unknown word %q; headers are written with a capital", m[1])
	default:
		s.headers = append(s.headers, [2]string{m[1], m[2]})
	}
	return true, err
}

// parse takes the text apart.
func (e *expectation) parse() (err error) {
	text := e.text
	if code, ok := strings.CutPrefix(text, "problem "); ok {
		text = `.error_code == "` + code + `"`
	}
	if m := captureLine.FindStringSubmatch(text); m != nil {
		e.value, e.op, e.part = m[1], "capture", m[2]
		return nil
	}
	if m := shapeLine.FindStringSubmatch(text); m != nil {
		e.value, e.op, e.part = m[1], "shape", m[2]
		return nil
	}
	m := testLine.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("not an expectation: %s", text)
	}
	e.part, e.op, e.value = m[1], m[2], m[3]
	switch alone := e.op == "exists" || e.op == "absent"; {
	case alone && e.value != "":
		return fmt.Errorf("%s takes no value: %s", e.op, text)
	case !alone && e.value == "":
		return fmt.Errorf("%s takes a value: %s", e.op, text)
	case strings.HasSuffix(e.op, "~"):
		_, err = regexp.Compile(placeholder.ReplaceAllString(e.value, "x"))
	}
	return err
}
