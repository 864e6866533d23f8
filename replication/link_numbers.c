/* link_numbers.c - a bit a number, of one numbering at a time. */
#include "replication/link_numbers.h"

#include <string.h>

enum { WORD_BITS = 64, WORDS_MIN = 64 };

void
link_numbers_fini(struct link_numbers *l)
{
    mem_free(l->known);
    *l = (struct link_numbers){.numbering = 0};
}

static uint64_t
bit_of(uint32_t number)
{
    return UINT64_C(1) << number % WORD_BITS;
}

static bool
is_known(const struct link_numbers *l, uint32_t number)
{
    return number / WORD_BITS < l->words && l->known[number / WORD_BITS] & bit_of(number);
}

bool
link_numbers_suffice(const struct link_numbers *l, const struct peer_rows *rows)
{
    if (!rows->terse || rows->numbering != l->numbering)
        return false;
    for (size_t i = 0; i < rows->number_count; i++) {
        if (!is_known(l, rows->numbers[i]))
            return false;
    }
    return true;
}

static void
make_room(struct link_numbers *l, uint32_t number)
{
    size_t words = l->words ? l->words : WORDS_MIN;
    while (words <= number / WORD_BITS)
        words *= 2;
    if (words == l->words)
        return;
    l->known = mem_realloc(l->known, words * sizeof *l->known);
    memset(l->known + l->words, 0, (words - l->words) * sizeof *l->known);
    l->words = words;
}

void
link_numbers_learn(struct link_numbers *l, const struct peer_rows *rows)
{
    if (!rows->terse)
        return;
    if (rows->numbering != l->numbering) {
        link_numbers_fini(l);
        l->numbering = rows->numbering;
    }
    for (size_t i = 0; i < rows->number_count; i++) {
        make_room(l, rows->numbers[i]);
        l->known[rows->numbers[i] / WORD_BITS] |= bit_of(rows->numbers[i]);
    }
}

void
link_numbers_forget(struct link_numbers *l, const struct peer_rows *rows)
{
    if (rows->numbering != l->numbering)
        return;
    for (size_t i = 0; i < rows->number_count; i++) {
        if (is_known(l, rows->numbers[i]))
            l->known[rows->numbers[i] / WORD_BITS] &= ~bit_of(rows->numbers[i]);
    }
}
