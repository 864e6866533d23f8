/* arena.c - bump allocation in blocks that double up to 1 MiB. */
#include "base/arena.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/budget.h"
#include "base/mem.h"

enum {
    ARENA_ALIGN = 16,
    ARENA_BLOCK_BYTES_MIN = 4 << 10, /* with its header: the allocator's size classes */
    ARENA_BLOCK_BYTES_MAX = 1 << 20,
};

struct arena_block {
    struct arena_block *older;
    size_t bytes; /* of data[] */
    _Alignas(ARENA_ALIGN) char data[];
};

struct arena_defer {
    struct arena_defer *older;
    void (*release)(void *object);
    void *object;
};

static void
run_deferred(struct arena *a)
{
    for (struct arena_defer *d = a->deferred; d; d = d->older)
        d->release(d->object);
    a->deferred = NULL;
}

void
arena_defer(struct arena *a, void (*release)(void *object), void *object)
{
    struct arena_defer *d = arena_alloc(a, sizeof *d);
    *d = (struct arena_defer){a->deferred, release, object};
    a->deferred = d;
}

void
arena_init(struct arena *a, size_t limit_bytes)
{
    arena_init_shared(a, limit_bytes, NULL);
}

void
arena_init_shared(struct arena *a, size_t limit_bytes, struct budget *shared)
{
    *a = (struct arena){.limit_bytes = limit_bytes, .shared = shared};
}

void
arena_init_like(struct arena *a, const struct arena *other)
{
    arena_init_shared(a, other->limit_bytes, other->shared);
}

static void
free_block(struct arena *a, struct arena_block *block)
{
    if (a->shared)
        budget_give_back(a->shared, block->bytes);
    mem_free(block);
}

void
arena_fini(struct arena *a)
{
    run_deferred(a);
    struct arena_block *block = a->blocks;
    while (block) {
        struct arena_block *older = block->older;
        free_block(a, block);
        block = older;
    }
    if (a->shared)
        budget_give_back(a->shared, a->charged_bytes);
    arena_init_shared(a, a->limit_bytes, a->shared);
}

void
arena_reset(struct arena *a)
{
    struct arena_block *keep = a->blocks;
    if (!keep) {
        arena_fini(a);
        return;
    }
    run_deferred(a);
    a->blocks = keep->older;
    arena_fini(a);
    keep->older = NULL;
    a->blocks = keep;
    a->at = keep->data;
    a->end = keep->data + keep->bytes;
    a->used_bytes = keep->bytes;
}

static void
arena_grow(struct arena *a, size_t need)
{
    size_t last = a->blocks ? sizeof *a->blocks + a->blocks->bytes : 0;
    size_t whole = size_max(size_min(last * 2, ARENA_BLOCK_BYTES_MAX), ARENA_BLOCK_BYTES_MIN);
    size_t bytes = size_max(whole - sizeof *a->blocks, need);
    struct arena_block *block = mem_alloc(sizeof *block + bytes);
    block->older = a->blocks;
    block->bytes = bytes;
    a->blocks = block;
    a->at = block->data;
    a->end = block->data + bytes;
    a->used_bytes += bytes;
    if (a->shared)
        budget_charge(a->shared, bytes);
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
    ASSERT(bytes <= SIZE_MAX / 2); /* sizes from outside were checked against a limit */
    /* Nothing takes room, too: a first allocation of 0 bytes must not be NULL. */
    size_t rounded = (size_max(bytes, 1) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if ((size_t)(a->end - a->at) < rounded)
        arena_grow(a, rounded);
    void *p = a->at;
    a->at += rounded;
    return p;
}

void *
arena_alloc_zero(struct arena *a, size_t bytes)
{
    return memset(arena_alloc(a, bytes), 0, bytes);
}

void *
arena_array(struct arena *a, size_t count, size_t item_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_bytes, &bytes))
        UNREACHABLE("an array size that overflows was not checked against a limit");
    return arena_alloc_zero(a, bytes);
}

static size_t
next_cap(size_t cap)
{
    return cap ? 2 * cap : 16;
}

void *
arena_more(struct arena *a, void *items, size_t item_bytes, size_t count, size_t *cap)
{
    ASSERT(count <= *cap);
    if (count < *cap)
        return items;
    *cap = next_cap(*cap);
    void *bigger = arena_array(a, *cap, item_bytes);
    if (count)
        memcpy(bigger, items, count * item_bytes);
    return bigger;
}

struct str
arena_str(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return (struct str){copy, s.n};
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int need = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    ASSERT(need >= 0);
    char *text = arena_alloc(a, (size_t)need + 1);
    int wrote = vsnprintf(text, (size_t)need + 1, fmt, again);
    va_end(again);
    ASSERT(wrote == need);
    return (struct str){text, (size_t)need};
}

void
arena_charge(struct arena *a, size_t bytes)
{
    a->used_bytes += bytes;
    a->charged_bytes += bytes;
    if (a->shared)
        budget_charge(a->shared, bytes);
}

struct err
arena_admit(const struct arena *a, size_t more)
{
    if (a->limit_bytes > 0 &&
        (a->used_bytes > a->limit_bytes || more > a->limit_bytes - a->used_bytes))
        return ERR(ERR_TOO_LARGE, "request too large: it takes more than %zu bytes of memory",
                   a->limit_bytes);
    if (a->shared && !budget_has_for(a->shared, a->used_bytes, more))
        return ERR(ERR_UNAVAILABLE, "%zu bytes of memory for all requests at once are used up",
                   a->shared->limit_bytes);
    return OK;
}

struct err
arena_admit_item(const struct arena *a, size_t item_bytes, size_t count, size_t cap)
{
    return count < cap ? OK : arena_admit(a, next_cap(cap) * item_bytes);
}

struct err
arena_check(const struct arena *a)
{
    if (a->limit_bytes > 0 && a->used_bytes > a->limit_bytes)
        return ERR(ERR_LIMIT, "memory budget of %zu bytes is used up", a->limit_bytes);
    if (a->shared && !budget_has(a->shared, 0))
        return ERR(ERR_UNAVAILABLE, "memory budget of %zu bytes for all at once is used up",
                   a->shared->limit_bytes);
    return OK;
}
