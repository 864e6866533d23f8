/* mem.h - the only door to the allocator; running out of memory aborts.
 *
 * Because these never return NULL, every size that comes from outside must be checked
 * against a named limit first. The allocator is jemalloc where the build has it.
 * Threads: any. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* 16-byte aligned, uninitialised; bytes may be 0. The caller owns the result: mem_free(). */
void *mem_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_alloc_zero(size_t bytes) __attribute__((malloc, returns_nonnull));
/* count * item_bytes, zeroed; a product that overflows aborts. */
void *mem_array_zero(size_t count, size_t item_bytes) __attribute__((malloc, returns_nonnull));
/* `align` is a power of two. Free with mem_free(). */
void *mem_alloc_aligned(size_t align, size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *p, size_t bytes) __attribute__((returns_nonnull));
/* A heap copy of `bytes` bytes with a NUL behind them. */
char *mem_dup_text(const char *p, size_t bytes) __attribute__((malloc, returns_nonnull));
/* NULL is allowed. */
void mem_free(void *p);

/* Zeroed pages straight from the kernel, for arrays that are mostly empty: what is never
 * touched is never resident. Page-aligned, not part of mem_stats; bytes > 0. */
void *mem_pages_alloc_zero(size_t bytes) __attribute__((malloc, returns_nonnull));
/* `bytes` as given to the call above. NULL is allowed. */
void mem_pages_free(void *p, size_t bytes);

struct mem_stats {
    uint64_t allocated_bytes; /* asked for and not freed       */
    uint64_t active_bytes;    /* in pages that hold those      */
    uint64_t mapped_bytes;    /* address space of the allocator */
    uint64_t resident_bytes;  /* of the allocator              */
    uint64_t retained_bytes;  /* kept from the kernel for reuse */
};
/* The allocator's own figures; all zero where the build has no jemalloc. */
struct mem_stats mem_stats_read(void);
/* Gives unused pages back to the kernel; a no-op without jemalloc. */
void mem_purge(void);

/* --- ownership helpers ----------------------------------------------------------------- */

/* AUTO(wal_close) struct wal *w = NULL;  frees at scope end whatever w then holds, and that is a
 * use of w (clang thinks otherwise). */
#define AUTO(close_fn) __attribute__((cleanup(auto_##close_fn), unused))
/* Placed once behind the declaration of `void close_fn(type)`, where type is a pointer. */
#define DEFINE_AUTO(type, close_fn)                                                                \
    static inline void auto_##close_fn(type *p)                                                    \
    {                                                                                              \
        close_fn(*p);                                                                              \
    }
/* Moves a pointer out of a variable, so that AUTO finds NULL: *ret_wal = TAKE(w). */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline size_t
size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}
static inline size_t
size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}
static inline int64_t
i64_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t
i64_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline uint64_t
u64_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
static inline uint64_t
u64_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Checked narrowing: a value that does not fit is a bug of the caller, who had to check. */
uint32_t u32_of_size(size_t n);
uint16_t u16_of_size(size_t n);

static inline void
auto_mem_free(void *p)
{
    mem_free(*(void **)p);
}
