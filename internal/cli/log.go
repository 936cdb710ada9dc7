package cli

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
)

// logs is the log on standard error, whose format and level can change.
type logs struct {
	*slog.Logger
	json  *atomic.Bool
	level *slog.LevelVar
}

func newLog(stderr io.Writer, s *settled) *logs {
	l := &logs{json: new(atomic.Bool), level: new(slog.LevelVar)}
	options := &slog.HandlerOptions{Level: l.level}
	l.Logger = slog.New(formats{l.json, slog.NewTextHandler(stderr, options), slog.NewJSONHandler(stderr, options)})
	l.setFormat(s.logFormat)
	l.level.Set(s.logLevel)
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
