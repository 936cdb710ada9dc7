package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"ringway/internal/admin"
)

// client talks to the admin server of a running gateway.
type client struct{ base string }

const defaultAdmin = "127.0.0.1:9180"

// clientFlags parses the flags that all client commands have, and more.
func clientFlags(name string, args []string, more func(f *pflag.FlagSet)) (*client, *pflag.FlagSet, error) {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	address := f.String("admin", defaultAdmin, "`ADDR` (HOST:PORT) of the gateway's admin server")
	if more != nil {
		more(f)
	}
	if err := f.Parse(args); err != nil {
		return nil, nil, flagError(err)
	}
	return &client{base: "http://" + *address}, f, nil
}

// failed is the answer to something that the gateway did not do.
func failed(answer *http.Response) error {
	var problem struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&problem); err != nil || problem.Error == "" {
		return fmt.Errorf("the gateway answered %s", answer.Status)
	}
	return errors.New(problem.Error)
}

func (c *client) unreachable(err error) error {
	return fmt.Errorf("no gateway answers at %s: %w, expected its admin address (--admin)", c.base, errors.Unwrap(err))
}

// order gives an order and prints its steps until it has ended.
func (c *client) order(path string, body any, stdout io.Writer) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := http.Post(c.base+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return c.unreachable(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return failed(answer)
	}
	for decoder := json.NewDecoder(answer.Body); ; {
		var p admin.Progress
		if err := decoder.Decode(&p); err != nil {
			return fmt.Errorf("the gateway has not told the outcome: %w", err)
		}
		if p.Step != "" {
			if _, err := fmt.Fprintln(stdout, p.Step); err != nil {
				return err
			}
		}
		if p.Error != "" {
			return errors.New(p.Error)
		}
		if p.Done {
			return nil
		}
	}
}

func swap(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, f, err := clientFlags("swap", args, nil)
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
	c, f, err := clientFlags("rollback", args, nil)
	if err != nil {
		return err
	}
	if f.NArg() > 0 {
		return badInput("unexpected argument %q, expected none after rollback", f.Arg(0))
	}
	return c.order("/rollback", struct{}{}, stdout)
}

func drain(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, f, err := clientFlags("drain", args, nil)
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
	c, f, err := clientFlags("stop", args, nil)
	if err != nil {
		return err
	}
	if f.NArg() > 0 {
		return badInput("unexpected argument %q, expected none after stop", f.Arg(0))
	}
	return c.order("/stop", struct{}{}, stdout)
}

func status(args []string, stdout, _ io.Writer, _ NewEngine) error {
	var asJSON *bool
	c, f, err := clientFlags("status", args, func(f *pflag.FlagSet) {
		asJSON = f.Bool("json", false, "print what the admin server tells, whole")
	})
	if err != nil {
		return err
	}
	if f.NArg() > 0 {
		return badInput("unexpected argument %q, expected none after status", f.Arg(0))
	}
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Get(c.base + "/stats")
	if err != nil {
		return c.unreachable(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return failed(answer)
	}
	if *asJSON {
		_, err := io.Copy(stdout, answer.Body)
		return err
	}
	var s admin.Snapshot
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return fmt.Errorf("the gateway's answer cannot be read: %w", err)
	}
	return printStatus(stdout, &s)
}
