/* peer_request.h - write requests of the other side: random ones, and whether our rows are equal.
 */
#pragma once
#include "base/arena.h"
#include "base/rand.h"
#include "proto/remote_write.h"
#include "tests/proto/prompb.pb-c.h"

enum { PEER_SAMPLES_MAX = 5 };

/* Pointers to `count` initialised messages of one type. */
#define PEER_MESSAGES(a, var, count, Type, init)                                                   \
    Type **var = ARENA_ARRAY((a), Type *, (count));                                                \
    for (size_t i_ = 0; i_ < (count); i_++) {                                                      \
        var[i_] = ARENA_NEW((a), Type);                                                            \
        init(var[i_]);                                                                             \
    }

char *peer_random_text(struct rand_gen *g, struct arena *a);
/* Series of everything that 1.0 has. */
Prompb__WriteRequest *peer_request_random(struct rand_gen *g, struct arena *a);
/* Encoded by the other side: a request, the label fields of a series. */
struct str peer_pack(struct arena *a, const Prompb__WriteRequest *request);
struct str peer_pack_labels(struct arena *a, const Prompb__TimeSeries *series);
/* The row has all that the series has, and its labels as the other side encodes them. */
void peer_check_row(struct arena *a, const Prompb__TimeSeries *want, const struct append_row *row,
                    const struct write_message *m);
