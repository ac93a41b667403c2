package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load sends one kind of request over keep-alive connections, as cheaply as it
// can: bytes made beforehand, of which only a serial number changes, and of the
// answer only status and length are looked at. What the server takes is then
// the most of what is measured.
type load struct {
	addr    string
	request []byte // with serialMark wherever the number goes, and agentMark the agent's
	pid     int    // of the server
	serial  *atomic.Int64
}

// The marks stand for numbers of as many digits: the request's, and one of
// benchAgents that takes turns.
var serialMark, agentMark = []byte("##########"), []byte("@@")

const benchAgents = 64

// measured is what a load found.
type measured struct {
	requests int
	took     time.Duration
	cpu      time.Duration // of the server
	p50, p99 time.Duration
}

func (m measured) rate() float64 { return float64(m.requests) / m.took.Seconds() }

func (m measured) cpuEach() float64 { return float64(m.cpu.Microseconds()) / float64(m.requests) }

// run keeps connections busy for a while.
func (l load) run(connections int, lasting time.Duration) (measured, error) {
	latencies := make([][]time.Duration, connections)
	failed := make([]error, connections)
	before, err := cpuOf(l.pid)
	if err != nil {
		return measured{}, err
	}
	begin := time.Now()
	var wg sync.WaitGroup
	for n := range connections {
		wg.Go(func() { latencies[n], failed[n] = l.connection(begin.Add(lasting)) })
	}
	wg.Wait()
	m := measured{took: time.Since(begin)}
	after, err := cpuOf(l.pid)
	if err := errors.Join(errors.Join(failed...), err); err != nil {
		return measured{}, err
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	m.requests, m.cpu = len(all), after-before
	m.p50, m.p99 = all[len(all)/2], all[len(all)*99/100]
	return m, nil
}

func (l load) connection(until time.Time) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	request := bytes.Clone(l.request)
	serials, agents := places(request, serialMark), places(request, agentMark)
	answers := bufio.NewReaderSize(conn, 16<<10)
	taken := make([]time.Duration, 0, 1<<14)
	for {
		number := l.serial.Add(1)
		for _, place := range serials {
			write(place, number)
		}
		for _, place := range agents {
			write(place, number%benchAgents)
		}
		sent := time.Now()
		if sent.After(until) {
			return taken, nil
		}
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		if err := skimAnswer(answers); err != nil {
			return nil, err
		}
		taken = append(taken, time.Since(sent))
	}
}

// places finds where a mark stands.
func places(request, mark []byte) [][]byte {
	var found [][]byte
	for rest := request; ; {
		n := bytes.Index(rest, mark)
		if n < 0 {
			return found
		}
		found = append(found, rest[n:n+len(mark)])
		rest = rest[n+len(mark):]
	}
}

// write fills a place with a number's last digits.
func write(place []byte, number int64) {
	for i := len(place) - 1; i >= 0; i, number = i-1, number/10 {
		place[i] = byte('0' + number%10)
	}
}

// skimAnswer reads an answer that must be a 200 of known length.
func skimAnswer(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		rest, _ := r.Peek(r.Buffered())
		return fmt.Errorf("answered %s%s", status, rest)
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer without Content-Length")
	}
	_, err = r.Discard(length)
	return err
}

// tick100 is the unit of /proc/<pid>/stat: USER_HZ is 100 on every Linux.
const tick100 = 10 * time.Millisecond

// cpuOf is the processor time, in user and system mode, of a process (proc(5),
// /proc/pid/stat, fields 14 and 15).
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, io.ErrUnexpectedEOF
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick100, errors.Join(err, err2)
}

// post makes the bytes of a POST.
func post(path, headers, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
		path, headers, len(body), body)
}
