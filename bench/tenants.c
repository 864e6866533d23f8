/* tenants.c - what a tenant costs: memory, files, time to open, to find and to leave alone.
 *
 *   bench/tenants [TENANTS]
 *
 * Makes that many tenants (10,000; fewer where the limit of open files forbids it) with one series
 * of one sample each in a temporary directory. The last line is one JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fs.h"
#include "base/process.h"
#include "base/rand.h"
#include "tsdb/tenants.h"

/* As cmd/main.c. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

enum {
    TENANTS_DEFAULT = 10000,
    FILES_A_TENANT = 2,
    FILES_SPARE = 100,
    LOOKUPS = 2000000,
    HOUR_SECONDS = 3600,
};
#define WALL_MS INT64_C(1700000000000)
/* {__name__="up"} as in tsdb/model/label_key.h */
#define KEY STR("\x0a\x0e\x0a\x08__name__\x12\x02up")

struct bench {
    struct clock_manual clock;
    struct pool *pool;
    struct metrics *metrics;
    struct tenants_opts opts;
    struct tenants *tenants;
    size_t count;
};

static void
must(struct err e, const char *what)
{
    if (e.code == ERR_NONE)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(&e));
    exit(1);
}

/* --- what the process uses -------------------------------------------------------------------- */

static size_t
count_entries(const char *dir)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    must(fs_list_dir(fs_posix(), dir, &list), dir);
    return list.n;
}

static size_t
count_mappings(void)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    must(fs_read_file(fs_posix(), "/proc/self/maps", 64 << 20, &text), "maps");
    size_t lines = 0;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    return lines;
}

static uint64_t
resident_bytes(void)
{
    mem_purge();
    AUTO(buf_fini) struct buf text = BUF_INIT;
    must(fs_read_file(fs_posix(), "/proc/self/smaps_rollup", 1 << 20, &text), "smaps_rollup");
    const char *at = strstr(buf_cstr(&text), "\nRss:");
    return at ? strtoull(at + strlen("\nRss:"), NULL, 10) << 10 : 0;
}

struct usage {
    uint64_t resident_bytes, allocated_bytes;
    size_t files, mappings;
};

static struct usage
usage_now(void)
{
    return (struct usage){resident_bytes(), mem_stats_read().allocated_bytes,
                          count_entries("/proc/self/fd"), count_mappings()};
}

static void
print_usage(const char *what, const struct bench *b, struct usage before, struct usage now)
{
    double n = (double)b->count;
    printf("%-8s %8.0f resident, %8.0f allocated bytes, %.2f files, %.2f mappings a tenant\n", what,
           ((double)now.resident_bytes - (double)before.resident_bytes) / n,
           ((double)now.allocated_bytes - (double)before.allocated_bytes) / n,
           ((double)now.files - (double)before.files) / n,
           ((double)now.mappings - (double)before.mappings) / n);
}

static double
seconds_since(uint64_t began_ns)
{
    return (double)(clock_mono_ns(clock_system()) - began_ns) / 1e9;
}

/* --- the story -------------------------------------------------------------------------------- */

static struct err
flush_nothing(struct db *db, bool *ret_empty)
{
    (void)db;
    *ret_empty = true;
    return OK;
}

static bool
always_empty(struct db *db)
{
    (void)db;
    return true;
}

static struct str
name_of(size_t i, char *to, size_t room)
{
    return str_of(to, (size_t)snprintf(to, room, "tenant-%zu", i));
}

static void
write_one(struct bench *b, size_t i, struct arena *a)
{
    char name[32];
    struct tenant *t;
    struct sample sample = {WALL_MS, bits_of_f64(1)};
    struct append_row row = {.label_key = KEY, .sample_count = 1};
    struct append_request request = {
        .rows = &row, .row_count = 1, .samples = &sample, .sample_count = 1};
    struct append_result result;
    must(tenants_acquire(b->tenants, name_of(i, name, sizeof name), &t), "acquire");
    must(db_append(tenant_db(t), &request, a, &result), "append");
    if (result.fates[SAMPLE_STORED] != 1)
        must(ERR(ERR_INTERNAL, "the sample was refused"), "append");
    tenant_release(t);
    arena_reset(a);
}

static double
make_all(struct bench *b)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint64_t began = clock_mono_ns(clock_system());
    for (size_t i = 0; i < b->count; i++)
        write_one(b, i, &a);
    return seconds_since(began) / (double)b->count;
}

static double
find_at_random(struct bench *b)
{
    struct rand_gen g = rand_gen_of(1);
    char name[32];
    uint64_t began = clock_mono_ns(clock_system());
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct tenant *t;
        struct str key = name_of(rand_below(&g, b->count), name, sizeof name);
        must(tenants_acquire_to_read(b->tenants, key, INT64_MIN, INT64_MAX, &t), "find");
        tenant_release(t);
    }
    return seconds_since(began) / LOOKUPS;
}

/* Seconds of work a second while everybody is idle, in the second of two hours. */
static double
leave_alone(struct bench *b)
{
    uint64_t began = 0;
    for (int second = 0; second < 2 * HOUR_SECONDS; second++) {
        if (second == HOUR_SECONDS)
            began = clock_mono_ns(clock_system());
        clock_manual_advance_ms(&b->clock, 1000);
        tenants_maintain(b->tenants);
    }
    return seconds_since(began) / HOUR_SECONDS;
}

static double
expose(const struct bench *b)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(b->metrics, METRICS_TEXT, &text);
    buf_clear(&text);
    uint64_t began = clock_mono_ns(clock_system());
    metrics_write(b->metrics, METRICS_TEXT, &text);
    return seconds_since(began);
}

static double
finish(struct bench *b)
{
    uint64_t began = clock_mono_ns(clock_system());
    tenants_finish(b->tenants);
    double seconds = seconds_since(began);
    tenants_close(TAKE(b->tenants));
    return seconds / (double)b->count;
}

static double
open_again(struct bench *b)
{
    uint64_t began = clock_mono_ns(clock_system());
    must(tenants_open(&b->opts, b->pool, &b->tenants), "open");
    return seconds_since(began) / (double)b->count;
}

static void
run(struct bench *b)
{
    struct usage empty = usage_now();
    must(tenants_open(&b->opts, b->pool, &b->tenants), "open");
    double make_s = make_all(b);
    print_usage("open", b, empty, usage_now());
    double find_s = find_at_random(b);
    double idle_s = leave_alone(b);
    double expose_s = expose(b);
    struct usage idle = usage_now();
    print_usage("idle", b, empty, idle);
    double finish_s = finish(b);

    struct usage closed = usage_now();
    double open_s = open_again(b);
    print_usage("reopened", b, closed, usage_now());
    finish(b);
    b->opts.hooks.head_is_empty = always_empty;
    open_again(b); /* so that the allocator's caches are as they will be */
    finish(b);
    closed = usage_now();
    open_again(b);
    struct usage dormant = usage_now();
    print_usage("dormant", b, closed, dormant);
    printf("made in %.0f us, reopened in %.0f us, finished in %.0f us, found in %.0f ns; idle: "
           "%.0f us a second; exposition %.1f ms\n",
           make_s * 1e6, open_s * 1e6, finish_s * 1e6, find_s * 1e9, idle_s * 1e6, expose_s * 1e3);
    printf("{\"tenants\": %zu, \"open_bytes\": %.0f, \"dormant_bytes\": %.0f, \"make_us\": %.1f, "
           "\"reopen_us\": %.1f, \"find_ns\": %.1f, \"idle_us_a_second\": %.1f}\n",
           b->count,
           ((double)idle.resident_bytes - (double)empty.resident_bytes) / (double)b->count,
           ((double)dormant.allocated_bytes - (double)closed.allocated_bytes) / (double)b->count,
           make_s * 1e6, open_s * 1e6, find_s * 1e9, idle_s * 1e6);
    finish(b);
}

int
main(int argc, char **argv)
{
    char dir[] = "/tmp/mneme-bench-XXXXXX";
    if (!mkdtemp(dir))
        must(ERR(ERR_IO, "cannot make a directory"), dir);
    uint64_t files = process_raise_open_files_limit();
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : TENANTS_DEFAULT;
    struct bench b = {.metrics = metrics_open(),
                      .count = size_min(count, (files - FILES_SPARE) / FILES_A_TENANT)};
    clock_manual_init(&b.clock, WALL_MS);
    must(pool_start(&(struct pool_opts){.name = "bench", .threads = 3, .queued_limit = 8}, &b.pool),
         "pool");
    b.opts = (struct tenants_opts){
        .dir = dir,
        .db = db_opts_default(),
        .metrics = b.metrics,
        .flush_after_ms = INT64_MAX, /* heads keep their series */
        .hooks = {.flush = flush_nothing},
    };
    b.opts.db.fs = fs_posix();
    b.opts.db.clock = &b.clock.clock;
    run(&b);
    pool_stop(b.pool);
    metrics_close(b.metrics);
    must(fs_remove_tree(fs_posix(), dir), "remove");
    return 0;
}
