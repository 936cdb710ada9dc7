package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"ringway/envmap"
)

// begin starts the application at the first attachment, and tells it the gateway's addresses at each.
func (w *worker) begin(ctx context.Context, att *attachment) error {
	if w.startup == nil {
		return nil
	}
	addresses := hostAddresses(att.addresses)
	if w.properties != nil {
		w.properties.SetAddresses(addresses)
		return nil
	}
	trace := slog.NewLogLogger(w.opts.logger.Handler(), slog.LevelInfo).Writer()
	w.properties = envmap.NewProperties(trace, addresses...)
	app, err := w.startup(envmap.NewBuilder(w.properties))
	if err != nil {
		return fmt.Errorf("the application does not start: %w", err)
	}
	if err := w.properties.Init(ctx); err != nil {
		return err
	}
	w.env = envmap.NewRunner(app).Provide(w.properties)
	return nil
}

// dispose tells the application, if it has started, that there will be no more requests.
func (w *worker) dispose() {
	if w.properties == nil {
		return
	}
	if err := w.properties.Dispose(); err != nil {
		w.opts.logger.Error("ringway: the application does not end well", "error", err)
	}
}

// hostAddresses makes host.Addresses of URLs. That of a unix socket has a path and neither host nor port.
func hostAddresses(urls []string) []map[string]string {
	all := make([]map[string]string, 0, len(urls))
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil {
			all = append(all, envmap.Address(u.Scheme, u.Hostname(), u.Port(), u.Path))
		}
	}
	return all
}
