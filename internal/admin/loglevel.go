package admin

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// LogLevel is the body of GET and PUT /loglevel: DEBUG, INFO, WARN or ERROR, in any case.
type LogLevel struct {
	Level string `json:"level"`
}

var logLevels = map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "ERROR": slog.LevelError}

func setLogLevel(level *slog.LevelVar, w http.ResponseWriter, r *http.Request) {
	var order LogLevel
	if !readOrder(w, r, &order) {
		return
	}
	to, known := logLevels[strings.ToUpper(order.Level)]
	if !known {
		fail(w, http.StatusBadRequest, CodeBadOrder, fmt.Sprintf("level %.32q, expected DEBUG, INFO, WARN or ERROR", order.Level))
		return
	}
	level.Set(to)
	answer(w, http.StatusOK, LogLevel{to.String()})
}
