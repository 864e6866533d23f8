/* compact_dir.c - compacts the blocks of a directory for compact_peer.py, as a database would:
 *
 *   compact_dir DIR plan                       while compact_plan() finds something, up to 31 days
 *   compact_dir DIR all                        all blocks become one
 *   compact_dir DIR clean                      blocks with deletions are written anew
 *   compact_dir DIR delete NAME VALUE MINT MAXT  samples of series with that label
 *
 * Prints a line for each new block: how many it was made from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tsdb/block/block_delete.h"
#include "tsdb/blocks.h"
#include "tsdb/compact/compact.h"
#include "tsdb/compact/plan.h"

static const int64_t hour_ms = 3600 * 1000;

static void
must(struct err e)
{
    if (e.code == ERR_NONE)
        return;
    fprintf(stderr, "compact_dir: %s\n", err_text(&e));
    exit(1);
}

static struct compact_opts
new_block(const char *dir)
{
    uint8_t random[ULID_RANDOM_BYTES];
    rand_bytes(random, sizeof random);
    return (struct compact_opts){.fs = fs_posix(),
                                 .dir = dir,
                                 .ulid = ulid_of(clock_wall_ms(clock_system()), random)};
}

/* The chosen blocks become one, and go. */
static void
compact(const char *dir, const struct blocks *blocks, const size_t *chosen, size_t n)
{
    const struct block **inputs = mem_array_zero(n, sizeof *inputs);
    struct compact_opts o = new_block(dir);
    bool empty;
    for (size_t i = 0; i < n; i++)
        inputs[i] = blocks->v.v[chosen[i]];
    must(compact_blocks(&o, inputs, n, &empty));
    printf("%zu blocks%s\n", n, empty ? ", nothing left" : "");
    for (size_t i = 0; i < n; i++)
        must(block_delete(fs_posix(), dir, &block_meta_of(inputs[i])->ulid));
    mem_free(inputs);
}

static size_t
choose(const struct blocks *blocks, size_t *chosen)
{
    struct compact_ranges ranges = compact_ranges_of(2 * hour_ms, 31 * 24 * hour_ms);
    const struct block_meta **metas = mem_array_zero(blocks->v.n, sizeof *metas);
    for (size_t i = 0; i < blocks->v.n; i++)
        metas[i] = block_meta_of(blocks->v.v[i]);
    size_t n = compact_plan(metas, blocks->v.n, &ranges, chosen);
    mem_free(metas);
    return n;
}

enum how { PLAN, ALL };

/* False when there was nothing to compact. */
static bool
compact_once(const char *dir, enum how how)
{
    AUTO(blocks_close) struct blocks blocks = BLOCKS_INIT;
    must(blocks_open(fs_posix(), NULL, dir, &blocks));
    size_t *chosen = mem_array_zero(blocks.v.n, sizeof *chosen), n = blocks.v.n;
    for (size_t i = 0; i < n; i++)
        chosen[i] = i;
    if (how == PLAN)
        n = choose(&blocks, chosen);
    if (n > 0)
        compact(dir, &blocks, chosen, n);
    mem_free(chosen);
    return n > 0;
}

static void
clean(const char *dir)
{
    AUTO(blocks_close) struct blocks blocks = BLOCKS_INIT;
    must(blocks_open(fs_posix(), NULL, dir, &blocks));
    vec_each (&blocks.v, b) {
        struct compact_opts o = new_block(dir);
        bool empty;
        if (block_meta_of(*b)->deletions == 0)
            continue;
        must(compact_clean(&o, *b, &empty));
        printf("1 blocks%s\n", empty ? ", nothing left" : "");
        must(block_delete(fs_posix(), dir, &block_meta_of(*b)->ulid));
    }
}

static void
delete_samples(const char *dir, char **args)
{
    AUTO(arena_fini) struct arena a;
    AUTO(blocks_close) struct blocks blocks = BLOCKS_INIT;
    arena_init(&a, 0);
    int64_t mint_ms, maxt_ms;
    struct matcher m;
    must(matcher_make(&a, MATCH_EQUAL, str_of_cstr(args[0]), str_of_cstr(args[1]), &m));
    must(str_parse_i64(str_of_cstr(args[2]), &mint_ms));
    must(str_parse_i64(str_of_cstr(args[3]), &maxt_ms));
    must(blocks_open(fs_posix(), NULL, dir, &blocks));
    vec_each (&blocks.v, b) {
        size_t series;
        must(block_delete_range(*b, (struct matchers){&m, 1}, mint_ms, maxt_ms, &series));
        printf("%zu series\n", series);
    }
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[2], "plan") == 0) {
        while (compact_once(argv[1], PLAN))
            ;
    } else if (argc == 3 && strcmp(argv[2], "all") == 0) {
        compact_once(argv[1], ALL);
    } else if (argc == 3 && strcmp(argv[2], "clean") == 0) {
        clean(argv[1]);
    } else if (argc == 7 && strcmp(argv[2], "delete") == 0) {
        delete_samples(argv[1], &argv[3]);
    } else {
        fprintf(stderr, "see compact_dir.c\n");
        return 2;
    }
    return 0;
}
