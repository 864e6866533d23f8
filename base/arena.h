/* arena.h - memory with one lifetime: everything of one request or query, dropped at once.
 *
 * An arena has a byte budget. Allocation never returns NULL; arena_check() says whether the
 * budget was passed, and callers ask at the points where input can make them grow. Nothing
 * taken from an arena outlives it: copy or intern at the border.
 * Threads: one at a time. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct arena_block;
struct arena_defer;
struct budget;

struct arena {
    struct arena_block *blocks;   /* newest first; owned */
    char *at, *end;               /* free part of the newest block */
    size_t used_bytes;            /* handed to callers, plus block rests; what was charged */
    size_t charged_bytes;         /* of them: by arena_charge() */
    size_t limit_bytes;           /* 0: no budget */
    struct budget *shared;        /* with others; NULL: none; borrowed for life */
    struct arena_defer *deferred; /* newest first; the list lives in the arena itself */
};

/* `limit_bytes` 0 means no budget. No memory is taken before the first allocation. */
void arena_init(struct arena *a, size_t limit_bytes);
/* With a second budget, of several arenas; NULL: none. */
void arena_init_shared(struct arena *a, size_t limit_bytes, struct budget *shared);
/* With the budgets of another. */
void arena_init_like(struct arena *a, const struct arena *other);
/* Frees everything taken from `a`; allowed on a zeroed arena. */
void arena_fini(struct arena *a);
/* As arena_fini + arena_init, but keeps one block for reuse. */
void arena_reset(struct arena *a);
static inline void
auto_arena_fini(struct arena *a)
{
    arena_fini(a);
}

/* 16-byte aligned, uninitialised. */
void *arena_alloc(struct arena *a, size_t bytes) __attribute__((returns_nonnull));
void *arena_alloc_zero(struct arena *a, size_t bytes) __attribute__((returns_nonnull));
/* Zeroed room for `count` items; a product that overflows aborts. */
void *arena_array(struct arena *a, size_t count, size_t item_bytes)
    __attribute__((returns_nonnull));
#define ARENA_NEW(a, type) ((type *)arena_alloc_zero((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), (count), sizeof(type)))
/* For arrays that grow: `items` when it has room for more than `count` items, a copy with at least
 * twice the room and zeroes behind them otherwise. *cap items is the room; it starts as 0. */
void *arena_more(struct arena *a, void *items, size_t item_bytes, size_t count, size_t *cap)
    __attribute__((returns_nonnull));
/* A copy that lives as long as the arena; NUL-terminated behind its end. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Runs release(object) when the arena is reset or finished, newest first: for objects that an
 * arena cannot hold whole (compiled regexes). */
void arena_defer(struct arena *a, void (*release)(void *object), void *object);

/* Counts bytes that lie elsewhere and live as long as what is in the arena. */
void arena_charge(struct arena *a, size_t bytes);
/* Asked before `more` bytes are taken for what input wants. ERR_TOO_LARGE naming the limit when
 * `a` can never have them, ERR_UNAVAILABLE while others have them (budget_has_for()). */
struct err arena_admit(const struct arena *a, size_t more);
/* The same for what the next arena_more() takes. */
struct err arena_admit_item(const struct arena *a, size_t item_bytes, size_t count, size_t cap);

/* ERR_LIMIT naming the budget once more than limit_bytes was taken; ERR_UNAVAILABLE once what is
 * shared is used up. */
struct err arena_check(const struct arena *a);
