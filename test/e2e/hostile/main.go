// Command hostile is a worker that answers requests while it destroys the memory and the sockets that it shares with the
// gateway. With --how none it is an honest one that answers in the same way.
//
// Each line of an answer is the token and the request's id, so that a test sees whose answer it got.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"ringway/bridge"
)

func main() {
	token := flag.String("token", "", "first word of each line of an answer")
	how := flag.String("how", "none", "what to destroy: "+strings.Join(methods(), ", ")+", or none")
	seed := flag.Uint64("seed", 1, "of the random choices")
	flag.Parse()
	if err := run(*token, *how, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func run(token, how string, seed uint64) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	destroy, found := sabotage[how]
	if !found && how != "none" {
		return fmt.Errorf("--how %q: want one of %v, or none", how, methods())
	}
	if found {
		go destroy(rand.New(rand.NewPCG(seed, 1)))
	}
	return bridge.Serve(ctx, answers(token), bridge.WithRelease("r"), bridge.WithReattach(false))
}

// answers writes as many lines as the query's n says.
func answers(token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		n, _ := strconv.Atoi(query.Get("n"))
		_, _ = io.WriteString(w, strings.Repeat(token+" "+query.Get("id")+"\n", n))
	})
}
