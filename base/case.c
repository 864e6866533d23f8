/* case.c - ranges of characters, found by bisection. */
#include "base/case.h"

#include "base/mem.h"
#include "base/quote.h"

struct case_range {
    uint32_t first, last, step;
    int32_t delta;
};
static const struct case_range lower_ranges[] =
    {
#include "base/case_lower_table.h"
},
                               upper_ranges[] = {
#include "base/case_upper_table.h"
};

struct case_rule {
    char first, last, delta; /* of ASCII */
    const struct case_range *ranges;
    size_t count;
};
static const struct case_rule lower_rule = {'A', 'Z', 'a' - 'A', lower_ranges,
                                            ARRAY_LEN(lower_ranges)},
                              upper_rule = {'a', 'z', 'A' - 'a', upper_ranges,
                                            ARRAY_LEN(upper_ranges)};

static uint32_t
map_rune(const struct case_rule *rule, uint32_t rune)
{
    size_t low = 0, high = rule->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct case_range *r = &rule->ranges[middle];
        if (rune < r->first)
            high = middle;
        else if (rune > r->last)
            low = middle + 1;
        else
            return (rune - r->first) % r->step == 0 ? rune + (uint32_t)r->delta : rune;
    }
    return rune;
}

static void
map_text(const struct case_rule *rule, struct str s, struct buf *to)
{
    buf_reserve(to, s.n);
    while (s.n > 0) {
        char c = s.p[0];
        if (!(c & 0x80)) {
            bool changes = c >= rule->first && c <= rule->last;
            buf_put_u8(to, (uint8_t)(changes ? c + rule->delta : c));
            s = str_skip(s, 1);
            continue;
        }
        uint32_t rune;
        s = str_skip(s, rune_decode(s, &rune));
        buf_put_rune(to, map_rune(rule, rune));
    }
}

void
case_lower(struct str s, struct buf *to)
{
    map_text(&lower_rule, s, to);
}

void
case_upper(struct str s, struct buf *to)
{
    map_text(&upper_rule, s, to);
}
