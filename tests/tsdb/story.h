/* story.h - a random story of a database and its model; for test_model.c and the files of its
 * chapters.
 *
 * Everything in it follows from its seed. A failure prints the seed, and what replays it.
 * Threads: one. */
#pragma once
#include <stdio.h>

#include "base/fs_fault.h"
#include "base/rand.h"
#include "tests/harness.h"
#include "tests/tsdb/histogram_kit.h"
#include "tests/tsdb/model.h"

enum { ROWS_MAX = 50, SAMPLES_MAX = 4000, HISTOGRAMS_MAX = 200 };

struct story {
    struct rand_gen g;
    uint64_t seed, step;
    struct fs *fs; /* one that fails */
    char *dir;
    struct log *log; /* NULL: nobody listens */
    struct db_opts opts;
    struct db *db;
    struct model model;
    bool faulty;             /* a fault may strike, or has struck and is not healed */
    bool broken;             /* every call of some kind fails */
    bool log_lost;           /* chunk files may be all that is left of some samples */
    bool restless;           /* times jump by hours */
    bool has_late;           /* there was a window at some time */
    bool deletes;            /* there are deletions in it */
    bool has_hidden;         /* there was one */
    int64_t now_ms, unit_ms; /* half a block range */
    int64_t maxt_ms;         /* that the head ever had */

    uint64_t series;                      /* how many label sets there are so far */
    VEC(struct kit_series) histograms_of; /* a series each */

    struct arena arena; /* of the request */
    VEC(struct model_row) rows;
    VEC(struct sample) samples;
    VEC(struct histogram_sample) histograms;
};

#define STORY_REPLAY "MODEL_SEED=%ju MODEL_STORIES=1 CK_RUN_SUITE=model tests/tsdb/test_model"
#define STORY_ASSERT(s, cond, ...)                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "step %ju; replay: " STORY_REPLAY "\n", (uintmax_t)(s)->step,          \
                    (uintmax_t)(s)->seed);                                                         \
            ck_abort_msg(__VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)
#define STORY_OK(s, call)                                                                          \
    do {                                                                                           \
        struct err e_ = (call);                                                                    \
        STORY_ASSERT((s), e_.code == ERR_NONE, "%s: %s", #call, err_text(&e_));                    \
    } while (0)

static inline bool
chance(struct story *s, uint64_t percent)
{
    return rand_below(&s->g, 100) < percent;
}

static inline int64_t
between(struct story *s, int64_t low, int64_t high)
{
    return low + (int64_t)rand_below(&s->g, (uint64_t)(high - low) + 1);
}

/* --- story_write.c ---------------------------------------------------------------------------- */

/* A request of all there is: its answer and the model's must agree. */
void story_write(struct story *s);
/* One sample of a series of its own at that time, which must be stored. */
void story_write_at(struct story *s, int64_t t_ms);

/* --- story_delete.c ---------------------------------------------------------------------------
 */

void story_delete(struct story *s);
void story_clean(struct story *s);

/* --- story_ends.c: how a database ends, and begins again ----------------------------------------
 */

void story_begin(struct story *s, uint64_t seed);
void story_end(struct story *s);
void story_heal_disk(struct story *s); /* no fault strikes any more, nor has one */
void story_stop_cleanly(struct story *s);
void story_crash(struct story *s);
void story_cut_power(struct story *s);
void story_damage_chunks(struct story *s);
void story_damage_log(struct story *s);
void story_damage_late_log(struct story *s);
