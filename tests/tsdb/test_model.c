/* A database against a naive model: random stories of writes, queries, maintenance, faults and
 * ends of every kind. After each step all that was acknowledged is there, once and bit by bit,
 * and nothing else.
 *
 * Story k has the seed MODEL_SEED + k: MODEL_SEED=77 MODEL_STORIES=1 tells that of seed 77, in
 * MODEL_STEPS steps (120); MODEL_STORIES=100000 runs for long, fastest with MODEL_DIR=/dev/shm. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/fs_fault.h"
#include "base/rand.h"
#include "tests/harness.h"
#include "tests/tsdb/model.h"

enum { HOUR_MS = 3600 * 1000, ROWS_MAX = 50, SAMPLES_MAX = 4000 };

struct story {
    struct rand_gen g;
    uint64_t seed, step;
    struct fs *fs; /* one that fails */
    char *dir;
    struct db_opts opts;
    struct db *db;
    struct model model;
    bool faulty;   /* a fault may strike, or has struck and is not healed */
    bool log_lost; /* chunk files may be all that is left of some samples */
    bool restless; /* times jump by hours */
    int64_t now_ms;
    uint64_t series; /* how many label sets there are so far */

    struct arena arena; /* of the request */
    VEC(struct model_row) rows;
    VEC(struct sample) samples;
};

#define STORY_ASSERT(s, cond, ...)                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "replay with MODEL_SEED=%ju MODEL_STORIES=1 (step %ju)\n",             \
                    (uintmax_t)(s)->seed, (uintmax_t)(s)->step);                                   \
            ck_abort_msg(__VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)
#define STORY_OK(s, call)                                                                          \
    do {                                                                                           \
        struct err e_ = (call);                                                                    \
        STORY_ASSERT((s), e_.code == ERR_NONE, "%s: %s", #call, err_text(&e_));                    \
    } while (0)

static bool
chance(struct story *s, uint64_t percent)
{
    return rand_below(&s->g, 100) < percent;
}

static int64_t
between(struct story *s, int64_t low, int64_t high)
{
    return low + (int64_t)rand_below(&s->g, (uint64_t)(high - low) + 1);
}

/* --- requests --------------------------------------------------------------------------------- */

static uint64_t
random_bits(struct story *s)
{
    switch (rand_below(&s->g, 8)) {
    case 0:  return STALE_NAN_BITS;
    case 1:  return NORMAL_NAN_BITS;
    case 2:  return UINT64_C(0x7ff0000000000000) | rand_below(&s->g, 2) << 63; /* infinite */
    case 3:  return rand_u64(&s->g);
    case 4:  return rand_below(&s->g, 2) << 63; /* both zeros */
    default: return bits_of_f64((double)between(s, -20, 20));
    }
}

/* The labels of series `id`, sorted. */
static size_t
labels_of(struct story *s, uint64_t id, struct label *v)
{
    struct arena *a = &s->arena;
    size_t n = 0;
    v[n++] = (struct label){STR("__name__"), arena_printf(a, "m%ju", (uintmax_t)id % 7)};
    v[n++] = (struct label){STR("id"), arena_printf(a, "%ju", (uintmax_t)id)};
    v[n++] = (struct label){STR("job"), arena_printf(a, "j%ju", (uintmax_t)id % 5)};
    if (id % 3 == 0)
        v[n++] = (struct label){STR("zone"), STR("z")};
    return n;
}

/* Another spelling of the same labels, or one that must be refused. */
static size_t
disturb_labels(struct story *s, struct label *v, size_t n)
{
    uint64_t kind = rand_below(&s->g, 40);
    if (kind < 4) { /* unsorted */
        size_t i = rand_below(&s->g, n), j = rand_below(&s->g, n);
        struct label swapped = v[i];
        v[i] = v[j];
        v[j] = swapped;
    } else if (kind < 6) { /* an empty value */
        v[n++] = (struct label){STR("zzz"), STR("")};
    } else if (kind == 6) { /* refused */
        v[n] = v[rand_below(&s->g, n)];
        n++;
    } else if (kind == 7) {
        return 0;
    }
    return n;
}

static int64_t
next_step_ms(struct story *s)
{
    switch (rand_below(&s->g, s->restless ? 8 : 5)) {
    case 0:  return 0;
    case 1:  return 1;
    case 2:  return 15000;
    case 3:  return 60000;
    case 4:  return between(s, 0, 600000);
    case 5:  return 2 * HOUR_MS;
    case 6:  return between(s, 0, 30 * HOUR_MS);
    default: return chance(s, 5) ? INT64_C(5) << 32 : 1000;
    }
}

/* Mostly a run that goes on; sometimes what must be refused. */
static void
add_samples(struct story *s, struct model_row *row)
{
    struct sample last = {s->now_ms, random_bits(s)};
    bool known = model_last(&s->model, row->labels, &last);
    size_t count = chance(s, 3) ? 1 + rand_below(&s->g, 399) : 1 + rand_below(&s->g, 4);
    struct sample x = {s->now_ms, random_bits(s)};
    int64_t step = between(s, 1, 30000);
    for (size_t i = 0; i < count && s->samples.n < SAMPLES_MAX; i++) {
        struct sample put = x;
        uint64_t kind = rand_below(&s->g, 60);
        if (kind == 0 && known)
            put = last;
        else if (kind == 1 && known)
            put.t_ms = last.t_ms;
        else if (kind == 2)
            put.t_ms = last.t_ms - between(s, 1, HOUR_MS);
        else if (kind == 3)
            put.t_ms -= between(s, HOUR_MS, 30 * HOUR_MS);
        vec_push(&s->samples, put);
        row->sample_count++;
        x.t_ms += chance(s, 90) ? step : between(s, 0, 2 * step);
        if (chance(s, 60))
            x.bits = random_bits(s);
    }
    if (chance(s, 30))
        s->now_ms = i64_max(s->now_ms, x.t_ms);
}

static void
make_request(struct story *s)
{
    arena_reset(&s->arena);
    vec_clear(&s->rows);
    vec_clear(&s->samples);
    vec_reserve(&s->samples, SAMPLES_MAX); /* rows point into it */
    size_t rows = chance(s, 20) ? 1 + rand_below(&s->g, ROWS_MAX) : 1 + rand_below(&s->g, 6);
    for (size_t i = 0; i < rows && s->samples.n < SAMPLES_MAX; i++) { /* none without samples */
        if (s->series == 0 || chance(s, 10))
            s->series++;
        struct label *v = ARENA_ARRAY(&s->arena, struct label, 8);
        size_t n = labels_of(s, rand_below(&s->g, s->series), v);
        n = disturb_labels(s, v, n);
        struct model_row row = {.labels = {v, n}, .samples = s->samples.v + s->samples.n};
        add_samples(s, &row);
        vec_push(&s->rows, row);
    }
    s->now_ms += next_step_ms(s);
}

static struct err
send_request(struct story *s, struct append_result *ret_result)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct append_row *rows = ARENA_ARRAY(&s->arena, struct append_row, s->rows.n);
    for (size_t i = 0; i < s->rows.n; i++) {
        const struct model_row *row = &s->rows.v[i];
        buf_clear(&key);
        label_key_encode(row->labels, &key);
        rows[i] = (struct append_row){
            .label_key = arena_str(&s->arena, buf_str(&key)),
            .first_sample = (uint32_t)(row->samples - s->samples.v),
            .sample_count = (uint32_t)row->sample_count,
        };
    }
    struct append_request request = {.rows = rows,
                                     .row_count = s->rows.n,
                                     .samples = s->samples.v,
                                     .sample_count = s->samples.n};
    return db_append(s->db, &request, &s->arena, ret_result);
}

static void
write_something(struct story *s)
{
    make_request(s);
    struct append_result got, want;
    struct err e = send_request(s, &got);
    if (e.code != ERR_NONE) {
        STORY_ASSERT(s, s->faulty, "write: %s", err_text(&e));
        err_drop(e);
        model_doubt(&s->model, s->rows.v, s->rows.n);
        return;
    }
    model_store(&s->model, s->rows.v, s->rows.n, &want);
    for (int i = 0; i < SAMPLE_FATE_COUNT; i++)
        STORY_ASSERT(s, got.fates[i] == want.fates[i], "fate %d: %ju, want %ju", i,
                     (uintmax_t)got.fates[i], (uintmax_t)want.fates[i]);
    for (int i = 0; i < LABEL_FAULT_COUNT; i++)
        STORY_ASSERT(s, got.label_faults[i] == want.label_faults[i], "label fault %d", i);
}

/* --- ends and beginnings ---------------------------------------------------------------------- */

static void
take_over(struct story *s, enum model_view view)
{
    struct db_stats stats;
    STORY_OK(s, db_check(s->db));
    STORY_OK(s, model_adopt(&s->model, s->db, view));
    db_stats(s->db, &stats);
    STORY_ASSERT(s, stats.writable, "a database that was just opened is not writable");
    vec_each (&s->model.series, series)
        STORY_ASSERT(s, series->sure.n == 0 || vec_last(&series->sure)->t_ms <= stats.maxt_ms,
                     "series %s goes past the head's newest time", series->text);
    s->model.maxt_ms = stats.head_maxt_ms;
    s->model.block_end_ms = stats.blocks > 0 ? stats.min_valid_ms : INT64_MIN;
    STORY_ASSERT(s, s->model.block_end_ms <= stats.maxt_ms + 1,
                 "times that nothing has are refused");
}

/* Opens what is on the disk; the first attempts may fail when a fault strikes. */
static void
reopen(struct story *s, enum model_view view)
{
    ck_assert(s->db == NULL);
    fs_fault_heal(s->fs);
    s->faulty = false;
    if (chance(s, 30)) {
        struct fs_fault_opts fault = {
            .fail_call = 1 + rand_below(&s->g, 12),
            .mode = chance(s, 50) ? FS_FAULT_CRASH : FS_FAULT_ONCE,
            .torn_bytes = rand_below(&s->g, 100),
        };
        fs_fault_arm(s->fs, &fault);
        err_drop(db_open(&s->opts, &s->db));
        fs_fault_heal(s->fs);
        struct db_stats stats = {.writable = true};
        if (s->db)
            db_stats(s->db, &stats);
        STORY_ASSERT(s, stats.writable, "opened, but not writable");
    }
    if (!s->db)
        STORY_OK(s, db_open(&s->opts, &s->db));
    take_over(s, view);
}

/* Behind a snapshot nobody reads the log: its damage may be met much later. */
static enum model_view
view_of_end(const struct story *s)
{
    return s->log_lost && s->opts.snapshot_on_finish ? MODEL_DAMAGED : MODEL_REOPENED;
}

static void
stop_cleanly(struct story *s)
{
    struct err e = db_finish(s->db);
    STORY_ASSERT(s, s->faulty || e.code == ERR_NONE, "finish: %s", err_text(&e));
    err_drop(e);
    db_close(TAKE(s->db));
    reopen(s, view_of_end(s));
}

static void
crash(struct story *s)
{
    db_close(TAKE(s->db));
    reopen(s, view_of_end(s));
}

static void
cut_power(struct story *s)
{
    db_close(TAKE(s->db));
    fs_fault_heal(s->fs);
    STORY_OK(s, fs_fault_power_cut(s->fs));
    s->log_lost = s->log_lost || s->opts.wal_sync != WAL_SYNC_BATCH;
    reopen(s, s->log_lost ? MODEL_DAMAGED : MODEL_REOPENED);
}

/* Changes a byte of a random file of the folder, or cuts the newest one. */
static void
damage(struct story *s, const char *folder)
{
    struct str dir = arena_printf(&s->arena, "%s/%s", s->dir, folder);
    AUTO(fs_list_fini) struct fs_list files = VEC_INIT;
    STORY_OK(s, fs_list_dir(fs_posix(), dir.p, &files));
    size_t n_files = 0; /* not checkpoints: damage of one refuses to start, see test_checkpoint */
    for (size_t i = 0; i < files.n; i++) {
        struct fs_entry entry = files.v[i];
        files.v[i] = files.v[n_files];
        files.v[n_files] = entry;
        n_files += entry.kind == FS_FILE;
    }
    if (n_files == 0)
        return;
    bool cut = chance(s, 20);
    const char *name = files.v[cut ? n_files - 1 : rand_below(&s->g, n_files)].name;
    AUTO(file_close) struct file *f = NULL;
    STORY_OK(s, fs_open(fs_posix(), arena_printf(&s->arena, "%s/%s", dir.p, name).p,
                        FS_WRITE_KEEP, &f));
    uint64_t bytes;
    STORY_OK(s, file_size(f, &bytes));
    if (bytes == 0)
        return;
    if (cut) {
        STORY_OK(s, file_truncate(f, rand_below(&s->g, bytes)));
        return;
    }
    uint64_t at = rand_below(&s->g, bytes);
    char byte;
    size_t n;
    STORY_OK(s, file_read_at(f, at, &byte, 1, &n));
    byte = (char)(byte ^ (1 << rand_below(&s->g, 8)));
    STORY_OK(s, file_write_at(f, at, (struct str){&byte, 1}));
}

/* The log still has what a damaged chunk file has lost. */
static void
crash_with_damaged_chunks(struct story *s)
{
    db_close(TAKE(s->db));
    damage(s, "chunks_head");
    reopen(s, s->log_lost ? MODEL_DAMAGED : MODEL_REOPENED);
}

static void
crash_with_damaged_log(struct story *s)
{
    db_close(TAKE(s->db));
    damage(s, "wal");
    s->log_lost = true;
    reopen(s, MODEL_DAMAGED);
}

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
        fs_fault_break(s->fs, FS_FAULT_WRITE | FS_FAULT_CREATE, ENOSPC);
        return;
    case 1:
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

static void
maintain(struct story *s)
{
    bool was_writable = is_writable(s);
    struct err e = db_maintain(s->db);
    STORY_ASSERT(s, s->faulty || e.code == ERR_NONE, "maintain: %s", err_text(&e));
    err_drop(e);
    if (!was_writable && is_writable(s))
        model_forget_doubtful(&s->model);
}

static void
heal(struct story *s)
{
    fs_fault_heal(s->fs);
    s->faulty = false;
    maintain(s);
    STORY_ASSERT(s, is_writable(s), "healed, but not writable");
}

/* --- the story -------------------------------------------------------------------------------- */

static const struct event {
    const char *name;
    void (*happen)(struct story *s);
    unsigned weight;
} events[] = {
    {"write", write_something, 100},
    {"maintain", maintain, 15},
    {"fault", begin_fault, 5},
    {"heal", heal, 6},
    {"stop", stop_cleanly, 2},
    {"crash", crash, 4},
    {"power cut", cut_power, 2},
    {"damaged chunks", crash_with_damaged_chunks, 1},
    {"damaged log", crash_with_damaged_log, 1},
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
    int64_t from = s->now_ms - between(s, 0, 10 * HOUR_MS);
    STORY_OK(s, model_compare(&s->model, s->db, MODEL_EXACT, from, from + between(s, 0, HOUR_MS)));
}

static void
story_begin(struct story *s, uint64_t seed)
{
    static const int64_t beginnings_ms[] = {INT64_C(1700000000000), INT64_C(1700000000000), 0,
                                            -3 * HOUR_MS, -(INT64_C(1) << 50)};
    *s = (struct story){.g = rand_gen_of(seed), .seed = seed, .rows = VEC_INIT};
    arena_init(&s->arena, 0);
    s->fs = fs_fault_open(fs_posix(), NULL);
    const char *root = getenv("MODEL_DIR");
    struct str dir = root ? arena_printf(&s->arena, "%s/mneme-model-%ju", root, (uintmax_t)seed)
                          : str_of_cstr(test_dir());
    s->dir = mem_dup_text(dir.p, dir.n);
    STORY_OK(s, fs_remove_tree(fs_posix(), s->dir)); /* of the same story when it failed */
    s->opts = db_opts_default();
    s->opts.fs = s->fs;
    s->opts.clock = clock_system();
    s->opts.dir = s->dir;
    s->opts.wal_segment_bytes = WAL_PAGE_BYTES << rand_below(&s->g, 4);
    s->opts.wal_sync = chance(s, 50) ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    s->opts.wal_compression = chance(s, 50) ? WAL_SNAPPY : WAL_PLAIN;
    s->opts.snapshot_on_finish = seed % 3 == 0;
    s->opts.replay_crew_bytes = chance(s, 30) ? 0 : UINT64_MAX;
    s->restless = chance(s, 40);
    s->now_ms = beginnings_ms[rand_below(&s->g, ARRAY_LEN(beginnings_ms))];
    model_init(&s->model, s->opts.block_range_ms);
    STORY_OK(s, db_open(&s->opts, &s->db));
}

static void
story_end(struct story *s)
{
    db_close(s->db);
    fs_fault_close(s->fs);
    STORY_OK(s, fs_remove_tree(fs_posix(), s->dir));
    mem_free(s->dir);
    model_fini(&s->model);
    arena_fini(&s->arena);
    vec_fini(&s->rows);
    vec_fini(&s->samples);
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(test_story)
{
    struct story s;
    story_begin(&s, number_from("MODEL_SEED", 1) + (uint64_t)_i);
    uint64_t steps = number_from("MODEL_STEPS", 120);
    bool tell = getenv("MODEL_TELL") != NULL;
    for (s.step = 1; s.step <= steps; s.step++) {
        const struct event *e = next_event(&s);
        if (tell)
            fprintf(stderr, "%ju: %s\n", (uintmax_t)s.step, e->name);
        e->happen(&s);
        look(&s);
    }
    story_end(&s);
}
END_TEST

Suite *
model_suite(void)
{
    Suite *s = suite_create("model");
    TCase *t = tcase_create("model");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_story, 0, (int)number_from("MODEL_STORIES", 25));
    suite_add_tcase(s, t);
    return s;
}
