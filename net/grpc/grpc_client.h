/* grpc_client.h - calls to one target: a channel connects when it has something to send, connects
 * again when the connection is lost, and carries many calls at once.
 *
 *   IDLE --a call--> CONNECTING --SETTINGS came--> READY --lost, or told to go--> IDLE
 *                        `--failed--> BACKOFF --its time is over--> IDLE
 *
 * Calls wait for a connection that is being made, and for room when the server takes no more
 * streams. While the channel backs off, and when an attempt fails, they end as UNAVAILABLE with the
 * reason, but for those that say wait_for_ready. A call that the server refused to look at
 * (REFUSED_STREAM; above the last stream of a GOAWAY) is sent once more, unseen.
 * Backoff: 1 s, growing by 1.6, varied by a fifth (grpc/grpc doc/connection-backoff.md).
 * Streams: grpc_stream.h. Threads: any, where nothing else is said. */
#pragma once
#include "base/budget.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/shared.h"
#include "net/grpc/grpc_answer.h"
#include "net/loop.h"

struct grpc_channel;
struct metrics;
struct tls_client;

struct grpc_channel_opts {
    struct str address;      /* "host:port"; copied */
    struct loop *loop;       /* borrowed, as everything below, until it has run what
                              * grpc_channel_close() posts to it */
    struct tls_client *tls;  /* a reference is taken; NULL: plain text */
    struct metrics *metrics; /* grpc_client_*; NULL: none */
    struct log *log;         /* may be NULL */
    const struct clock *clock;
    struct budget *memory;       /* for messages that come; NULL: none */
    const char *user_agent;      /* copied; NULL: "grpc-mneme" */
    size_t message_bytes_max;    /* of an answer, plain and compressed; 0: GRPC_MESSAGE_BYTES_MAX */
    size_t calls_max;            /* open at once, waiting ones too; above it RESOURCE_EXHAUSTED;
                                  * 0: 10000 */
    uint64_t connect_timeout_ms; /* until SETTINGS come; 0: 20 s */
    uint64_t backoff_max_ms;     /* 0: 120 s */
    uint64_t keepalive_ms;       /* nothing came for so long while calls are open: PING; 0: 10 s */
    uint64_t keepalive_timeout_ms; /* 0: 5 s */
    uint64_t idle_ms;              /* without a call: the connection is given up; 0: 30 min */
};

/* The caller owns *ret_channel. ERR_INVALID: the address is malformed. */
struct err grpc_channel_open(const struct grpc_channel_opts *opts,
                             struct grpc_channel **ret_channel);
/* Returns at once. Calls under way end as CANCELED on the loop, and so do those that their done()
 * begins. NULL is allowed. */
void grpc_channel_close(struct grpc_channel *ch);

/* A call of one message and one answer. All of it is copied, but for the message: a reference is
 * taken. */
struct grpc_unary {
    const char *method; /* "/thanos.WriteableStore/RemoteWrite" */
    const struct grpc_metadata *metadata;
    size_t metadata_count;
    enum grpc_encoding encoding; /* that `message` was made with */
    struct shared *message;      /* grpc_message_new() */
    uint64_t timeout_ms;         /* of the whole call, waiting included; 0: none */
    bool wait_for_ready;
};

struct grpc_outcome {
    enum grpc_code code;
    struct str text;                  /* of the status */
    struct str reply;                 /* plain; with GRPC_OK */
    const struct grpc_answer *answer; /* for grpc_answer_metadata() */
};

/* done() runs on the channel's loop, exactly once, also when the channel is closed meanwhile; what
 * it is given is valid during the call. Gives the call's number. */
uint64_t grpc_unary(struct grpc_channel *ch, const struct grpc_unary *q,
                    void (*done)(void *arg, const struct grpc_outcome *o), void *arg);
/* Ends it as CANCELED, unless it has ended. */
void grpc_unary_cancel(struct grpc_channel *ch, uint64_t number);
