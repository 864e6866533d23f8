/* xor_window.h - V: the change of a double's bits against the value before, as in XOR chunks.
 *
 *   0                           no change
 *   10 + bits                   the change, inside the window before
 *   11 lead(5) sig(6) + bits    a new window; 64 significant bits are written as 0
 *
 * Histograms have a window for every field. xor.c has its own form of this, made for speed.
 * Source: spec/tsdb.md section 4.2 (prometheus tsdb/chunkenc/xor.go). Threads: any (values). */
#pragma once
#include "tsdb/chunk/varbit.h"

/* Zero bits on both sides of what is written. All zero is what readers start with. */
struct xor_window {
    uint8_t lead, trail;
};
enum {
    XOR_LEAD_MAX = 31,   /* 5 bits; more leading zeros travel as significant ones */
    XOR_LEAD_UNSET = 64, /* of a writer: no window yet, the first change opens one */
};

static inline void
xor_window_put(struct bit_out *o, struct xor_window *w, uint64_t change)
{
    if (change == 0) {
        bit_out_put(o, 0, 1);
        return;
    }
    unsigned lead = (unsigned)__builtin_clzll(change), trail = (unsigned)__builtin_ctzll(change);
    if (lead > XOR_LEAD_MAX)
        lead = XOR_LEAD_MAX;
    if (lead >= w->lead && trail >= w->trail) {
        bit_out_put(o, 2, 2);
        bit_out_put(o, change >> w->trail, 64u - w->lead - w->trail);
        return;
    }
    unsigned significant = 64 - lead - trail;
    *w = (struct xor_window){(uint8_t)lead, (uint8_t)trail};
    bit_out_put(o, UINT64_C(3) << 11 | (uint64_t)lead << 6 | (significant & 63), 13);
    bit_out_put(o, change >> trail, significant);
}

/* The change, inside the window. */
static inline uint64_t
xor_window_take_inside(struct bit_reader *r, const struct xor_window *w)
{
    return bit_reader_take(r, 64u - w->lead - w->trail) << w->trail;
}

/* A new window, and the change; one of more than 64 bits fails. */
static inline uint64_t
xor_window_take_new(struct bit_reader *r, struct xor_window *w)
{
    unsigned lead = (unsigned)bit_reader_take(r, 5), significant = (unsigned)bit_reader_take(r, 6);
    significant = significant ? significant : 64;
    if (lead + significant > 64) {
        bit_reader_fail(r);
        return 0;
    }
    *w = (struct xor_window){(uint8_t)lead, (uint8_t)(64 - lead - significant)};
    return xor_window_take_inside(r, w);
}

static inline uint64_t
xor_window_take(struct bit_reader *r, struct xor_window *w)
{
    uint64_t head = bit_reader_peek(r) >> 62;
    r->at += head < 2 ? 1 : 2;
    if (head < 2)
        return 0;
    return head == 2 ? xor_window_take_inside(r, w) : xor_window_take_new(r, w);
}
