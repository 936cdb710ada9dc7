package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ringway/internal/admin"
)

// client talks to the admin server of a running gateway.
type client struct {
	address string // for people
	base    string
	token   string // empty: none
	http    http.Client
}

// statusWait is how long a gateway may take to tell how it is.
const statusWait = 10 * time.Second

const defaultAdmin = "127.0.0.1:9180"

// clientOptions are the flags of the commands that talk to a gateway.
type clientOptions struct {
	admin     string
	tokenFile string
	json      bool // of status and events
	ready     bool // of status
	samples   int  // of top
}

func clientFlags(name string, o *clientOptions) *pflag.FlagSet {
	f := newFlags(name)
	f.StringVar(&o.admin, "admin", defaultAdmin, "`ADDR` (HOST:PORT or unix:PATH) of the gateway's admin server")
	f.StringVar(&o.tokenFile, "admin-token-file", "", "`FILE` with its token")
	switch name {
	case "status":
		f.BoolVar(&o.json, "json", false, "print what the admin server tells, whole")
		f.BoolVar(&o.ready, "ready", false, "only tell, by the exit code, whether clients should be sent here, as /readyz does")
	case "events":
		f.BoolVar(&o.json, "json", false, "print each event as a line of JSON")
	case "top":
		f.IntVarP(&o.samples, "samples", "n", 0, "end after so many; 0: when q is pressed or the command is interrupted")
	}
	return f
}

// parseClient reads the arguments of a command that talks to a gateway.
func parseClient(name string, args []string) (*client, *pflag.FlagSet, *clientOptions, error) {
	o := &clientOptions{}
	f := clientFlags(name, o)
	if err := f.Parse(args); err != nil {
		return nil, nil, nil, flagError(name, f, err)
	}
	token, err := readToken(o.tokenFile)
	if err != nil {
		return nil, nil, nil, err
	}
	return newClient(o.admin, token), f, o, nil
}

// plainClient is for commands without arguments of their own.
func plainClient(name string, args []string) (*client, *clientOptions, error) {
	c, f, o, err := parseClient(name, args)
	if err == nil {
		err = noArguments(name, f.Args())
	}
	return c, o, err
}

func newClient(address, token string) *client {
	c := &client{address: address, base: "http://" + address, token: token}
	if path, found := strings.CutPrefix(address, "unix:"); found {
		c.base = "http://localhost"
		c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}}
	}
	return c
}

// do sends a request. The caller closes the body of the answer, which may have any status.
func (c *client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := c.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	return c.send(request)
}

func (c *client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, badInput("--admin %q is no address: %w, expected HOST:PORT or unix:PATH", c.address, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	return request, nil
}

func (c *client) send(request *http.Request) (*http.Response, error) {
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no gateway answers at %s: %w, expected its admin address (--admin), or start one with `gateway serve`", c.address, errors.Unwrap(err))
	}
	return answer, nil
}

// failed is the answer to something that the gateway did not do.
func failed(answer *http.Response) error {
	var problem admin.Problem
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&problem); err != nil || problem.Detail == "" {
		return fmt.Errorf("the gateway answered %s, expected 200; its log tells more", answer.Status)
	}
	if problem.Code == admin.CodeNoToken {
		return errors.New(problem.Detail + " (--admin-token-file)")
	}
	return errors.New(problem.Detail)
}

// withNext adds what comes next to a reason that tells nothing of the kind.
func withNext(reason, next string) string {
	if next == "" || strings.Contains(reason, "expected ") {
		return reason
	}
	return reason + "; " + next
}

// order gives an order and prints its steps until it has ended.
func (c *client) order(path string, body any, stdout io.Writer) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := c.do(context.Background(), http.MethodPost, path, text)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return failed(answer)
	}
	// What fails on its way has left everything as it was.
	next := map[string]string{
		"/swap":    "the release before serves on; mend it and swap again",
		"/upgrade": "this gateway serves on, and its log has what the other one wrote",
	}
	for decoder := json.NewDecoder(answer.Body); ; {
		var p admin.Progress
		if err := decoder.Decode(&p); err != nil {
			return fmt.Errorf("the gateway has not told the outcome: %w; `gateway status` tells what became of it", err)
		}
		if p.Step != "" {
			if _, err := fmt.Fprintln(stdout, p.Step); err != nil {
				return err
			}
		}
		if p.Error != "" {
			return errors.New(withNext(p.Error, next[path]))
		}
		if p.Done {
			return nil
		}
	}
}

func swap(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, f, _, err := parseClient("swap", args)
	if err != nil {
		return err
	}
	own := f.NArg()
	var order admin.SwapOrder
	if dash := f.ArgsLenAtDash(); dash >= 0 {
		own = dash
		order.Args = append([]string{}, f.Args()[dash:]...)
	}
	if own != 1 {
		return badInput("%d words before --, expected one: swap [--admin ADDR] PATH [-- ARGS]", own)
	}
	if order.Program, err = filepath.Abs(f.Arg(0)); err != nil {
		return badInput("program %q: %w", f.Arg(0), err)
	}
	return c.order("/swap", order, stdout)
}

func rollback(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, _, err := plainClient("rollback", args)
	if err != nil {
		return err
	}
	return c.order("/rollback", struct{}{}, stdout)
}

func drain(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, f, _, err := parseClient("drain", args)
	if err != nil {
		return err
	}
	if f.NArg() == 0 {
		return c.order("/drain", admin.DrainOrder{}, stdout)
	}
	if f.NArg() != 1 {
		return badInput("%d arguments, expected none, or the number of a worker as `gateway status` tells it", f.NArg())
	}
	worker, err := strconv.ParseUint(f.Arg(0), 10, 64)
	if err != nil || worker == 0 {
		return badInput("worker %q is no number above 0, expected one that `gateway status` tells", f.Arg(0))
	}
	return c.order("/drain", admin.DrainOrder{Worker: worker}, stdout)
}

func stop(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, _, err := plainClient("stop", args)
	if err != nil {
		return err
	}
	return c.order("/stop", struct{}{}, stdout)
}

func status(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, o, err := plainClient("status", args)
	if err != nil {
		return err
	}
	path := "/stats"
	if o.ready {
		path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	answer, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if o.ready {
		return readiness(answer)
	}
	if answer.StatusCode != http.StatusOK {
		return failed(answer)
	}
	if o.json {
		return printIndented(stdout, answer.Body)
	}
	var s admin.Snapshot
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return fmt.Errorf("the gateway's answer cannot be read: %w, expected one of this version; try `gateway status --json`", err)
	}
	return printStatus(stdout, &s)
}

// printIndented prints JSON for eyes: what the admin server answers is one line.
func printIndented(to io.Writer, from io.Reader) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return fmt.Errorf("the gateway's answer: %w, expected a whole one", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return fmt.Errorf("the gateway's answer cannot be read: %w, expected JSON", err)
	}
	_, err = indented.WriteTo(to)
	return err
}

// readiness is an error that says why no clients should be sent to the gateway.
func readiness(answer *http.Response) error {
	var h admin.Health
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&h); err != nil {
		return fmt.Errorf("the gateway answered %s, expected its readiness: %w", answer.Status, err)
	}
	if !h.OK {
		return fmt.Errorf("not ready: %s; `gateway status` tells more", h.Reason)
	}
	return nil
}
