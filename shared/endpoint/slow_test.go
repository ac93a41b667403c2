package endpoint

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ascend/shared/app"
	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
)

// listen serves k on a real listener until its test ends.
func (k *kit) listen(t *testing.T) (server *httptest.Server, dial func() net.Conn) {
	server = httptest.NewServer(k)
	t.Cleanup(server.Close)
	return server, func() net.Conn {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func TestABodyThatArrivesTooSlowlyIs408(t *testing.T) {
	for _, batch := range []bool{false, true} {
		s := Spec{
			ID: "things-add", Method: "POST", Path: "/api/things", Auth: KeyOrTokenWrite, Body: OptionalBody,
			Timeout: 50 * time.Millisecond, ConfirmInBatch: batch,
		}
		type in struct {
			Name string `json:"name"`
		}
		k := newKit(t, Define(s, handler[in]))
		server, dial := k.listen(t)
		for _, row := range []struct {
			caller string
			status int
		}{{"key:user", 408}, {"key:revoked", 401}, {"key:viewer", 403}} {
			k.log.Reset()
			c := dial()
			fmt.Fprintf(c, "POST /api/things HTTP/1.1\r\nHost: test\r\nX-Test-Caller: %s\r\nContent-Length: 12\r\n\r\n{\"na", row.caller)
			a, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if a.StatusCode != row.status || row.status == 408 && !a.Close {
				t.Errorf("batch %v, %s: answered %d, closing %v, want %d", batch, row.caller, a.StatusCode, a.Close, row.status)
			}
			a.Body.Close()
			c.Close()
		}
		server.Close()
		if strings.Contains(k.log.String(), `"level":"ERROR"`) {
			t.Errorf("logged %s", k.log)
		}
	}
}

func TestASlowBodyTakesNoTimeFromTheAnswer(t *testing.T) {
	s := Spec{ID: "things-add", Method: "POST", Path: "/api/things", Auth: Token, Body: OptionalBody, Timeout: 400 * time.Millisecond}
	type in struct {
		Name string `json:"name"`
	}
	k := newKit(t, Define(s, func(ctx context.Context, _ *app.App, _ *command.Command, _ in) (done, error) {
		select {
		case <-ctx.Done():
			return done{}, ctx.Err()
		case <-time.After(200 * time.Millisecond):
			return done{OK: true}, nil
		}
	}))
	_, dial := k.listen(t)
	c := dial()
	defer c.Close()
	fmt.Fprint(c, "POST /api/things HTTP/1.1\r\nHost: test\r\nX-Test-Caller: admin\r\nContent-Length: 12\r\n\r\n{\"na")
	time.Sleep(300 * time.Millisecond)
	fmt.Fprint(c, `me":"n"}`)
	reader := bufio.NewReader(c)
	a, err := http.ReadResponse(reader, nil)
	if err != nil || a.StatusCode != 200 {
		t.Fatalf("%+v, %v", a, err)
	}
	a.Body.Close()
	// The connection outlives the deadline of that body.
	time.Sleep(450 * time.Millisecond)
	c.Write([]byte("POST /api/things HTTP/1.1\r\nHost: test\r\nX-Test-Caller: admin\r\nContent-Length: 12\r\n\r\n{\"name\":\"n\"}"))
	if a, err = http.ReadResponse(bufio.NewReader(c), nil); err != nil || a.StatusCode != 200 {
		t.Fatalf("on the same connection: %+v, %v", a, err)
	}
	a.Body.Close()
}

func TestAClientThatGoesAwayIsNoFailureOfOurs(t *testing.T) {
	reached := make(chan struct{})
	s := Spec{ID: "things-add", Method: "POST", Path: "/api/things", Auth: Token, Body: OptionalBody, Unknown: Tolerate}
	type in struct {
		Name string `json:"name"`
	}
	k := newKit(t, Define(s, func(ctx context.Context, _ *app.App, _ *command.Command, _ in) (done, error) {
		close(reached)
		<-ctx.Done()
		return done{}, problem.Unavailable("read", ctx.Err())
	}))
	server, dial := k.listen(t)
	c := dial()
	fmt.Fprint(c, "POST /api/things HTTP/1.1\r\nHost: test\r\nX-Test-Caller: admin\r\nContent-Length: 12\r\n\r\n{\"name\":\"n\"}")
	<-reached
	c.Close()
	server.Close() // waits for the request
	if line := k.log.String(); !strings.Contains(line, `"level":"INFO"`) || !strings.Contains(line, `"client_gone":true`) || strings.Contains(line, "ERROR") {
		t.Errorf("logged %s", line)
	}
}
