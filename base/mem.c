/* mem.c - allocation that cannot fail, and the allocator's statistics. */
#include "config.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

#include "base/assert.h"

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define MEM_PAGES_FROM_HEAP 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MEM_PAGES_FROM_HEAP 1
#endif
enum { MEM_PAGE_BYTES = 4096 };

static void *
check_allocated(void *p)
{
    if (!p)
        UNREACHABLE("out of memory");
    return p;
}

void *
mem_alloc(size_t bytes)
{
    return check_allocated(malloc(size_max(bytes, 1)));
}

void *
mem_alloc_zero(size_t bytes)
{
    return check_allocated(calloc(1, size_max(bytes, 1)));
}

void *
mem_array_zero(size_t count, size_t item_bytes)
{
    return check_allocated(calloc(size_max(count, 1), size_max(item_bytes, 1)));
}

void *
mem_alloc_aligned(size_t align, size_t bytes)
{
    void *p = NULL;
    int failed = posix_memalign(&p, align, size_max(bytes, 1));
    return check_allocated(failed ? NULL : p);
}

void *
mem_realloc(void *p, size_t bytes)
{
    return check_allocated(realloc(p, size_max(bytes, 1)));
}

char *
mem_dup_text(const char *p, size_t bytes)
{
    char *copy = mem_alloc(bytes + 1);
    if (bytes > 0)
        memcpy(copy, p, bytes);
    copy[bytes] = '\0';
    return copy;
}

void
mem_free(void *p)
{
    free(p);
}

#ifdef MEM_PAGES_FROM_HEAP /* so that the sanitizer sees overruns and what pages point at */
void *
mem_pages_alloc_zero(size_t bytes)
{
    ASSERT(bytes > 0);
    return memset(mem_alloc_aligned(MEM_PAGE_BYTES, bytes), 0, bytes);
}

void
mem_pages_free(void *p, size_t bytes)
{
    (void)bytes;
    mem_free(p);
}
#else
void *
mem_pages_alloc_zero(size_t bytes)
{
    ASSERT(bytes > 0);
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *pages = check_allocated(p == MAP_FAILED ? NULL : p);
    ASSERT((uintptr_t)pages % MEM_PAGE_BYTES == 0);
    return pages;
}

void
mem_pages_free(void *p, size_t bytes)
{
    if (!p)
        return;
    int failed = munmap(p, bytes);
    ASSERT(!failed);
}
#endif

uint32_t
u32_of_size(size_t n)
{
    ASSERT(n <= UINT32_MAX);
    return (uint32_t)n;
}

uint16_t
u16_of_size(size_t n)
{
    ASSERT(n <= UINT16_MAX);
    return (uint16_t)n;
}

#if HAVE_JEMALLOC
static uint64_t
read_stat(const char *name)
{
    size_t value = 0, bytes = sizeof value;
    if (mallctl(name, &value, &bytes, NULL, 0) != 0)
        return 0;
    return value;
}

struct mem_stats
mem_stats_read(void)
{
    uint64_t epoch = 1; /* writing it makes jemalloc refresh its figures */
    size_t bytes = sizeof epoch;
    (void)mallctl("epoch", &epoch, &bytes, &epoch, bytes);
    return (struct mem_stats){
        .allocated_bytes = read_stat("stats.allocated"),
        .active_bytes = read_stat("stats.active"),
        .mapped_bytes = read_stat("stats.mapped"),
        .resident_bytes = read_stat("stats.resident"),
        .retained_bytes = read_stat("stats.retained"),
    };
}

void
mem_purge(void)
{
    /* 4096 is MALLCTL_ARENAS_ALL; a failure only means that pages stay a little longer. */
    (void)mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
}
#else
struct mem_stats
mem_stats_read(void)
{
    return (struct mem_stats){0};
}

void
mem_purge(void)
{
}
#endif
