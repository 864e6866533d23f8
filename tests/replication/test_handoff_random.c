/* Random stories against a naive list: appends, reads, acknowledgements, rewinds, time, bounds,
 * failures, restarts, kills, lost cursors. Everything comes in order that was not dropped, and each
 * record has one fate. HANDOFF_SEED, HANDOFF_STORIES: other ones, more. */
#include "tests/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/replication/handoff_model.h"

enum { STORIES = 40, STEPS = 250 };

struct story {
    struct handoff_kit kit;
    struct handoff_model model;
    struct fs *fs;
    struct rand_gen g;
    bool bounded; /* records may be dropped */
    bool killed;  /* once: what was settled then may have another fate as well */
};

static uint64_t
below(struct story *s, uint64_t bound)
{
    return rand_below(&s->g, bound);
}

static void
step_append(struct story *s)
{
    static const size_t bytes[] = {8, 100, 3000, 20000, 90000};
    CK_OK(handoff_model_append(&s->model, 1 + below(s, 4),
                               bytes[below(s, ARRAY_LEN(bytes))] + below(s, 9), false));
}

static void
step_read(struct story *s)
{
    handoff_model_read(&s->model, below(s, 2) ? below(s, 1000) : below(s, 300000));
}

/* Something that was seen in this pass. */
static void
step_ack(struct story *s)
{
    if (s->model.last_id == 0)
        return;
    uint64_t id = s->model.last_id - below(s, u64_min(s->model.last_id, 3));
    if (s->model.entries.v[id - 1].seq > 0)
        handoff_model_ack(&s->model, id);
}

static void
step_rewind(struct story *s)
{
    handoff_model_rewind(&s->model);
}

static void
step_time(struct story *s)
{
    clock_manual_advance_ms(&s->kit.clock,
                            (int64_t)below(s, s->bounded && below(s, 9) == 0 ? 2000000 : 1500));
    handoffs_maintain(s->kit.hs);
}

static void
step_kill(struct story *s)
{
    handoff_kit_kill(&s->kit, s->fs);
    if (s->kit.opts.sync == WAL_SYNC_BATCH && below(s, 2))
        CK_OK(fs_fault_power_cut(s->fs));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/cursors.mdb", s->kit.opts.dir);
    if (below(s, 3) == 0)
        CK_OK(fs_missing_is_fine(fs_remove_file(s->fs, buf_cstr(&path))));
    s->killed = true;
    vec_each (&s->model.entries, entry) /* they begin anew when segments and cursors are lost */
        entry->seq = 0;
    handoff_kit_open(&s->kit);
    s->model.last_id = 0;
}

static void
step_restart(struct story *s)
{
    handoff_kit_reopen(&s->kit);
    s->model.last_id = 0;
}

/* One call fails; an append that it hits is refused, and leaves nothing. */
static void
step_failure(struct story *s)
{
    fs_fault_arm(s->fs, &(struct fs_fault_opts){.fail_call = 1 + below(s, 6),
                                                .errnum = below(s, 2) ? ENOSPC : EIO,
                                                .torn_bytes = below(s, 30000)});
    for (int i = 0; i < 3; i++)
        err_drop(handoff_model_append(&s->model, 1 + below(s, 3), 10 + below(s, 40000), false));
    handoffs_maintain(s->kit.hs);
    fs_fault_heal(s->fs);
    clock_manual_advance_ms(&s->kit.clock, HANDOFF_HEAL_MS);
    if (below(s, 2))
        CK_OK(handoff_model_append(&s->model, 1, 50, false)); /* what was refused is gone */
    else
        step_restart(s);
}

static const struct step {
    void (*run)(struct story *s);
    unsigned weight;
} steps[] = {
    {step_append, 40}, {step_read, 30}, {step_ack, 15},    {step_rewind, 3},
    {step_time, 10},   {step_kill, 1},  {step_restart, 2}, {step_failure, 4},
};

static void
run_step(struct story *s)
{
    unsigned all = 0;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        all += steps[i].weight;
    uint64_t at = below(s, all);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (at < steps[i].weight) {
            steps[i].run(s);
            return;
        }
        at -= steps[i].weight;
    }
}

static uint64_t
appended(const struct story *s)
{
    return s->model.entries.n;
}

static void
check_story(struct story *s)
{
    struct handoff_stats before = handoff_stats(s->kit.h);
    if (!s->bounded)
        ck_assert_uint_eq(before.dropped_bytes + before.dropped_age, 0);
    ck_assert_uint_eq(before.appended, appended(s));
    handoff_model_drain(&s->model, before.dropped_bytes + before.dropped_age);
    if (appended(s) > 0 && s->model.last_id == appended(s))
        handoff_model_ack(&s->model, appended(s));
    struct handoff_stats after = handoff_stats(s->kit.h);
    ck_assert_uint_eq(after.damaged, 0);
    ck_assert_uint_eq(after.records, 0);
    uint64_t settled = after.replayed + after.dropped_bytes + after.dropped_age;
    if (s->killed)
        ck_assert_uint_ge(settled, appended(s));
    else
        ck_assert_uint_eq(settled, appended(s));
}

static void
tell(uint64_t seed)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct story s = {.fs = fs, .g = rand_gen_of(seed), .bounded = seed % 3 == 0};
    handoff_kit_init(&s.kit, fs, test_dir());
    s.model.kit = &s.kit;
    s.kit.opts.sync = seed % 2 ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    s.kit.opts.bytes_max = s.bounded ? 800 << 10 : 1 << 30;
    s.kit.opts.age_max_ms = s.bounded ? 600000 : 1000000000;
    handoff_kit_open(&s.kit);
    for (int i = 0; i < STEPS; i++)
        run_step(&s);
    check_story(&s);
    handoff_model_fini(&s.model);
    handoff_kit_fini(&s.kit);
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    uint64_t value = otherwise;
    const char *text = getenv(name);
    if (text)
        CK_OK(str_parse_u64(str_of_cstr(text), &value));
    return value;
}

START_TEST(test_stories)
{
    uint64_t seed = setting("HANDOFF_SEED", 1), n = setting("HANDOFF_STORIES", STORIES);
    for (uint64_t i = 0; i < n; i++) {
        if (getenv("HANDOFF_TELL"))
            fprintf(stderr, "HANDOFF_SEED=%ju\n", (uintmax_t)(seed + i));
        tell(seed + i);
    }
}
END_TEST

Suite *
handoff_random_suite(void)
{
    Suite *s = suite_create("handoff_random");
    TCase *t = tcase_create("handoff_random");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_stories);
    suite_add_tcase(s, t);
    return s;
}
