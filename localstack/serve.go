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
	"syscall"
	"time"

	"ascend/functions"
	"ascend/shared/app"
	"ascend/shared/endpoint"
	"ascend/shared/identity"
	"ascend/shared/store/embedded"
)

// tick is how often the local clock looks for approvals that nobody gave.
const tick = 250 * time.Millisecond

// serve runs the API until ctx ends. It prints how to call it once it listens.
func serve(ctx context.Context, at place, stdout, stderr io.Writer) (err error) {
	// The heap is a few megabytes: collect less often than memory would be worth.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	house, err := open(at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, house.store.Close()) }()

	log := slog.New(slog.NewJSONHandler(stderr, nil))
	handler, err := endpoint.New(house.app, identity.Credentials{Tokens: house.tokens, Keys: house.secrets.ring}, log, functions.Routes()...)
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
	if err := house.welcome(ctx, listener.Addr().String(), stdout); err != nil {
		return errors.Join(err, listener.Close())
	}
	return listen(ctx, listener, handler, house, log)
}

// listen serves, and turns the clock, until ctx ends; then it lets the
// requests under way finish.
func listen(ctx context.Context, l net.Listener, h http.Handler, house *house, log *slog.Logger) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	clock, stopClock := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		keepTime(clock, house, log)
	}()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()

	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = server.Shutdown(grace)
	}
	stopClock()
	<-stopped
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// keepTime moves approvals on whose stage's time ran out, takes in what `token -key` hands
// over, and forgets expired items. The deadlines are in the store, so no restart loses one.
func keepTime(ctx context.Context, house *house, log *slog.Logger) {
	due, sweep := time.NewTicker(tick), time.NewTicker(time.Minute)
	defer due.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-due.C:
			_, err = house.app.Approvals.ExpireDue(ctx)
			err = errors.Join(err, house.takeIn(ctx))
		case now := <-sweep.C:
			_, err = house.store.Sweep(ctx, now)
		}
		if err != nil && ctx.Err() == nil {
			log.Error("local clock", "error", err.Error())
		}
	}
}

// house is what the server serves from.
type house struct {
	data    string
	store   *embedded.Store
	app     *app.App
	secrets *secrets
	tokens  verifier
}

var errInUse = errors.New("another process uses the data folder")

// open makes or opens the data folder.
func open(at place) (*house, error) {
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
	h := &house{data: at.data, store: db, app: app.New(db)}
	if h.secrets, err = loadSecrets(at.data); err == nil {
		h.tokens, err = h.secrets.issuer.Verifier(nil)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}
