package cli

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
)

// logs is the log on standard error, whose format can change.
type logs struct {
	*slog.Logger
	json *atomic.Bool
}

func newLog(stderr io.Writer, format string) *logs {
	l := &logs{json: new(atomic.Bool)}
	l.Logger = slog.New(formats{l.json, slog.NewTextHandler(stderr, nil), slog.NewJSONHandler(stderr, nil)})
	l.setFormat(format)
	return l
}

func (l *logs) setFormat(format string) { l.json.Store(format == "json") }

// formats writes each record in the format that is chosen at that time. Attributes are kept in both.
type formats struct {
	json         *atomic.Bool
	text, asJSON slog.Handler
}

func (f formats) current() slog.Handler {
	if f.json.Load() {
		return f.asJSON
	}
	return f.text
}

func (f formats) Enabled(ctx context.Context, level slog.Level) bool {
	return f.current().Enabled(ctx, level)
}

func (f formats) Handle(ctx context.Context, record slog.Record) error {
	return f.current().Handle(ctx, record)
}

func (f formats) WithAttrs(attributes []slog.Attr) slog.Handler {
	return formats{f.json, f.text.WithAttrs(attributes), f.asJSON.WithAttrs(attributes)}
}

func (f formats) WithGroup(name string) slog.Handler {
	return formats{f.json, f.text.WithGroup(name), f.asJSON.WithGroup(name)}
}
