/* grpc_stream.h - a call with many answers, pulled by a worker thread, one message after the other.
 *
 *   grpc_stream_open(ch, &q, &s);
 *   while (grpc_stream_next(s, &message)) use(message);
 *   TRY(grpc_stream_end(s));          why there are no more
 *   grpc_stream_close(s);             also before the end: the call is canceled
 *
 * What comes while nobody pulls is kept up to GRPC_STREAM_HELD_BYTES and a window of HTTP/2; then
 * the server waits. Messages are decompressed by who pulls them.
 * Threads: one worker a stream, never the channel's loop; cancel any. */
#pragma once
#include "net/grpc/grpc_client.h"

struct grpc_stream;

enum { GRPC_STREAM_HELD_BYTES = 1 << 20 };

/* The deadline of `q` is that of the whole stream. Before grpc_channel_close(). */
struct grpc_stream *grpc_stream_open(struct grpc_channel *ch, const struct grpc_unary *q);
/* Waits. False: the end, or a failure. *ret_message is valid until the next call. */
bool grpc_stream_next(struct grpc_stream *s, struct str *ret_message);
/* Behind the last message: OK, or the failure with its text (grpc_code_to_err()). */
struct err grpc_stream_end(struct grpc_stream *s);
enum grpc_code grpc_stream_code(struct grpc_stream *s);
/* Of head and trailers, behind the first message; {NULL, 0}: not there. Lives as long as `s`. */
struct str grpc_stream_metadata(struct grpc_stream *s, const char *name);
/* Wakes who waits; it ends as CANCELED. */
void grpc_stream_cancel(struct grpc_stream *s);
void grpc_stream_close(struct grpc_stream *s); /* NULL is allowed */
DEFINE_AUTO(struct grpc_stream *, grpc_stream_close)
