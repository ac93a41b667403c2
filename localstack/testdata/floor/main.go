// Command floor is the least that a server can do which answers only after its
// data is durable: net/http and one append with fsync for each request. The
// benchmark holds the local server against it.
//
//	floor file           one fsync for each append
//	floor -group file    appends that wait at the same time share one fsync
//
// It prints its address and serves until it is killed.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
)

// record is how many bytes an append has, about those of a small stored action.
const record = 1200

// journal is a file that grows by records.
type journal struct {
	mu      sync.Mutex
	file    *os.File
	waiting []chan error
	group   bool
	syncing bool
}

// append answers once the record is on the disk.
func (j *journal) append(b []byte) error {
	j.mu.Lock()
	if _, err := j.file.Write(b); err != nil {
		j.mu.Unlock()
		return err
	}
	if !j.group {
		defer j.mu.Unlock()
		return j.file.Sync()
	}
	done := make(chan error, 1)
	j.waiting = append(j.waiting, done)
	if !j.syncing {
		j.syncing = true
		go j.sync()
	}
	j.mu.Unlock()
	return <-done
}

// sync serves those that wait until nobody does.
func (j *journal) sync() {
	for {
		j.mu.Lock()
		waiting := j.waiting
		j.waiting, j.syncing = nil, len(waiting) > 0
		j.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		err := j.file.Sync()
		for _, done := range waiting {
			done <- err
		}
	}
}

func main() {
	group := flag.Bool("group", false, "appends that wait at the same time share one fsync")
	flag.Parse()
	file, err := os.OpenFile(flag.Arg(0), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	j := &journal{file: file, group: *group}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		b := make([]byte, record)
		copy(b, body)
		if err == nil {
			err = j.append(b)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"stored":true}`)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, handler))
}
