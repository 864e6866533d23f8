/* vec.h - a typed growing array: struct { T *v; size_t n, cap; }.
 *
 *   VEC(struct label) labels = VEC_INIT;         or a named type: VEC_TYPE(u32_vec, uint32_t);
 *   vec_push(&labels, ((struct label){...}));
 *   vec_each (&labels, l) use(l->name);
 *   vec_fini(&labels);
 * Items move when it grows: no pointer into it survives a push.
 * Threads: one at a time. */
#pragma once
#include <stddef.h>

#include "base/assert.h"
#include "base/mem.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *v;                                                                                      \
        size_t n, cap;                                                                             \
    }
#define VEC_TYPE(name, T)                                                                          \
    struct name {                                                                                  \
        T *v;                                                                                      \
        size_t n, cap;                                                                             \
    }
#define VEC_INIT {NULL, 0, 0}

/* Room for `more` items behind the last. */
#define vec_reserve(vec, more)                                                                     \
    ((vec)->n + (more) <= (vec)->cap                                                               \
         ? (void)0                                                                                 \
         : (void)((vec)->v = vec_grow_((vec)->v, sizeof *(vec)->v, (vec)->n + (more), &(vec)->cap)))
#define vec_push(vec, item) (vec_reserve((vec), 1), (void)((vec)->v[(vec)->n++] = (item)))
#define vec_last(vec) (&(vec)->v[vec_index_((vec)->n - 1, (vec)->n)])
#define vec_pop(vec) ((vec)->v[vec_drop_last_(&(vec)->n)])
#define vec_at(vec, i) (&(vec)->v[vec_index_((i), (vec)->n)])
#define vec_clear(vec) ((void)((vec)->n = 0))
#define vec_fini(vec) (mem_free((vec)->v), (void)((vec)->v = NULL, (vec)->n = (vec)->cap = 0))
#define vec_each(vec, item)                                                                        \
    for (__typeof__((vec)->v)(item) = (vec)->v; (vec)->n && (item) != (vec)->v + (vec)->n; (item)++)

static inline size_t
vec_index_(size_t i, size_t n)
{
    ASSERT(i < n);
    return i;
}

static inline size_t
vec_drop_last_(size_t *n)
{
    ASSERT(*n > 0);
    return --*n;
}

/* Doubles; the new capacity goes to *cap. Defined in vec.c. */
void *vec_grow_(void *items, size_t item_bytes, size_t need, size_t *cap);
