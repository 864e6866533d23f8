/* tsdb.c - measures parts of the storage engine in this process: ./dev bench tsdb.
 *
 *   bench/tsdb [--dir DIR] [--keep] [PART...]     without a part: all but "by name only"
 *
 * One figure a line, then all of them as one JSON object. Nothing is asserted about time. A part
 * that looks at memory should have a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/vec.h"
#include "bench/tsdb_bench.h"

enum part_when { PART_ALWAYS, PART_BY_NAME };

static const struct part {
    const char *name;
    struct err (*run)(struct bench *b);
    enum part_when when;
    const char *what;
} parts[] = {
    {"append", bench_append, PART_ALWAYS, "db_append() of 100,000 known series"},
    {"latency", bench_latency, PART_ALWAYS, "db_append() beside a cut of the head"},
    {"memory", bench_memory, PART_ALWAYS, "resident bytes a series, 1 million series"},
    {"restart", bench_restart, PART_ALWAYS, "opening 200,000 series x 20 samples again"},
    {"restart_big", bench_restart_big, PART_BY_NAME, "1 million series x 480 samples"},
    {"cut", bench_cut, PART_ALWAYS, "cutting 100,000 series x 2 h into a block"},
    {"decode", bench_decode, PART_ALWAYS, "decoding XOR chunks"},
    {"match", bench_match, PART_ALWAYS, "label matchers over 200,000 values"},
    {"order", bench_order, PART_ALWAYS, "sorting 1 million series by labels"},
    {"compact", bench_compact, PART_ALWAYS, "three blocks as one: copied, merged"},
    {"intersect", bench_intersect, PART_ALWAYS, "set operations on lists of 1 million"},
};

/* --- for the parts -------------------------------------------------------------------------- */

void
bench_figure(struct bench *b, const char *name, double value)
{
    printf("%-40s %14.3f\n", name, value);
    (void)fflush(stdout);
    buf_printf(&b->json, "%s\"%s\":%.3f", b->json.n ? "," : "", name, value);
}

struct bench_timer
bench_start(void)
{
    return (struct bench_timer){clock_process_cpu_ns(), clock_mono_ns(clock_system()), NULL};
}

struct bench_timer
bench_since(struct bench_timer start)
{
    struct bench_timer now = bench_start();
    return (struct bench_timer){now.cpu_ns - start.cpu_ns, now.wall_ns - start.wall_ns, NULL};
}

uint64_t
bench_resident_bytes(void)
{
    mem_purge();
    uint64_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    (void)fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
bench_forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f)
        return;
    (void)fputs("5", f);
    (void)fclose(f);
}

uint64_t
bench_peak_bytes(void)
{
    uint64_t kib = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "VmHWM: %lu kB", &kib);
    if (f)
        (void)fclose(f);
    return kib * 1024;
}

/* --- main ----------------------------------------------------------------------------------- */

static void
help(void)
{
    printf("tsdb [--dir DIR] [--keep] [PART...]: measures the storage engine\n"
           "  --dir DIR   where databases are made and removed (/dev/shm)\n"
           "  --keep      restart: the database stays, for somebody else to open\n");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        printf("  %-12s%s%s\n", parts[i].name, parts[i].what,
               parts[i].when == PART_BY_NAME ? " (by name only)" : "");
}

static const struct part *
find_part(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    }
    return NULL;
}

static struct err
run_all(struct bench *b)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].when == PART_ALWAYS)
            TRY_IN(parts[i].run(b), "%s", parts[i].name);
    }
    return OK;
}

static struct err
run_named(struct bench *b, char **names, int count)
{
    for (int i = 0; i < count; i++) {
        const struct part *part = find_part(names[i]);
        if (!part)
            return ERR(ERR_INVALID, "no part \"%s\"; see --help", names[i]);
        TRY_IN(part->run(b), "%s", part->name);
    }
    return OK;
}

/* Options in front of the names; returns the index of the first name, or 0 when one is unknown. */
static int
parse_options(int argc, char **argv, const char **parent, struct bench *b)
{
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--keep") == 0)
            b->after = BENCH_KEEP;
        else if (strcmp(argv[at], "--dir") == 0 && at + 1 < argc)
            *parent = argv[++at];
        else
            return 0;
    }
    return at;
}

int
main(int argc, char **argv)
{
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    struct bench b = {.after = BENCH_REMOVE};
    int first = parse_options(argc, argv, &parent, &b);
    if (first == 0) {
        help();
        return strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    AUTO(buf_fini) struct buf dir = BUF_INIT;
    buf_printf(&dir, "%s/mneme-bench-XXXXXX", parent);
    (void)buf_cstr(&dir);
    if (!mkdtemp(dir.p)) {
        fprintf(stderr, "tsdb: no directory in %s\n", parent);
        return 2;
    }
    b.dir = buf_str(&dir);
    struct err e = first < argc ? run_named(&b, argv + first, argc - first) : run_all(&b);
    if (rmdir(dir.p) != 0)
        fprintf(stderr, "tsdb: %s is left behind\n", dir.p);
    printf("{%.*s}\n", STR_FMT(buf_str(&b.json)));
    buf_fini(&b.json);
    if (e.code == ERR_NONE)
        return 0;
    fprintf(stderr, "tsdb: %s\n", err_text(&e));
    err_drop(e);
    return 1;
}
