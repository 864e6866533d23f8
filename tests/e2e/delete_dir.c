/* delete_dir.c - makes a database out of which samples were deleted, for delete_peer.py:
 *
 *   delete_dir DIR T0_MS   writes and deletes; ends as a crash would
 *   delete_dir DIR clean   blocks are written anew without what was deleted
 *
 * Series m{n="1"} to m{n="3"} have 480 steps of a minute from T0_MS on, value 1000 * n + step, of
 * which the first hours are in blocks. Of n="1" steps 420 to 459 come again, half a minute later
 * and late. Of n="2" steps 100 to 399 are deleted, of n="3" all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/db.h"
#include "tsdb/model/label_key.h"

enum { SERIES = 3, STEPS = 480, STEP_MS = 60000, DELETED_FROM = 100, DELETED_TO = 399 };
enum { WINDOW_STEPS = 120, LATE_FROM = 420, LATE_TO = 459 };

static void
must(struct err e)
{
    if (e.code == ERR_NONE)
        return;
    fprintf(stderr, "delete_dir: %s\n", err_text(&e));
    exit(1);
}

static struct db *
open_db(const char *dir)
{
    struct db_opts opts = db_opts_default();
    struct db *db;
    opts.fs = fs_posix();
    opts.clock = clock_system();
    opts.dir = dir;
    opts.ooo_window_ms = (int64_t)WINDOW_STEPS * STEP_MS;
    must(db_open(&opts, &db));
    return db;
}

/* One sample of each of the first `count` series. */
static void
write_step(struct db *db, int64_t t_ms, int step, uint32_t count)
{
    AUTO(arena_fini) struct arena a;
    struct buf keys[SERIES] = {BUF_INIT, BUF_INIT, BUF_INIT};
    struct append_row rows[SERIES];
    struct sample samples[SERIES];
    struct append_result result;
    arena_init(&a, 0);
    for (uint32_t i = 0; i < count; i++) {
        char n = (char)('1' + i);
        struct label labels[] = {{STR("__name__"), STR("m")}, {STR("n"), str_of(&n, 1)}};
        label_key_encode((struct labels){labels, 2}, &keys[i]);
        rows[i] = (struct append_row){
            .label_key = buf_str(&keys[i]), .first_sample = i, .sample_count = 1};
        samples[i] = (struct sample){t_ms, bits_of_f64(1000.0 * (i + 1) + step)};
    }
    struct append_request request = {
        .rows = rows, .row_count = count, .samples = samples, .sample_count = count};
    must(db_append(db, &request, &a, &result));
    for (uint32_t i = 0; i < SERIES; i++)
        buf_fini(&keys[i]);
}

static void
delete_of(struct db *db, const char *n, int64_t mint_ms, int64_t maxt_ms)
{
    AUTO(arena_fini) struct arena a;
    struct delete_result r;
    struct matcher m;
    arena_init(&a, 0);
    must(matcher_make(&a, MATCH_EQUAL, STR("n"), str_of_cstr(n), &m));
    must(db_delete(db, (struct matchers){&m, 1}, mint_ms, maxt_ms, &r));
    printf("head %zu, blocks %zu\n", r.head_spans, r.blocks);
}

static void
make(struct db *db, int64_t t0_ms)
{
    for (int step = 0; step < STEPS; step++) {
        write_step(db, t0_ms + (int64_t)step * STEP_MS, step, SERIES);
        if (step % 30 == 29)
            must(db_maintain(db));
    }
    for (int step = LATE_TO; step >= LATE_FROM; step--)
        write_step(db, t0_ms + (int64_t)step * STEP_MS + STEP_MS / 2, step, 1);
    delete_of(db, "2", t0_ms + (int64_t)DELETED_FROM * STEP_MS,
              t0_ms + (int64_t)DELETED_TO * STEP_MS);
    delete_of(db, "3", INT64_MIN, INT64_MAX);
}

int
main(int argc, char **argv)
{
    int64_t t0_ms;
    if (argc != 3) {
        fprintf(stderr, "see delete_dir.c\n");
        return 2;
    }
    AUTO(db_close) struct db *db = open_db(argv[1]);
    if (strcmp(argv[2], "clean") == 0) {
        size_t blocks;
        must(db_clean_deletions(db, &blocks));
        printf("%zu blocks\n", blocks);
        must(db_finish(db));
        return 0;
    }
    must(str_parse_i64(str_of_cstr(argv[2]), &t0_ms));
    make(db, t0_ms);
    return 0;
}
