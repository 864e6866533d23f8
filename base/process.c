/* process.c - reads /proc; beside fs_posix.c and log.c the only file of the tree that opens
 * files itself: /proc is no storage and no test wants to make it fail.
 *
 * The collector has no state: its argument is the registry, where it looks its families up. */
#include "base/process.h"

#include "base/process_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "base/str.h"

enum {
    PROC_STEP_BYTES = 4096,
    PROC_FILE_BYTES_MAX = 4 << 20, /* /proc/stat grows with processors and interrupts */
    /* Fields of /proc/self/stat, counted from 1 as proc(5) does; the second is the name. */
    STAT_NAME = 2,
    STAT_USER_TICKS = 14,
    STAT_SYSTEM_TICKS = 15,
    STAT_THREADS = 20,
    STAT_START_TICKS = 22,
    STAT_VIRTUAL_BYTES = 23,
    STAT_RESIDENT_PAGES = 24,
    STAT_FIELDS,
};

/* X(type, name, help) in the order of enum process_figure. */
#define PROCESS_FIGURES(X)                                                                         \
    X(FIGURE_CPU, COUNTER, "process_cpu_seconds_total",                                            \
      "Total user and system CPU time spent in seconds.")                                          \
    X(FIGURE_VIRTUAL, GAUGE, "process_virtual_memory_bytes", "Virtual memory size in bytes.")      \
    X(FIGURE_VIRTUAL_MAX, GAUGE, "process_virtual_memory_max_bytes",                               \
      "Maximum amount of virtual memory available in bytes.")                                      \
    X(FIGURE_RESIDENT, GAUGE, "process_resident_memory_bytes", "Resident memory size in bytes.")   \
    X(FIGURE_FDS, GAUGE, "process_open_fds", "Number of open file descriptors.")                   \
    X(FIGURE_FDS_MAX, GAUGE, "process_max_fds", "Maximum number of open file descriptors.")        \
    X(FIGURE_START, GAUGE, "process_start_time_seconds",                                           \
      "Start time of the process since unix epoch in seconds.")                                    \
    X(FIGURE_HEAP_ALLOCATED, GAUGE, "mneme_memory_allocated_bytes",                                \
      "Bytes that the program asked the allocator for and has not freed.")                         \
    X(FIGURE_HEAP_ACTIVE, GAUGE, "mneme_memory_active_bytes",                                      \
      "Bytes in pages of the allocator that hold allocations.")                                    \
    X(FIGURE_HEAP_MAPPED, GAUGE, "mneme_memory_mapped_bytes",                                      \
      "Bytes of address space that the allocator uses.")                                           \
    X(FIGURE_HEAP_RESIDENT, GAUGE, "mneme_memory_resident_bytes",                                  \
      "Bytes of the allocator that are in memory.")                                                \
    X(FIGURE_HEAP_RETAINED, GAUGE, "mneme_memory_retained_bytes",                                  \
      "Bytes of address space that the allocator keeps for reuse.")                                \
    X(FIGURE_GO_THREADS, GAUGE, "go_goroutines",                                                   \
      "Threads of the process; for dashboards of Go programs.")                                    \
    X(FIGURE_GO_ALLOC, GAUGE, "go_memstats_alloc_bytes",                                           \
      "As mneme_memory_allocated_bytes; for dashboards of Go programs.")                           \
    X(FIGURE_GO_HEAP_ALLOC, GAUGE, "go_memstats_heap_alloc_bytes",                                 \
      "As mneme_memory_allocated_bytes; for dashboards of Go programs.")                           \
    X(FIGURE_GO_HEAP_INUSE, GAUGE, "go_memstats_heap_inuse_bytes",                                 \
      "As mneme_memory_active_bytes; for dashboards of Go programs.")

enum process_figure {
#define X(figure, type, name, help) figure,
    PROCESS_FIGURES(X)
#undef X
};

static const struct metric_spec specs[] = {
#define X(figure, kind, text, words)                                                               \
    [figure] = {.type = METRIC_##kind, .name = (text), .help = (words)},
    PROCESS_FIGURES(X)
#undef X
};

static struct metric *
figure_of(struct metrics *m, enum process_figure figure)
{
    return metrics_single(m, &specs[figure]);
}

static void
set_figure(struct metrics *m, enum process_figure figure, double value)
{
    metric_set(figure_of(m, figure), value);
}

bool
process_read_proc(const char *path, struct buf *to)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got;
    do {
        buf_reserve(to, PROC_STEP_BYTES);
        got = read(fd, to->p + to->n, PROC_STEP_BYTES);
        to->n += got > 0 ? (size_t)got : 0;
    } while (got > 0 && to->n < PROC_FILE_BYTES_MAX);
    close(fd);
    return got == 0;
}

/* The numbers of /proc/self/stat by field; those that are not needed may be 0. */
static bool
read_stat(uint64_t fields[STAT_FIELDS])
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    if (!process_read_proc("/proc/self/stat", &b))
        return false;
    const char *name_end = memrchr(b.p, ')', b.n); /* a name may hold spaces and brackets */
    if (!name_end)
        return false;
    struct str rest = str_trim(str_of(name_end + 1, (size_t)(b.p + b.n - name_end - 1)));
    for (size_t i = STAT_NAME + 1; i < STAT_FIELDS; i++) {
        if (rest.n == 0)
            return false;
        fields[i] = 0;
        err_drop(str_parse_u64(str_split(&rest, ' '), &fields[i])); /* some are negative */
    }
    return true;
}

/* Seconds since 1970 at which the machine started; 0 when unknown. */
static uint64_t
boot_seconds(void)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    uint64_t seconds = 0;
    if (!process_read_proc("/proc/stat", &b))
        return 0;
    for (struct str rest = buf_str(&b); rest.n > 0;) {
        struct str line = str_split(&rest, '\n');
        if (str_starts_with(line, STR("btime ")))
            err_drop(str_parse_u64(str_skip(line, STR("btime ").n), &seconds));
    }
    return seconds;
}

static void
collect_fds(struct metrics *m)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    set_figure(m, FIGURE_FDS, (double)(count - size_min(count, 3))); /* ".", "..", this one */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        set_figure(m, FIGURE_FDS_MAX, (double)limit.rlim_cur);
}

static void
collect_stat(struct metrics *m)
{
    uint64_t fields[STAT_FIELDS];
    if (!read_stat(fields))
        return;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    double cpu_seconds = (double)(fields[STAT_USER_TICKS] + fields[STAT_SYSTEM_TICKS]) / ticks;
    struct metric *cpu = figure_of(m, FIGURE_CPU);
    double more = cpu_seconds - metric_value(cpu);
    if (more > 0) /* two expositions at once may come here in either order */
        metric_add(cpu, more);
    set_figure(m, FIGURE_GO_THREADS, (double)fields[STAT_THREADS]);
    set_figure(m, FIGURE_VIRTUAL, (double)fields[STAT_VIRTUAL_BYTES]);
    set_figure(m, FIGURE_RESIDENT,
               (double)fields[STAT_RESIDENT_PAGES] * (double)sysconf(_SC_PAGESIZE));
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0)
        set_figure(m, FIGURE_VIRTUAL_MAX, (double)limit.rlim_cur);
}

static void
collect(void *arg)
{
    struct metrics *m = arg;
    collect_stat(m);
    collect_fds(m);
    struct mem_stats heap = mem_stats_read();
    set_figure(m, FIGURE_HEAP_ALLOCATED, (double)heap.allocated_bytes);
    set_figure(m, FIGURE_HEAP_ACTIVE, (double)heap.active_bytes);
    set_figure(m, FIGURE_GO_ALLOC, (double)heap.allocated_bytes);
    set_figure(m, FIGURE_GO_HEAP_ALLOC, (double)heap.allocated_bytes);
    set_figure(m, FIGURE_GO_HEAP_INUSE, (double)heap.active_bytes);
    set_figure(m, FIGURE_HEAP_MAPPED, (double)heap.mapped_bytes);
    set_figure(m, FIGURE_HEAP_RESIDENT, (double)heap.resident_bytes);
    set_figure(m, FIGURE_HEAP_RETAINED, (double)heap.retained_bytes);
}

void
process_metrics_register(struct metrics *m)
{
    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        metrics_single(m, &specs[i]);
    uint64_t fields[STAT_FIELDS];
    uint64_t boot = boot_seconds();
    if (boot > 0 && read_stat(fields))
        set_figure(m, FIGURE_START,
                   (double)boot + (double)fields[STAT_START_TICKS] / (double)sysconf(_SC_CLK_TCK));
    metrics_on_collect(m, collect, m);
}

uint64_t
process_raise_open_files_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}
