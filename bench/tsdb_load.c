/* tsdb_load.c - keys once, requests outside the clock. */
#include "bench/tsdb_load.h"

#include "base/mem.h"
#include "base/rand.h"

enum { RANGE_MS = 2 * 3600 * 1000, INTERVAL_MS = 15000 };

void
bench_load_init(struct bench_load *l, uint64_t count, enum load_order order)
{
    int64_t now_ms = clock_wall_ms(clock_system());
    *l = (struct bench_load){.spec = {.seed = 1,
                                      .shape = LOAD_MIX,
                                      .start_ms = now_ms - now_ms % RANGE_MS,
                                      .interval_ms = INTERVAL_MS,
                                      .churn_every = 1},
                             .count = count};
    for (uint64_t i = 0; i < count; i++)
        vec_push(&l->order, (uint32_t)i);
    struct rand_gen gen = rand_gen_of(17);
    for (uint64_t i = count; order == LOAD_SHUFFLED && i > 1; i--) {
        uint64_t j = rand_below(&gen, i);
        uint32_t swap = l->order.v[j];
        l->order.v[j] = l->order.v[i - 1];
        l->order.v[i - 1] = swap;
    }
    vec_each (&l->order, i) {
        load_label_key(&l->spec, *i, 0, &l->keys);
        vec_push(&l->ends, l->keys.n);
    }
}

void
bench_load_fini(struct bench_load *l)
{
    vec_fini(&l->order);
    vec_fini(&l->ends);
    buf_fini(&l->keys);
}

static const char *
db_path(const struct bench *b, struct arena *a)
{
    return arena_printf(a, "%.*s/db", STR_FMT(b->dir)).p;
}

struct err
bench_db_open(const struct bench *b, struct db **ret_db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = db_opts_default();
    opts.fs = fs_posix();
    opts.clock = clock_system();
    opts.dir = db_path(b, &a);
    opts.match_cache = b->match_cache;
    opts.snapshot_on_finish = b->snapshots;
    return db_open(&opts, ret_db);
}

struct err
bench_db_remove(const struct bench *b)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    return fs_remove_tree(fs_posix(), db_path(b, &a));
}

/* A request that is used again and again. */
struct request {
    VEC(struct append_row) rows;
    VEC(struct sample) samples;
    struct buf keys; /* of the rows, one behind the other, as a decoded body has them */
    struct arena scratch;
};

static void
add_row(struct request *r, const struct bench_load *l, uint64_t at, uint64_t first,
        uint64_t per_row)
{
    size_t start = at ? l->ends.v[at - 1] : 0;
    vec_push(&r->rows, ((struct append_row){
                           .label_key = str_of(NULL, l->ends.v[at] - start),
                           .first_sample = (uint32_t)r->samples.n,
                           .sample_count = (uint32_t)per_row,
                       }));
    buf_append(&r->keys, str_of(l->keys.p + start, l->ends.v[at] - start));
    for (uint64_t j = first; j < first + per_row; j++)
        vec_push(&r->samples, load_sample(&l->spec, l->order.v[at], j));
}

/* The keys do not move any more. */
static void
place_keys(struct request *r)
{
    const char *at = r->keys.p;
    vec_each (&r->rows, row) {
        row->label_key.p = at;
        at += row->label_key.n;
    }
}

static struct err
send(struct request *r, struct db *db, struct bench_timer *spent)
{
    place_keys(r);
    struct append_request request = {
        .rows = r->rows.v,
        .row_count = r->rows.n,
        .samples = r->samples.v,
        .sample_count = r->samples.n,
    };
    struct append_result result;
    arena_reset(&r->scratch);
    struct bench_timer start = bench_start();
    TRY(db_append(db, &request, &r->scratch, &result));
    struct bench_timer took = bench_since(start);
    spent->cpu_ns += took.cpu_ns;
    spent->wall_ns += took.wall_ns;
    if (spent->each)
        vec_push(&spent->each->ns, took.wall_ns);
    if (result.fates[SAMPLE_STORED] != r->samples.n)
        return ERR(ERR_INVALID, "stored %ju of %zu samples", (uintmax_t)result.fates[SAMPLE_STORED],
                   r->samples.n);
    vec_clear(&r->rows);
    vec_clear(&r->samples);
    buf_clear(&r->keys);
    return OK;
}

struct err
bench_write(struct db *db, const struct bench_load *l, uint64_t first, uint64_t per_row,
            struct bench_timer *spent)
{
    struct request r = {.rows = VEC_INIT, .samples = VEC_INIT, .keys = BUF_INIT};
    arena_init(&r.scratch, 0);
    struct err e = OK;
    for (uint64_t at = 0; at < l->count && e.code == ERR_NONE; at++) {
        add_row(&r, l, at, first, per_row);
        if (r.samples.n >= BENCH_REQUEST_SAMPLES || at + 1 == l->count)
            e = send(&r, db, spent);
    }
    vec_fini(&r.rows);
    buf_fini(&r.keys);
    vec_fini(&r.samples);
    arena_fini(&r.scratch);
    return e;
}
