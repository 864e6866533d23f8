/* story_ends.c - how a story's database begins, ends, and begins again. */
#include <stdlib.h>

#include "tests/tsdb/story.h"

/* --- options ---------------------------------------------------------------------------------- */

/* Those that may change from one start to the next. */
static void
roll_options(struct story *s)
{
    const int64_t windows_ms[] = {0, s->unit_ms / 2, 3 * s->unit_ms, 100 * s->unit_ms};
    struct db_opts *o = &s->opts;
    o->wal_segment_bytes = WAL_PAGE_BYTES << rand_below(&s->g, 4);
    o->wal_compression = chance(s, 50) ? WAL_SNAPPY : WAL_PLAIN;
    o->snapshot_on_finish = chance(s, 33);
    o->replay_crew_bytes = chance(s, 30) ? 0 : UINT64_MAX;
    o->ooo_window_ms = chance(s, 30) ? 0 : windows_ms[rand_below(&s->g, ARRAY_LEN(windows_ms))];
    o->ooo_chunk_max = chance(s, 50) ? 0 : (uint32_t)between(s, 1, 12);
    o->block_range_max_ms = o->block_range_ms * (chance(s, 50) ? 1 : chance(s, 50) ? 3 : 9);
    o->retention_ms = chance(s, 80) ? 0 : between(s, 3, 60) * s->unit_ms;
    s->model.ooo_window_ms = o->ooo_window_ms;
    s->has_late = s->has_late || o->ooo_window_ms > 0;
}

/* --- beginnings ------------------------------------------------------------------------------- */

/* After a loss nobody knows which of the newest samples are there as late ones only, so what comes
 * next to them may be in order or late. A sample far behind them makes all of that late. */
static void
outrun(struct story *s)
{
    if ((s->has_late || s->has_hidden) && s->maxt_ms > INT64_MIN)
        story_write_at(s, s->maxt_ms + s->unit_ms + 1);
}

static void
take_over(struct story *s, enum model_view view)
{
    struct db_stats stats;
    STORY_OK(s, db_check(s->db));
    db_stats(s->db, &stats);
    s->model.head_mint_ms = stats.head_mint_ms;
    STORY_OK(s, model_adopt(&s->model, s->db, view));
    s->model.chunks_damaged = false;
    STORY_ASSERT(s, stats.writable, "a database that was just opened is not writable");
    vec_each (&s->model.series, series)
        STORY_ASSERT(s,
                     series->held.n == 0 || vec_last(&series->held)->hold == HELD_PERHAPS ||
                         vec_last(&series->held)->t_ms <= stats.maxt_ms,
                     "series %s goes past the newest time", series->text);
    int64_t min_valid_ms = model_min_valid_ms(&s->model);
    s->model.maxt_ms = stats.head_maxt_ms;
    s->model.block_end_ms = stats.min_valid_ms;
    STORY_ASSERT(s,
                 s->has_hidden ||
                     s->model.block_end_ms <= i64_max(stats.maxt_ms, s->maxt_ms) + 1,
                 "times that nothing has are refused");
    if (view == MODEL_DAMAGED || stats.min_valid_ms < min_valid_ms ||
        model_newest_is_unsure(&s->model))
        outrun(s);
}

void
story_heal_disk(struct story *s)
{
    fs_fault_arm(s->fs, &(struct fs_fault_opts){.fail_call = 0});
    s->faulty = s->broken = false;
}

/* Opens what is on the disk; the first attempts may fail when a fault strikes. */
static void
reopen(struct story *s, enum model_view view)
{
    ck_assert(s->db == NULL);
    story_heal_disk(s);
    if (chance(s, 20))
        roll_options(s);
    if (chance(s, 30)) {
        struct fs_fault_opts fault = {
            .fail_call = 1 + rand_below(&s->g, 12),
            .mode = chance(s, 50) ? FS_FAULT_CRASH : FS_FAULT_ONCE,
            .torn_bytes = rand_below(&s->g, 100),
        };
        fs_fault_arm(s->fs, &fault);
        err_drop(db_open(&s->opts, &s->db));
        story_heal_disk(s);
        struct db_stats stats = {.writable = true};
        if (s->db)
            db_stats(s->db, &stats);
        STORY_ASSERT(s, stats.writable, "opened, but not writable");
    }
    if (!s->db)
        STORY_OK(s, db_open(&s->opts, &s->db));
    take_over(s, view);
}

void
story_begin(struct story *s, uint64_t seed)
{
    static const int64_t ranges_ms[] = {7200000, 7200000, 3600000, 600000};
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
    if (getenv("MODEL_TELL"))
        s->log = log_open(&(struct log_opts){.fd = 2, .clock = clock_system()});
    s->opts.log = s->log;
    s->opts.wal_sync = chance(s, 50) ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    s->opts.block_range_ms = ranges_ms[rand_below(&s->g, ARRAY_LEN(ranges_ms))];
    s->unit_ms = s->opts.block_range_ms / 2;
    s->restless = chance(s, 40);
    s->deletes = chance(s, 60);
    const int64_t beginnings_ms[] = {INT64_C(1700000000000), INT64_C(1700000000000), 0,
                                     -3 * s->unit_ms, -(INT64_C(1) << 50)};
    s->now_ms = beginnings_ms[rand_below(&s->g, ARRAY_LEN(beginnings_ms))];
    s->maxt_ms = INT64_MIN;
    model_init(&s->model, s->opts.block_range_ms, 0);
    roll_options(s);
    STORY_OK(s, db_open(&s->opts, &s->db));
}

void
story_end(struct story *s)
{
    db_close(s->db);
    log_close(s->log);
    fs_fault_close(s->fs);
    STORY_OK(s, fs_remove_tree(fs_posix(), s->dir));
    mem_free(s->dir);
    model_fini(&s->model);
    arena_fini(&s->arena);
    vec_fini(&s->rows);
    vec_fini(&s->samples);
    vec_fini(&s->histograms);
    vec_fini(&s->histograms_of);
}

/* --- ends ------------------------------------------------------------------------------------- */

/* Behind a snapshot nobody reads the log: its damage may be met much later. */
static enum model_view
view_of_end(const struct story *s)
{
    return s->log_lost ? MODEL_DAMAGED : MODEL_REOPENED;
}

void
story_stop_cleanly(struct story *s)
{
    struct err e = db_finish(s->db);
    STORY_ASSERT(s, s->faulty || e.code == ERR_NONE, "finish: %s", err_text(&e));
    err_drop(e);
    db_close(TAKE(s->db));
    reopen(s, view_of_end(s));
}

void
story_crash(struct story *s)
{
    db_close(TAKE(s->db));
    reopen(s, view_of_end(s));
}

void
story_cut_power(struct story *s)
{
    db_close(TAKE(s->db));
    story_heal_disk(s);
    STORY_OK(s, fs_fault_power_cut(s->fs));
    s->log_lost = s->log_lost || s->opts.wal_sync != WAL_SYNC_BATCH;
    reopen(s, s->log_lost ? MODEL_DAMAGED : MODEL_POWER_CUT);
}

/* --- damage ----------------------------------------------------------------------------------- */

enum damage { DAMAGE_NONE, DAMAGE_DONE, DAMAGE_CUT };

/* Not checkpoints: damage of one refuses to start, see test_checkpoint. */
static size_t
keep_files(struct fs_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct fs_entry entry = list->v[i];
        list->v[i] = list->v[n];
        list->v[n] = entry;
        n += entry.kind == FS_FILE;
    }
    return n;
}

/* Changes a byte of a random file of the folder, or cuts the newest one. */
static enum damage
damage(struct story *s, const char *folder)
{
    struct str dir = arena_printf(&s->arena, "%s/%s", s->dir, folder);
    AUTO(fs_list_fini) struct fs_list files = VEC_INIT;
    if (!fs_exists(fs_posix(), dir.p))
        return DAMAGE_NONE;
    STORY_OK(s, fs_list_dir(fs_posix(), dir.p, &files));
    size_t n_files = keep_files(&files);
    if (n_files == 0)
        return DAMAGE_NONE;
    bool cut = chance(s, 20);
    const char *name = files.v[cut ? n_files - 1 : rand_below(&s->g, n_files)].name;
    AUTO(file_close) struct file *f = NULL;
    STORY_OK(
        s, fs_open(fs_posix(), arena_printf(&s->arena, "%s/%s", dir.p, name).p, FS_WRITE_KEEP, &f));
    uint64_t bytes;
    STORY_OK(s, file_size(f, &bytes));
    if (bytes == 0)
        return DAMAGE_NONE;
    if (cut) {
        STORY_OK(s, file_truncate(f, rand_below(&s->g, bytes)));
        return DAMAGE_CUT;
    }
    uint64_t at = rand_below(&s->g, bytes);
    char byte;
    size_t n;
    STORY_OK(s, file_read_at(f, at, &byte, 1, &n));
    byte = (char)(byte ^ (1 << rand_below(&s->g, 8)));
    STORY_OK(s, file_write_at(f, at, (struct str){&byte, 1}));
    return DAMAGE_DONE;
}

/* The logs still have what a damaged chunk file has lost. One that was cut between two chunks, or
 * within its header, looks as if it had never been longer: behind a snapshot nobody asks the log.
 */
void
story_damage_chunks(struct story *s)
{
    db_close(TAKE(s->db));
    bool cut = damage(s, "chunks_head") == DAMAGE_CUT;
    s->model.chunks_damaged = true; /* the one that the late log names may be gone: O9 */
    reopen(s, s->log_lost || cut ? MODEL_DAMAGED : MODEL_POWER_CUT);
}

void
story_damage_log(struct story *s)
{
    db_close(TAKE(s->db));
    damage(s, "wal");
    s->log_lost = true;
    reopen(s, MODEL_DAMAGED);
}

void
story_damage_late_log(struct story *s)
{
    db_close(TAKE(s->db));
    damage(s, "wbl");
    reopen(s, s->log_lost ? MODEL_DAMAGED : MODEL_LATE_DAMAGED);
}
