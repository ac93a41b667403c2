package endpoint

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ascend/shared/app/command"
	"ascend/shared/domain/problem"
)

// record logs one line for a request. It names no header, body, path, query or
// credential; the cause is logged where we failed, and only then. Where the
// client went away, nobody failed.
func (s *service) record(ctx context.Context, route *Route, c *command.Command, status int, took time.Duration, err error) {
	gone := errors.Is(context.Cause(ctx), context.Canceled)
	level := slog.LevelInfo
	if status >= 500 && !gone {
		level = slog.LevelError
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	var attrs [9]slog.Attr
	operation := "none"
	if route != nil {
		operation = route.ID
	}
	list := append(attrs[:0],
		slog.String("operation", operation),
		slog.Int("status", status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("correlation_id", c.CorrelationID),
	)
	if c.ClientCorrelationID != "" {
		list = append(list, slog.String("caller_correlation_id", c.ClientCorrelationID))
	}
	if org := c.Claim.Org(); org.Valid() {
		list = append(list, slog.Int64("organization_id", int64(org)))
	}
	if gone {
		list = append(list, slog.Bool("client_gone", true))
	}
	if err != nil {
		e := problem.As(err)
		list = append(list, slog.String("error_code", e.Code))
		if status >= 500 {
			list = append(list, slog.String("error", e.Error()))
		}
	}
	s.log.LogAttrs(ctx, level, "request", list...)
}
