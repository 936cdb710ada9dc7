#include "h1_latency.h"

#include <time.h>

#include "h1_server.h"

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void h1_latency_received(struct h1_server *server) {
    server->latency.received_ns = now_ns();
}

void h1_latency_sent(struct h1_server *server) {
    server->latency.sent_ns = now_ns();
}

void h1_latency_begin(struct h1_stream *stream) {
    stream->times.start_ns = stream->conn->server->latency.received_ns;
}

/* Not the turn's time: a turn may answer hundreds. */
void h1_latency_answered(struct h1_stream *stream) {
    if (stream->exchange.begun_ns != 0) {
        stream->times.answered_ns = now_ns();
    }
}

void h1_latency_advance(struct h1_stream *stream) {
    if (h1_stream_sent(stream)) {
        stream->times.ended_ns = stream->conn->server->latency.sent_ns;
    }
}

struct h1_spans h1_latency_spans(const struct h1_stream *stream, uint64_t end_ns) {
    const struct h1_times *times = &stream->times;
    uint64_t begun_ns = stream->exchange.begun_ns;
    struct h1_spans spans = {H1_LATENCY_UNKNOWN, H1_LATENCY_UNKNOWN};
    if (begun_ns != 0 && begun_ns >= times->start_ns && begun_ns <= end_ns) {
        spans.queue_ns = begun_ns - times->start_ns;
        if (times->answered_ns >= begun_ns) {
            spans.handler_ns = times->answered_ns - begun_ns;
        }
    }
    return spans;
}

void h1_latency_end(struct h1_stream *stream) {
    const struct h1_times *times = &stream->times;
    if (stream->upgraded || times->start_ns == 0 || times->ended_ns < times->start_ns) {
        return;
    }
    struct h1_latency *latency = &stream->conn->server->latency;
    struct h1_spans spans = h1_latency_spans(stream, times->ended_ns);
    histogram_add(&latency->total, times->ended_ns - times->start_ns);
    if (spans.queue_ns != H1_LATENCY_UNKNOWN) {
        histogram_add(&latency->queue, spans.queue_ns);
    }
    if (spans.handler_ns != H1_LATENCY_UNKNOWN) {
        histogram_add(&latency->handler, spans.handler_ns);
    }
}
