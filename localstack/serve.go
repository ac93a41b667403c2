package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"ascend/functions"
	"ascend/shared/app"
	"ascend/shared/app/relay"
	"ascend/shared/endpoint"
	"ascend/shared/executions/inprocess"
	"ascend/shared/identity"
	"ascend/shared/store/embedded"
)

// tick is how often the server looks for what `token -key` hands over.
const tick = 250 * time.Millisecond

// serve runs the API until ctx ends. It prints how to call it once it listens.
func serve(ctx context.Context, at place, stdout, stderr io.Writer) (err error) {
	// The heap is a few megabytes: collect less often than memory would be worth,
	// until it grows.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(192 << 20))
	local, err := open(at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.store.Close()) }()
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	local.app.Relay.Log, local.clock.Log = log, log
	handler, err := endpoint.New(local.app, identity.Credentials{Tokens: local.tokens, Keys: local.secrets.ring}, log, functions.Routes()...)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", at.addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("address %s is in use; choose another with ADDR=host:port", at.addr)
	case err != nil:
		return fmt.Errorf("listen on %s: %w", at.addr, err)
	}
	if err := local.welcome(ctx, listener.Addr().String(), stdout); err != nil {
		return errors.Join(err, listener.Close())
	}
	return listen(ctx, listener, handler, local, log)
}

// listen serves, with the consumers of what is committed, until ctx ends; then
// it lets the requests under way finish.
func listen(ctx context.Context, l net.Listener, h http.Handler, local *installation, log *slog.Logger) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	finished, err := local.follow(background, log)
	if err != nil {
		stop()
		return errors.Join(err, l.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()

	select {
	case err = <-ended:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = server.Shutdown(grace)
	}
	stop()
	finished()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// follow starts what runs beside the API: a consumer of the store's changes for
// each that the stack has, the clocks of pending actions, and the chores. finished
// waits for its end, after ctx.
func (h *installation) follow(ctx context.Context, log *slog.Logger) (finished func(), err error) {
	consumers := h.app.Relay.Consumers()
	var names []string
	for _, c := range consumers {
		names = append(names, c.Name)
	}
	if err := h.store.Register(ctx, names...); err != nil {
		return nil, err
	}
	feed := relay.Share(h.store)
	var all sync.WaitGroup
	all.Go(func() {
		// First by the records as they are, then by changes that may be old.
		if err := h.app.Approvals.StartClocks(ctx); err != nil && ctx.Err() == nil {
			log.Error("start the approval clocks", "error", err.Error())
		}
		for _, c := range consumers {
			all.Go(func() { h.app.Relay.Follow(ctx, feed, c) })
		}
	})
	all.Go(func() { h.chores(ctx, log) })
	return func() {
		all.Wait()
		h.clock.Close()
	}, nil
}

// chores takes in what `token -key` hands over; and every minute it passes the
// deadlines of approvals whose clock was lost, and forgets expired items.
func (h *installation) chores(ctx context.Context, log *slog.Logger) {
	handed, sweep := time.NewTicker(tick), time.NewTicker(time.Minute)
	defer handed.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-handed.C:
			err = h.takeIn(ctx)
		case now := <-sweep.C:
			_, err = h.app.Approvals.ExpireDue(ctx)
			_, err2 := h.store.Sweep(ctx, now)
			err = errors.Join(err, err2)
		}
		if err != nil && ctx.Err() == nil {
			log.Error("a chore failed", "error", err.Error())
		}
	}
}

// installation is what the server serves from.
type installation struct {
	data    string
	store   *embedded.Store
	app     *app.App
	clock   *inprocess.Machine
	secrets *secrets
	tokens  verifier
}

var errInUse = errors.New("another process uses the data folder")

// open makes or opens the data folder.
func open(at place) (*installation, error) {
	if err := os.MkdirAll(at.data, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	db, err := embedded.Open(filepath.Join(at.data, "ascend.db"), embedded.Options{})
	switch {
	case errors.Is(err, embedded.ErrLocked):
		return nil, fmt.Errorf("%w: %s; stop it, or choose another with DATA=folder", errInUse, at.data)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("the data folder %s is not writable; choose another with DATA=folder", at.data)
	case err != nil:
		return nil, err
	}
	h := &installation{data: at.data, store: db, clock: inprocess.New()}
	h.app = app.New(db, app.Options{
		Executions:  h.clock,
		Bus:         &eventLog{journal: journal{path: filepath.Join(at.data, eventsFile), limit: journalLimit}},
		DeadLetters: &deadLetters{journal{path: filepath.Join(at.data, deadLettersFile), sync: true}},
	})
	h.clock.Bind(h.app.Approvals)
	if h.secrets, err = loadSecrets(at.data); err == nil {
		h.tokens, err = h.secrets.issuer.Verifier(nil)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}
