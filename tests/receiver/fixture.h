/* fixture.h - a receiver over a fake sink, behind a live server. */
#pragma once
#include "net/http_server.h"
#include "receiver/receive.h"
#include "tests/net/client.h"
#include "tests/receiver/fake_sink.h"

enum { BODY_BYTES_MAX = 4096, DECODED_BYTES_MAX = 1000, SERIES_MAX = 10 };

#define RECEIVE  "POST /api/v1/receive"
#define WRITE    "POST /api/v1/write"
#define PROTOBUF "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"

struct fixture {
    struct loops *loops;
    struct pool *pool;
    struct metrics *metrics;
    struct router *router;
    struct receiver *receiver;
    struct http_server *server;
    struct fake_sink sink;
    unsigned port;
};

/* The receiver is not started. */
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);
/* One request on a connection of its own; `line` is method and path, `headers` end with CRLF. */
struct reply ask(struct fixture *f, const char *line, const char *headers, struct str body);
/* The same with the body compressed. */
struct reply ask_packed(struct fixture *f, const char *line, const char *headers,
                        struct str message);
