package bridge

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"ringway/ring"
	"ringway/ring/ringtest"
)

// withConn runs f with a hijacked connection, and what the gateway has of it.
func withConn(t *testing.T, f func(x *harness, ex *ringtest.Exchange, c *hijackedConn)) {
	t.Helper()
	conns := make(chan net.Conn)
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) { conns <- switched(t, w) }), nil)
	x.Poor = true
	ex := x.Start(offer)
	c := (<-conns).(*hijackedConn)
	f(x, ex, c)
	_ = c.Close()
	x.settled(t)
}

func TestHijackedDeadlines(t *testing.T) {
	withConn(t, func(x *harness, ex *ringtest.Exchange, c *hijackedConn) {
		var timeout net.Error
		one := make([]byte, 1)
		isTimeout := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("%s: %v", what, err)
			}
		}
		_ = c.SetReadDeadline(time.Now().Add(-time.Second))
		ex.Send([]byte("ab"))
		_, err := c.Read(one)
		isTimeout("a read whose time is over", err)
		_ = c.SetDeadline(time.Time{})
		if n, err := c.Read(one); n != 1 || err != nil {
			t.Fatalf("without a deadline: %d, %v", n, err)
		}
		_, _ = c.Read(one)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err = c.Read(one)
		isTimeout("a read that waits", err)
		x.Keep(true)
		_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		n, err := c.Write(make([]byte, 1<<20))
		isTimeout("a write that waits", err)
		if n == 0 || n > x.Window {
			t.Fatalf("%d bytes were written into a window of %d", n, x.Window)
		}
		x.Keep(false)
		_ = c.SetDeadline(time.Time{})
		if n, err := c.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
			t.Fatalf("without a deadline: %d, %v", n, err)
		}
	})
}

func TestHijackedCloseWakesWhoWaits(t *testing.T) {
	withConn(t, func(x *harness, ex *ringtest.Exchange, c *hijackedConn) {
		x.Keep(true)
		errs := make(chan error, 2)
		go func() {
			_, err := c.Read(make([]byte, 1))
			errs <- err
		}()
		go func() {
			_, err := c.Write(make([]byte, 1<<20))
			errs <- err
		}()
		if _, err := ex.WaitFor(func(a *ringtest.Answer) bool { return len(a.Body) > x.Window/2 }); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v, want %v", err, net.ErrClosed)
			}
		}
		x.Keep(false)
		for what, err := range map[string]error{
			"Close": c.Close(), "CloseWrite": c.CloseWrite(), "SetDeadline": c.SetDeadline(time.Now()),
			"Read": second(c.Read(make([]byte, 1))), "Write": second(c.Write([]byte("a"))),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s behind Close: %v", what, err)
			}
		}
	})
}

func second(_ int, err error) error { return err }

func TestHijackedHalfClose(t *testing.T) {
	withConn(t, func(x *harness, ex *ringtest.Exchange, c *hijackedConn) {
		_, _ = c.Write([]byte("last words"))
		if err := errors.Join(c.CloseWrite(), c.CloseWrite()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("a")); !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("Write behind CloseWrite: %v", err)
		}
		if a, err := ex.WaitFor(func(a *ringtest.Answer) bool { return a.Shut }); err != nil || string(a.Body) != "last words" || ex.Ended() {
			t.Fatalf("%v, %q", err, a.Body)
		}
		ex.Send([]byte("still there"))
		ex.End()
		if b, err := io.ReadAll(c); err != nil || string(b) != "still there" {
			t.Fatalf("%q, %v", b, err)
		}
	})
}

func TestHijackedFailsWhenCancelled(t *testing.T) {
	for reason, want := range map[uint16]error{ring.CancelGone: syscall.ECONNRESET, ring.CancelStopping: ErrStopping, ring.CancelDeadline: ErrDeadline} {
		withConn(t, func(x *harness, ex *ringtest.Exchange, c *hijackedConn) {
			ex.Send([]byte("abc"))
			if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
				t.Fatal(err)
			}
			ex.Cancel(reason)
			b, err := io.ReadAll(c)
			if string(b) != "c" || !errors.Is(err, want) {
				t.Errorf("Read: %q, %v, want %v", b, err, want)
			}
			if _, err := c.Write([]byte("a")); !errors.Is(err, want) {
				t.Errorf("Write: %v, want %v", err, want)
			}
		})
	}
}

func TestHijackedEndsWithTheGateway(t *testing.T) {
	conns := make(chan net.Conn)
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) { conns <- switched(t, w) }), nil)
	x.Start(offer)
	c := <-conns
	x.att.fail(ErrGatewayGone)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrGatewayGone) {
		t.Errorf("Read: %v", err)
	}
	if _, err := c.Write(make([]byte, 1)); !errors.Is(err, ErrGatewayGone) {
		t.Errorf("Write: %v", err)
	}
	_ = c.Close()
}

func TestHijackedAddresses(t *testing.T) {
	withConn(t, func(x *harness, ex *ringtest.Exchange, c *hijackedConn) {
		if c.RemoteAddr().String() != "192.0.2.1:4711" || c.LocalAddr().String() != "127.0.0.1:8080" || c.LocalAddr().Network() != "tcp" {
			t.Errorf("from %v to %v", c.RemoteAddr(), c.LocalAddr())
		}
	})
}
