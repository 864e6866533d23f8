/* remote_write2_keys.h - label keys of series in their usual shape: the hot part of the decoder of
 * 2.0, for remote_write2.c.
 *
 * Series that follow each other share most labels, and references that come again give the same
 * bytes again. So of a key only what differs from the one before is made from symbols: what both
 * have in front is copied in one piece, and so is what both have behind a label that differs.
 * Threads: a walk belongs to one call. */
#pragma once
#include "base/mem.h"
#include "proto/remote_write2_int.h"

enum { KEYS_CHUNK_BYTES = 256 << 10 }; /* that keys are cut from */
_Static_assert(WRITE2_FAST_LABELS *SYMBOLS_LABEL_ROOM <= KEYS_CHUNK_BYTES, "a key fits a chunk");
_Static_assert(WRITE2_FAST_LABELS *SYMBOLS_SHORT_LABEL_BYTES <= UINT16_MAX, "ends of labels fit");

struct fast_key {
    struct str key;  /* written, but not taken out of the room yet */
    uint32_t metric; /* the reference that is the metric's name */
};

/* A reference of one or two bytes. */
static inline bool
take_ref(const uint8_t **p, const uint8_t *end, uint32_t *ret_ref)
{
    const uint8_t *at = *p;
    if (at < end && at[0] < 0x80) {
        *ret_ref = at[0];
        *p = at + 1;
        return true;
    }
    if (end - at < 2 || at[1] >= 0x80)
        return false;
    *ret_ref = (at[0] & 0x7fu) | (uint32_t)at[1] << 7;
    *p = at + 2;
    return true;
}

/* Room for the key of `labels` short labels; NULL when there is none to be had. */
static inline char *
key_room(struct walk2 *w, size_t labels)
{
    if (__builtin_expect((size_t)(w->keys_end - w->keys_at) < labels * SYMBOLS_LABEL_ROOM, 0)) {
        struct err e = arena_admit(w->base.arena, KEYS_CHUNK_BYTES);
        err_drop(e); /* the general path comes to it, too */
        if (e.code != ERR_NONE)
            return NULL;
        w->keys_at = arena_alloc(w->base.arena, KEYS_CHUNK_BYTES);
        w->keys_end = w->keys_at + KEYS_CHUNK_BYTES;
    }
    return w->keys_at;
}

/* How many of the last labels stand in front of `refs`, too. */
static inline size_t
shared_front(const struct write2_last *last, struct str refs)
{
    size_t most = last->n > 0 ? size_min(last->refs.n, refs.n) : 0, same = 0, labels = 0;
    uint64_t differ = 0;
    while (most - same >= sizeof differ && differ == 0) {
        differ = load_le64(last->refs.p + same) ^ load_le64(refs.p + same);
        same += differ ? (size_t)__builtin_ctzll(differ) / 8 : sizeof differ;
    }
    while (differ == 0 && same < most && last->refs.p[same] == refs.p[same])
        same++;
    while (labels < last->n && last->ref_ends[labels] <= same)
        labels++;
    return labels;
}

/* The labels behind the one at index i, which ends at `refs_at`, are those of the last series. */
static inline bool
shares_rest(const struct write2_last *last, size_t i, struct str refs, size_t refs_at)
{
    size_t left = refs.n - refs_at, last_at = last->ref_ends[i];
    return left > 0 && last->refs.n - last_at == left &&
           memcmp(last->refs.p + last_at, refs.p + refs_at, left) == 0;
}

/* Copies the bytes of these labels behind `key_at`, where the label at index i ends, and moves
 * their ends; returns the bytes of the key. */
static inline size_t
share_rest(struct write2_last *last, size_t labels, size_t i, size_t refs_at, char *key,
           size_t key_at)
{
    size_t from = last->key_ends[i], bytes = last->key.n - from;
    memcpy(key + key_at, last->key.p + from, bytes);
    size_t refs_moved = refs_at - last->ref_ends[i], key_moved = key_at - from;
    for (size_t k = i; k < labels && (refs_moved | key_moved) != 0; k++) {
        last->ref_ends[k] = (uint16_t)(last->ref_ends[k] + refs_moved);
        last->key_ends[k] = (uint16_t)(last->key_ends[k] + key_moved);
    }
    return key_at + bytes;
}

/* Writes the key of labels that are all short, with a name of the metric among them; false
 * otherwise. */
static inline bool
key_fast(struct walk2 *w, struct str refs, struct fast_key *ret_key)
{
    struct write2_last *last = &w->last;
    char *key = refs.n <= WRITE2_FAST_REFS_BYTES ? key_room(w, refs.n / 2) : NULL;
    if (!key)
        return false;
    const uint8_t *start = (const uint8_t *)refs.p, *end = start + refs.n;
    size_t last_n = last->n, n = shared_front(last, refs);
    size_t key_at = n > 0 ? last->key_ends[n - 1] : 0;
    const uint8_t *p = start + (n > 0 ? last->ref_ends[n - 1] : 0);
    uint32_t metric = n > last->metric_at ? last->metric : 0;
    if (n > 0)
        memcpy(key, last->key.p, key_at);
    last->n = 0; /* in pieces until all is done */
    while (p < end) {
        uint32_t name, value;
        if (!take_ref(&p, end, &name) || !take_ref(&p, end, &value) || name >= w->symbols.n ||
            value >= w->symbols.n)
            return false;
        const struct symbol *x = &w->symbols.v[name];
        char *at = symbols_put_short_label(key + key_at, x, &w->symbols.v[value]);
        if (!at)
            return false;
        key_at = (size_t)(at - key);
        size_t refs_at = (size_t)(p - start);
        bool shared = n < last_n && shares_rest(last, n, refs, refs_at);
        if (shared) {
            key_at = share_rest(last, last_n, n, refs_at, key, key_at);
            metric = metric == 0 && last->metric_at > n ? last->metric : metric;
        } else {
            last->ref_ends[n] = (uint16_t)refs_at;
            last->key_ends[n] = (uint16_t)key_at;
        }
        if (x->is_metric_name) {
            metric = value;
            last->metric_at = n;
        }
        n = shared ? last_n : n + 1;
        if (shared)
            break;
    }
    if (metric == 0)
        return false;
    last->refs = refs;
    last->key = str_of(key, key_at);
    last->n = n;
    last->metric = metric;
    *ret_key = (struct fast_key){last->key, metric};
    return true;
}
