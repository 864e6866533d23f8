/* grpc_answer.h - what the header fields of an answer say: how a call ended, and its metadata.
 *
 *   grpc_answer_init(&a, arena);
 *   grpc_answer_headers() for each block: the head, then trailers, if any; false: it is decided
 *   grpc_answer_end() when nothing follows, unless the stream was reset: grpc_code_of_h2()
 *
 * Mistakes of servers and of proxies in between become codes as grpc-go has it.
 * Source: grpc/grpc doc/PROTOCOL-HTTP2.md, doc/http-grpc-status-mapping.md. Threads: any (pure). */
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "net/grpc/grpc_message.h"
#include "net/grpc/grpc_status.h"

struct h2_header;

struct grpc_metadata {
    struct str name, value; /* names in lower case; values of "...-bin" in base64 */
};

enum grpc_answer_phase { GRPC_ANSWER_NOTHING, GRPC_ANSWER_HEAD, GRPC_ANSWER_TRAILERS };

struct grpc_answer {
    struct arena *arena; /* borrowed; all texts stand there */
    enum grpc_answer_phase phase;
    bool has_code;
    enum grpc_code code; /* valid with has_code, or when grpc_answer_headers() said false */
    struct str text;
    struct str encoding_name;           /* of messages; empty: identity */
    VEC(struct grpc_metadata) metadata; /* without what belongs to the protocol */
};

void grpc_answer_init(struct grpc_answer *a, struct arena *arena);
void grpc_answer_fini(struct grpc_answer *a);
/* False: the call has failed, `code` and `text` say it. 1xx heads are passed over. */
bool grpc_answer_headers(struct grpc_answer *a, const struct h2_header *v, size_t n);
/* Sets `code` and `text`. */
void grpc_answer_end(struct grpc_answer *a);
/* The first of this name (lower case), or {NULL, 0}. */
struct str grpc_answer_metadata(const struct grpc_answer *a, struct str name);
/* GRPC_IDENTITY and false for one that is not known. */
bool grpc_answer_encoding(const struct grpc_answer *a, enum grpc_encoding *ret_encoding);

enum grpc_code grpc_code_of_http(int status);
/* Of RST_STREAM. */
enum grpc_code grpc_code_of_h2(uint32_t code);
