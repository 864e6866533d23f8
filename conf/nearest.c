/* nearest.c - edit distance by the classic table, of which one row is kept. Pure. */
#include "conf/nearest.h"

#include "base/mem.h"

static size_t
edit_distance(struct str a, struct str b)
{
    size_t row[NEAREST_BYTES_MAX + 1]; /* row[j]: distance of a's first i bytes to b's first j */
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            row[j] = size_min(replaced, size_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}

struct nearest
nearest_init(struct str word)
{
    return (struct nearest){.word = word, .best = STR(""), .distance = SIZE_MAX};
}

void
nearest_offer(struct nearest *near, struct str name)
{
    if (near->word.n > NEAREST_BYTES_MAX || name.n > NEAREST_BYTES_MAX)
        return;
    size_t distance = edit_distance(near->word, name);
    if (distance < near->distance && 3 * distance <= size_max(near->word.n, name.n)) {
        near->best = name;
        near->distance = distance;
    }
}
