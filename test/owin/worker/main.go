// Command worker runs the Apps of the OWIN cases for package owin's tests.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"ringway/bridge"
	"ringway/envmap"
	"ringway/test/owin/rules"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	startup := func(b *envmap.Builder) (envmap.App, error) { return rules.Startup(b, serve) }
	if err := bridge.ServeStartup(ctx, startup, bridge.WithRelease("r")); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// checks are those of cases whose results are asked for afterwards, by name.
var checks sync.Map

func serve(env envmap.Env) error {
	if name := env.Header(rules.LateField); name != "" {
		return late(env, name)
	}
	name := env.Header(rules.CaseField)
	one := rules.ByName()[name]
	if one == nil {
		return env.Reply(404).Text(fmt.Sprintf("no case %q\n", name))
	}
	check := rules.NewCheck()
	if one.Late || one.Leave {
		checks.Store(name, check)
	}
	return one.Run(check, env)
}

// late answers with what a check found behind the end of its exchange; with ?waits, as soon as the client may leave.
func late(env envmap.Env, name string) error {
	const patience = 20 * time.Second
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		v, ok := checks.Load(name)
		if !ok {
			continue
		}
		check := v.(*rules.Check)
		done := check.Late()
		if env.Query() == "waits" {
			done = check.Waiting()
		}
		select {
		case <-done:
			return env.Reply(200).Text("ok" + check.Wrong())
		case <-time.After(patience):
		}
	}
	return env.Reply(504).Text("the case has not come so far\n")
}
