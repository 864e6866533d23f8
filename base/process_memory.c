/* process_memory.c - what /proc and /sys tell of memory: this process' share, its cgroup's limit.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/process_int.h"

#define CGROUP_ROOT      "/sys/fs/cgroup"
#define CGROUP1_LIMIT    CGROUP_ROOT "/memory/memory.limit_in_bytes"
#define CGROUP1_NO_LIMIT (UINT64_C(1) << 60) /* the first version writes a huge number */

static uint64_t
number_in(struct str text)
{
    uint64_t n = 0;
    err_drop(str_parse_u64(str_trim(text), &n)); /* "max" */
    return n;
}

uint64_t
process_anonymous_bytes(void)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    if (!process_read_proc("/proc/self/statm", &b))
        return 0;
    struct str rest = buf_str(&b);
    str_split(&rest, ' '); /* address space */
    uint64_t resident = number_in(str_split(&rest, ' '));
    uint64_t of_files = number_in(str_split(&rest, ' '));
    return (resident - of_files) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of the second version: the least of the group and all above it, as far as they are seen. */
static uint64_t
cgroup2_limit(struct str path)
{
    uint64_t least = 0;
    for (;;) {
        AUTO(buf_fini) struct buf name = BUF_INIT, text = BUF_INIT;
        buf_printf(&name, CGROUP_ROOT "%.*s/memory.max", (int)path.n, path.p);
        uint64_t limit = process_read_proc(buf_cstr(&name), &text) ? number_in(buf_str(&text)) : 0;
        if (limit > 0 && (least == 0 || limit < least))
            least = limit;
        if (path.n == 0)
            return least;
        do
            path.n--;
        while (path.n > 0 && path.p[path.n] != '/');
    }
}

uint64_t
process_cgroup_memory_bytes(void)
{
    AUTO(buf_fini) struct buf groups = BUF_INIT, old = BUF_INIT;
    if (process_read_proc("/proc/self/cgroup", &groups)) {
        struct str rest = buf_str(&groups);
        while (rest.n > 0) {
            struct str line = str_split(&rest, '\n');
            if (str_starts_with(line, STR("0::/")))
                return cgroup2_limit(str_trim(str_skip(line, STR("0::").n)));
        }
    }
    uint64_t limit = process_read_proc(CGROUP1_LIMIT, &old) ? number_in(buf_str(&old)) : 0;
    return limit < CGROUP1_NO_LIMIT ? limit : 0;
}
