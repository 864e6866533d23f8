/* A database against a naive model: random stories of writes (floats and histograms, in order and
 * late, good and bad), queries, maintenance, faults and ends of every kind. After each step all
 * that was acknowledged is there, once and bit by bit, and nothing else.
 *
 * Story k has the seed MODEL_SEED + k: MODEL_SEED=77 MODEL_STORIES=1 tells that of seed 77, in
 * MODEL_STEPS steps (120); MODEL_TELL=1 lists them. MODEL_SECONDS=7200 without a number of stories
 * tells as many as that time has room for; fastest with MODEL_DIR=/dev/shm. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/tsdb/story.h"

/* --- faults ----------------------------------------------------------------------------------- */

static void
begin_fault(struct story *s)
{
    if (s->faulty)
        return;
    s->faulty = true;
    struct fs_fault_opts fault = {
        .fail_call = 1 + rand_below(&s->g, 10),
        .torn_bytes = rand_below(&s->g, 3) ? rand_below(&s->g, 2000) : 0,
        .errnum = chance(s, 50) ? EIO : ENOSPC,
    };
    switch (rand_below(&s->g, 5)) {
    case 0:
        s->broken = true;
        fs_fault_break(s->fs, FS_FAULT_WRITE | FS_FAULT_CREATE, ENOSPC);
        return;
    case 1:
        s->broken = true;
        fs_fault_break(s->fs, FS_FAULT_SYNC, EIO);
        return;
    case 2:
        fault.calls = FS_FAULT_SYNC;
        break;
    case 3:
        fault.mode = FS_FAULT_CRASH;
        break;
    default:
        fault.calls = chance(s, 50) ? FS_FAULT_WRITE : 0;
    }
    fs_fault_arm(s->fs, &fault);
}

static bool
is_writable(struct story *s)
{
    struct db_stats stats;
    db_stats(s->db, &stats);
    return stats.writable;
}

/* --- maintenance ------------------------------------------------------------------------------ */

/* Blocks took something over: times that are refused since then, and a head that may be empty. */
static void
take_over_bounds(struct story *s)
{
    struct db_stats stats;
    db_stats(s->db, &stats);
    s->model.head_mint_ms = stats.head_mint_ms;
    int64_t before_ms = model_min_valid_ms(&s->model);
    STORY_ASSERT(s, stats.min_valid_ms >= before_ms || stats.head_maxt_ms == INT64_MIN,
                 "times are taken again");
    if (stats.head_maxt_ms == INT64_MIN && s->model.maxt_ms != INT64_MIN) {
        STORY_ASSERT(s, stats.series == 0, "%ju series without times", (uintmax_t)stats.series);
        s->model.maxt_ms = INT64_MIN;
    }
    STORY_ASSERT(s, stats.head_maxt_ms == s->model.maxt_ms,
                 "the head's newest time is %jd, not %jd", (intmax_t)stats.head_maxt_ms,
                 (intmax_t)s->model.maxt_ms);
    if (stats.min_valid_ms > model_min_valid_ms(&s->model))
        s->model.block_end_ms = stats.min_valid_ms;
    bool hidden = s->has_hidden; /* a sample of a failed request may be among the deleted */
    STORY_ASSERT(s, hidden || stats.min_valid_ms <= i64_max(s->maxt_ms, stats.maxt_ms) + 1,
                 "times that nothing has are refused");
    if (s->opts.retention_ms > 0 && stats.blocks > 0)
        model_let_go(&s->model, stats.maxt_ms - s->opts.retention_ms);
}

/* A pass, as it is done by `run`. */
static void
pass(struct story *s, struct err (*run)(struct db *db), const char *name)
{
    bool was_writable = is_writable(s);
    struct err e = run(s->db);
    STORY_ASSERT(s, s->faulty || e.code == ERR_NONE, "%s: %s", name, err_text(&e));
    if (e.code == ERR_NONE)
        model_written(&s->model);
    err_drop(e);
    if (!was_writable && is_writable(s))
        model_forget_doubtful(&s->model);
    take_over_bounds(s);
}

static void
maintain(struct story *s)
{
    pass(s, db_maintain, "maintain");
}

static struct err
flush_once(struct db *db)
{
    bool empty;
    return db_flush(db, &empty);
}

static void
flush(struct story *s)
{
    pass(s, flush_once, "flush");
}

static void
clean(struct story *s)
{
    story_clean(s);
    take_over_bounds(s);
}

static void
heal(struct story *s)
{
    story_heal_disk(s);
    maintain(s);
    STORY_ASSERT(s, is_writable(s), "healed, but not writable");
}

/* --- the story -------------------------------------------------------------------------------- */

static const struct event {
    const char *name;
    void (*happen)(struct story *s);
    unsigned weight;
} events[] = {
    {"write", story_write, 100},
    {"delete", story_delete, 6},
    {"clean", clean, 1},
    {"maintain", maintain, 15},
    {"flush", flush, 1},
    {"fault", begin_fault, 5},
    {"heal", heal, 6},
    {"stop", story_stop_cleanly, 2},
    {"crash", story_crash, 4},
    {"power cut", story_cut_power, 2},
    {"damaged chunks", story_damage_chunks, 1},
    {"damaged log", story_damage_log, 1},
    {"damaged late log", story_damage_late_log, 1},
};

static const struct event *
next_event(struct story *s)
{
    unsigned sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        sum += events[i].weight;
    unsigned at = (unsigned)rand_below(&s->g, sum);
    const struct event *e = events;
    for (; at >= e->weight; e++)
        at -= e->weight;
    return e;
}

static void
look(struct story *s)
{
    STORY_OK(s, db_check(s->db));
    STORY_OK(s, model_compare(&s->model, s->db, MODEL_EXACT, INT64_MIN, INT64_MAX));
    int64_t from = s->now_ms - between(s, 0, 10 * s->unit_ms);
    STORY_OK(s,
             model_compare(&s->model, s->db, MODEL_EXACT, from, from + between(s, 0, s->unit_ms)));
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void
tell(uint64_t seed)
{
    struct story s;
    story_begin(&s, seed);
    uint64_t steps = number_from("MODEL_STEPS", 120);
    bool aloud = getenv("MODEL_TELL") != NULL;
    for (s.step = 1; s.step <= steps; s.step++) {
        const struct event *e = next_event(&s);
        if (aloud)
            fprintf(stderr, "%ju: %s\n", (uintmax_t)s.step, e->name);
        e->happen(&s);
        look(&s);
    }
    story_end(&s);
}

START_TEST(test_story)
{
    tell(number_from("MODEL_SEED", 1) + (uint64_t)_i);
}
END_TEST

/* Stories that have found what no other test did, as long as the dice fall as they did: numbers
 * that a snapshot does not name (N9), and what was cut and deleted below labels that were born
 * again (D8). */
static const uint64_t telling[] = {1284, 1672};

START_TEST(test_telling_story)
{
    tell(telling[_i]);
}
END_TEST

START_TEST(test_stories)
{
    uint64_t seed = number_from("MODEL_SEED", 1), told = 0;
    uint64_t seconds = number_from("MODEL_SECONDS", 0);
    uint64_t end_ns = clock_mono_ns(clock_system()) + seconds * UINT64_C(1000000000);
    for (; clock_mono_ns(clock_system()) < end_ns; told++)
        tell(seed + told);
    printf("model: %ju stories, from seed %ju on\n", (uintmax_t)told, (uintmax_t)seed);
    ck_assert(told > 0);
}
END_TEST

Suite *
model_suite(void)
{
    Suite *s = suite_create("model");
    TCase *t = tcase_create("model");
    uint64_t seconds = getenv("MODEL_STORIES") ? 0 : number_from("MODEL_SECONDS", 0);
    tcase_set_timeout(t, (double)(seconds + 120));
    if (seconds > 0)
        tcase_add_test(t, test_stories);
    else
        tcase_add_loop_test(t, test_story, 0, (int)number_from("MODEL_STORIES", 25));
    if (!getenv("MODEL_SEED"))
        tcase_add_loop_test(t, test_telling_story, 0, ARRAY_LEN(telling));
    suite_add_tcase(s, t);
    return s;
}
